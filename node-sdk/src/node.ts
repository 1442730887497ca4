/**
 * What only Node has: a fetch with a CA bundle, a client certificate or a proxy. Needs the optional peer `undici`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Agent, fetch, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from './errors.ts';
import { environment, proxyFor } from './runtime.ts';
import type { Fetch } from './transport.ts';

/** Options of `nodeFetch`. */
export interface NodeFetchOptions {
  /** Path of a CA bundle; `ADMIN_API_CA_BUNDLE`. */
  ca?: string | undefined;
  /** Path of a client certificate, for mTLS. */
  cert?: string | undefined;
  /** Path of its key. */
  key?: string | undefined;
  /** URL of a proxy; by default those of the environment, `null` for none. */
  proxy?: string | null | undefined;
}

/**
 * A fetch to pass to `AdminClient`.
 *
 * @throws ConfigurationError if a file cannot be read.
 */
export function nodeFetch({ ca, cert, key, proxy }: NodeFetchOptions = {}): Fetch {
  const connect = {
    ...files({ ca: ca ?? environment('ADMIN_API_CA_BUNDLE'), cert, key }),
  };
  const direct = new Agent({ connect });
  const proxies = new Map<string, Dispatcher>();
  const dispatcherFor = (url: string): Dispatcher => {
    const uri = proxy === null ? undefined : (proxy ?? proxyFor(url));
    if (uri === undefined) return direct;
    const known = proxies.get(uri) ?? new ProxyAgent({ uri, requestTls: connect });
    proxies.set(uri, known);
    return known;
  };
  return (url, init) =>
    fetch(url, { ...init, dispatcher: dispatcherFor(url) } as Parameters<typeof fetch>[1]) as unknown as Promise<Response>;
}

function files(paths: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const [name, path] of Object.entries(paths)) {
    if (path === undefined) continue;
    try {
      contents[name] = readFileSync(path, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ConfigurationError(`The ${name} file '${path}' cannot be read: ${code}.`, { code: 'invalid_ca_bundle' });
    }
  }
  return contents;
}
