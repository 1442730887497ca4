/**
 * What runs us, and its environment: Node, Bun, Deno.
 *
 * @module
 */
import { ConfigurationError } from './errors.ts';
import { proxyFor } from './proxies.ts';
import { VERSION } from './version.ts';

type Versions = Readonly<Record<string, string | undefined>>;

interface Process {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly execArgv?: readonly string[];
  readonly platform?: string;
  readonly versions?: Versions;
  readonly getBuiltinModule?: (name: 'node:events') => typeof import('node:events') | undefined;
}

const { process, document } = globalThis as { process?: Process; document?: unknown };
const versions = process?.versions;

/** What the SDK calls itself; undefined in browsers, which do not let it. */
export const userAgent: string | undefined =
  document !== undefined || versions === undefined
    ? undefined
    : `admin-api-sdk-node/${VERSION} (${['bun', 'deno', 'node'].filter((name) => versions[name] !== undefined).map((name) => `${name} ${versions[name]}`)[0]}; ${process?.platform})`;

/** Lets many calls share a signal: Node takes more than ten listeners for a leak, and says so on stderr. */
export function share(signal: AbortSignal): void {
  const events = signal instanceof EventTarget ? process?.getBuiltinModule?.('node:events') : undefined;
  if (events?.getMaxListeners(signal) === events?.defaultMaxListeners) events?.setMaxListeners(1500, signal); // as fetch does
}

/** A variable of the environment; undefined if it is empty, or there is no environment. */
export function environment(name: string): string | undefined {
  return process?.env?.[name] || undefined;
}

/** What may be set in place of `baseUrl`. */
export const OR_SET_BASE_URL: string = ', or set ADMIN_API_BASE_URL';
/** What may be set in place of credentials. */
export const OR_SET_CREDENTIALS: string = '; or set ADMIN_API_TOKEN, or ADMIN_API_CLIENT_ID and ADMIN_API_CLIENT_SECRET';

/** Members of `fetchOptions` by which Node, Deno and Bun are told of certificates and proxies. */
const CONNECTS = ['dispatcher', 'client', 'tls', 'proxy'];

/**
 * Checks that the global fetch does what the environment asks for; options that say how to connect have their own way.
 *
 * @throws ConfigurationError for a CA bundle or a proxy to one of the origins that it would ignore (CONF-3).
 */
export function checkGlobalFetch(origins: readonly string[], fetchOptions: object): void {
  if (CONNECTS.some((name) => name in fetchOptions)) return;
  const bundle = environment('ADMIN_API_CA_BUNDLE');
  const trusted = environment(versions?.['deno'] === undefined ? 'NODE_EXTRA_CA_CERTS' : 'DENO_CERT');
  if (bundle !== undefined && bundle !== trusted && origins.some((origin) => origin.startsWith('https:'))) {
    throw new ConfigurationError(
      'ADMIN_API_CA_BUNDLE is set, and the global fetch would ignore it: pass fetch: nodeFetch() of @admin-api/sdk/node, or set NODE_EXTRA_CA_CERTS (in Deno DENO_CERT) too.',
      { code: 'ca_bundle_not_applied' },
    );
  }
  if (!takesProxies(versions ?? {}) && origins.some((origin) => proxyFor(origin, process?.env ?? {}) !== undefined)) {
    throw new ConfigurationError(
      'A proxy is set in the environment, and the global fetch would ignore it: pass fetch: nodeFetch() of @admin-api/sdk/node, or set NO_PROXY.',
      { code: 'proxy_not_applied' },
    );
  }
}

/** Whether a runtime's global fetch takes the proxies of the environment: Bun's and Deno's does, Node's if it can and is told to. */
export function takesProxies({ bun, deno, node }: Versions): boolean {
  if (bun !== undefined || deno !== undefined) return true;
  const [major = 0, minor = 0] = (node ?? '').split('.').map(Number);
  const options = [environment('NODE_OPTIONS'), ...(process?.execArgv ?? [])].join(' ');
  const told = environment('NODE_USE_ENV_PROXY') === '1' || options.includes('--use-env-proxy');
  return told && (major >= 24 || (major === 22 && minor >= 21));
}
