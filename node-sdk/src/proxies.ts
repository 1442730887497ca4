/**
 * Which proxy the environment names for a URL (CONF-5). Pure: the environment is given.
 *
 * The conventions are curl's, which most programs follow, but that a proxy never sees what may not leave this machine.
 *
 * @module
 */
import { BlockList, isIP } from 'node:net';
import { ConfigurationError } from './errors.ts';
import { Secret } from './exchange.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK: ReadonlySet<string> = /* @__PURE__ */ new Set(['localhost', '127.0.0.1', '[::1]']);
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const ENTRY = /^(?:\[([^\]]*)\](?::(\d+))?|([^:]*)(?::(\d+))?|(.*))$/;

/**
 * The URL of the proxy, which may hold credentials; undefined for a direct connection.
 *
 * @throws ConfigurationError if it is no http or https URL.
 */
export function proxyFor(url: string, environment: Environment): Secret | undefined {
  const { protocol } = new URL(url);
  const found = named(`${protocol.slice(0, -1)}_proxy`, environment) ?? named('all_proxy', environment);
  if (found === undefined || exempt(url, environment)) return undefined;
  const proxy = checkedProxy(...found);
  // Only loopback may use http (AUTH-7): its requests go in the clear, so not to a proxy elsewhere.
  const leaves = protocol === 'http:' && !LOOPBACK.has(new URL(proxy.reveal()).hostname);
  return leaves ? undefined : proxy;
}

/**
 * A proxy's URL, with a scheme; a value that is none is not shown, for it may hold a password.
 *
 * @throws ConfigurationError if it is no http or https URL.
 */
export function checkedProxy(name: string, value: string): Secret {
  const text = value.includes('://') ? value : `http://${value}`;
  const url = /^[!-~]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !(url.protocol in PORTS) || url.port === '0' || url.pathname !== '/' || /[?#]/.test(text)) {
    throw new ConfigurationError(`${name} must be the http or https URL of a proxy, such as http://proxy.example:3128.`, {
      code: 'invalid_proxy',
    });
  }
  return new Secret(text.replace(/\/+$/, ''));
}

/** Whether `NO_PROXY` wants a direct connection, whatever proxy there is. */
export function exempt(url: string, environment: Environment): boolean {
  const { protocol, hostname, port } = new URL(url);
  const [, listed = ''] = named('no_proxy', environment) ?? [];
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  return listed.split(/[\s,]+/).some((entry) => matches(entry, host, port || (PORTS[protocol] ?? '')));
}

/** A host with those below it, an address, or a network (`10.0.0.0/8`); `*` is all; with a port only that. */
function matches(entry: string, host: string, port: string): boolean {
  const [, literal, itsPort, name, portOfName, bare] = ENTRY.exec(entry) ?? [];
  const given = literal ?? name ?? bare ?? '';
  if (Number(itsPort ?? portOfName ?? port) !== Number(port) || given === '') return false;
  if (given === '*') return true;
  if (isIP(host) !== 0) return within(host, given);
  const domain = given.toLowerCase().replace(/^\*?\.?|\.+$/g, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

/** Whether an address is that address, or lies in that network. */
function within(address: string, given: string): boolean {
  const [network = '', length, ...more] = given.split('/');
  const family = isIP(network);
  const bits = family === 6 ? 128 : 32;
  if (family === 0 || more.length > 0 || !(length === undefined || /^\d{1,3}$/.test(length))) return false;
  if (Number(length ?? bits) > bits) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(length ?? bits), family === 6 ? 'ipv6' : 'ipv4');
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** A variable in either spelling, the lower one first; one that is empty is none. */
function named(name: string, environment: Environment): [name: string, value: string] | undefined {
  for (const spelling of [name, name.toUpperCase()]) {
    const value = environment[spelling]?.trim() ?? '';
    // In a CGI program HTTP_PROXY is what a visitor sent as the header `Proxy`.
    if (value !== '' && !(spelling === 'HTTP_PROXY' && 'REQUEST_METHOD' in environment)) return [spelling, value];
  }
  return undefined;
}
