/**
 * What runs us, and its environment.
 *
 * @module
 */

interface Process {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: string;
  readonly versions?: Readonly<Record<string, string | undefined>>;
}

const { process, document } = globalThis as { process?: Process; document?: unknown };
const versions = process?.versions;

/** Name, version and platform of a runtime that lets us say so; undefined in browsers. */
export const runtime: string | undefined =
  document !== undefined || versions === undefined
    ? undefined
    : `${['bun', 'deno', 'node'].filter((name) => versions[name] !== undefined).map((name) => `${name} ${versions[name]}`)[0]}; ${process?.platform}`;

/** A variable of the environment; undefined if it is empty, or there is no environment. */
export function environment(name: string): string | undefined {
  return process?.env?.[name] || undefined;
}

/** Whether the runtime itself trusts a CA bundle. */
export function trusts(bundle: string): boolean {
  return environment('NODE_EXTRA_CA_CERTS') === bundle;
}

/** Whether the environment wants a proxy for an origin that the runtime's own fetch would not use. */
export function viaProxy(origin: string): boolean {
  const isNode = versions?.['node'] !== undefined && versions['bun'] === undefined && versions['deno'] === undefined;
  if (!isNode || environment('NODE_USE_ENV_PROXY') === '1') return false;
  return proxyFor(origin) !== undefined;
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
