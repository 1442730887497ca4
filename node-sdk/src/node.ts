/**
 * What only Node has: a fetch with a CA bundle, a client certificate or a proxy. Needs the optional peer `undici`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Agent, fetch, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { ConfigurationError } from './errors.ts';
import { environment, exempt, proxyFor } from './runtime.ts';
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
 * @throws ConfigurationError if a file cannot be read, or a proxy cannot be applied.
 */
export function nodeFetch({ ca, cert, key, proxy }: NodeFetchOptions = {}): Fetch {
  const connect = {
    ...files({ ca: ca ?? environment('ADMIN_API_CA_BUNDLE'), cert, key }),
  };
  if (process.versions['bun'] !== undefined) return bunFetch(connect, proxy);
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

/** Bun puts its own fetch in undici's place, which ignores dispatchers and takes certificates and proxies as options. */
function bunFetch(tls: Readonly<Record<string, string>>, proxy: string | null | undefined): Fetch {
  return (url, init) => {
    if (typeof proxy === 'string' && exempt(url)) {
      throw new ConfigurationError('Bun would not use the proxy, for NO_PROXY names the host: unset NO_PROXY, or give no proxy.', {
        code: 'proxy_not_applied',
      });
    }
    const via = proxy === null ? undefined : (proxy ?? proxyFor(url));
    return globalThis.fetch(url, { ...init, tls, proxy: via ?? false } as RequestInit); // false is direct, whatever the environment
  };
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
