/**
 * What only Node has: tokens in files, and a fetch with a CA bundle, a client certificate or a proxy, which needs the optional
 * peer `undici`.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { connectorTo } from './connector.ts';
import type { Tls } from './connector.ts';
import { ConfigurationError } from './errors.ts';
import type { Secret } from './exchange.ts';
import { checkedProxy, exempt, proxyFor } from './proxies.ts';
import { environment } from './runtime.ts';
import type { Fetch } from './transport.ts';

export { FileTokenStore } from './store-node.ts';

/** Options of `nodeFetch`. */
export interface NodeFetchOptions {
  /** Path of a CA bundle; `ADMIN_API_CA_BUNDLE`. */
  ca?: string | undefined;
  /** Path of a client certificate, for mTLS. */
  cert?: string | undefined;
  /** Path of its key. */
  key?: string | undefined;
  /** URL of a proxy, http or https; by default those of the environment, `null` for none. */
  proxy?: string | null | undefined;
}

/**
 * A fetch to pass to `AdminClient`.
 *
 * @throws ConfigurationError if a file cannot be read, a proxy cannot be applied, or undici is not installed.
 */
export function nodeFetch({ ca, cert, key, proxy }: NodeFetchOptions = {}): Fetch {
  const tls = material({ ca: ca ?? environment('ADMIN_API_CA_BUNDLE'), cert, key });
  const environ = { ...process.env }; // as it is now
  const given = typeof proxy === 'string' ? checkedProxy('proxy', proxy) : undefined;
  const via = (url: string): Secret | undefined => (proxy === undefined ? proxyFor(url, environ) : given);
  if (process.versions['bun'] !== undefined) return bunFetch(tls, via);
  const { Agent, buildConnector, fetch } = undici();
  const agents = new Map<string, Dispatcher>();
  const agentFor = ({ origin }: URL): Dispatcher => {
    const agent = agents.get(origin) ?? new Agent({ connect: connectorTo(buildConnector, tls, via(origin)) });
    agents.set(origin, agent);
    return agent;
  };
  return async (url, init) =>
    fetch(url, { ...init, dispatcher: agentFor(new URL(url)) } as Parameters<typeof fetch>[1]) as unknown as Promise<Response>;
}

/** The optional peer, for those who use it. */
function undici(): typeof import('undici') {
  try {
    return createRequire(import.meta.url)('undici') as typeof import('undici');
  } catch {
    throw new ConfigurationError('nodeFetch needs the package undici: npm install undici.', { code: 'missing_peer' });
  }
}

/** Bun puts its own fetch in undici's place, which ignores dispatchers and takes certificates and proxies as options. */
function bunFetch(tls: Tls, via: (url: string) => Secret | undefined): Fetch {
  return async (url, init) => {
    const proxy = via(url);
    if (proxy !== undefined && exempt(url, process.env)) {
      throw new ConfigurationError('Bun would not use the proxy, for NO_PROXY names the host: unset NO_PROXY, or give no proxy.', {
        code: 'proxy_not_applied',
      });
    }
    return globalThis.fetch(url, { ...init, tls, proxy: proxy?.reveal() ?? false } as RequestInit); // false is direct, whatever the environment
  };
}

/** What the files hold, checked now, for a bundle that holds no certificate would be ignored in silence. */
function material({ cert, key, ...rest }: Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>): Tls {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError('cert and key are given together: a certificate and its key.', { code: 'invalid_option' });
  }
  const tls: Tls = {};
  for (const [name, path] of Object.entries({ ...rest, cert, key }) as [keyof Tls, string | undefined][]) {
    if (path === undefined) continue;
    attempt(`The ${name} file '${path}' cannot be used`, () => {
      const pem = readFileSync(path, 'utf8');
      if (name === 'key') createPrivateKey(pem);
      else new X509Certificate(pem);
      tls[name] = pem;
    });
  }
  if (cert !== undefined) attempt(`The key file '${key}' cannot be used with the cert file '${cert}'`, () => createSecureContext(tls));
  return tls;
}

function attempt(failure: string, work: () => void): void {
  try {
    work();
    return;
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    failure += `: ${code ?? name}.`;
  }
  throw new ConfigurationError(failure, { code: 'invalid_ca_bundle' });
}
