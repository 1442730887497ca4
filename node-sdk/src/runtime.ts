/**
 * What runs us, and its environment: Node, Bun, Deno.
 *
 * @module
 */
import { ConfigurationError } from './errors.ts';
import { VERSION } from './version.ts';

interface Process {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: string;
  readonly versions?: Readonly<Record<string, string | undefined>>;
}

const { process, document } = globalThis as { process?: Process; document?: unknown };
const versions = process?.versions;

/** What the SDK calls itself; undefined in browsers, which do not let it. */
export const userAgent: string | undefined =
  document !== undefined || versions === undefined
    ? undefined
    : `admin-api-sdk-node/${VERSION} (${['bun', 'deno', 'node'].filter((name) => versions[name] !== undefined).map((name) => `${name} ${versions[name]}`)[0]}; ${process?.platform})`;

/** A variable of the environment; undefined if it is empty, or there is no environment. */
export function environment(name: string): string | undefined {
  return process?.env?.[name] || undefined;
}

/** What may be set in place of `baseUrl`. */
export const OR_SET_BASE_URL: string = ', or set ADMIN_API_BASE_URL';
/** What may be set in place of credentials. */
export const OR_SET_CREDENTIALS: string = '; or set ADMIN_API_TOKEN, or ADMIN_API_CLIENT_ID and ADMIN_API_CLIENT_SECRET';

/**
 * Checks that the global fetch does what the environment asks for.
 *
 * @throws ConfigurationError for a CA bundle or a proxy to one of the origins that it would ignore (CONF-3).
 */
export function checkGlobalFetch(origins: readonly string[]): void {
  const bundle = environment('ADMIN_API_CA_BUNDLE');
  if (bundle !== undefined && environment('NODE_EXTRA_CA_CERTS') !== bundle) {
    throw new ConfigurationError(
      'ADMIN_API_CA_BUNDLE is set, and the global fetch would ignore it: pass fetch: nodeFetch() of @admin-api/sdk/node, or set NODE_EXTRA_CA_CERTS too.',
      { code: 'ca_bundle_not_applied' },
    );
  }
  const isNode = versions?.['node'] !== undefined && versions['bun'] === undefined && versions['deno'] === undefined;
  if (isNode && environment('NODE_USE_ENV_PROXY') !== '1' && origins.some((origin) => proxyFor(origin) !== undefined)) {
    throw new ConfigurationError(
      'A proxy is set in the environment, and the global fetch would ignore it: pass fetch: nodeFetch() of @admin-api/sdk/node, or set NO_PROXY.',
      { code: 'proxy_not_applied' },
    );
  }
}

/** The proxy that the environment names for an origin, undefined for a direct connection. */
export function proxyFor(origin: string): string | undefined {
  const proxy = either(`${new URL(origin).protocol.slice(0, -1)}_proxy`) ?? either('all_proxy');
  return proxy === undefined || exempt(origin) ? undefined : proxy;
}

/** Whether the environment wants a direct connection to an origin, whatever proxy there is. */
export function exempt(origin: string): boolean {
  const { hostname } = new URL(origin);
  const direct = (either('no_proxy') ?? '').split(',').map((entry) => entry.trim().replace(/^\./, '').split(':')[0] ?? '');
  return direct.some((name) => name === '*' || (name !== '' && (hostname === name || hostname.endsWith(`.${name}`))));
}

function either(name: string): string | undefined {
  return environment(name.toLowerCase()) ?? environment(name.toUpperCase());
}
