/**
 * How `nodeFetch` reaches an origin: directly, or through a tunnel of a proxy (RFC 9110, section 9.3.6).
 *
 * Not by undici's ProxyAgent: from a proxy that hangs up it would ask thousands of tunnels a second, and what fails before there
 * is a tunnel would not be told from what may have acted.
 *
 * @module
 */
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { unescape } from 'node:querystring';
import type { buildConnector } from 'undici';
import type { Secret } from './exchange.ts';
import { beforeSent } from './wire.ts';

/** What a connection trusts and shows, in PEM. */
export interface Tls {
  ca?: string;
  cert?: string;
  key?: string;
}

/** How long a proxy may take for a tunnel, as long as undici gives a server to connect. */
const TUNNEL_TIMEOUT_MS = 10_000;

/** A connector for undici, made with its own `build`, whose failures say that nothing was sent. */
export function connectorTo(build: typeof buildConnector, tls: Tls, proxy: Secret | undefined): buildConnector.connector {
  const connect = build({ ...tls });
  return (options, callback) => {
    const done: buildConnector.Callback = (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(beforeSent(error), null);
    };
    if (proxy === undefined) {
      connect(options, done);
      return;
    }
    tunnel(proxy, options, tls).then(
      (socket) => (options.protocol === 'https:' ? connect({ ...options, httpSocket: socket }, done) : done(null, socket)),
      (error: unknown) => callback(beforeSent(error), null),
    );
  };
}

/** A socket that leads through the proxy to the server. What is trusted of the server is trusted of the proxy. */
function tunnel(proxy: Secret, { hostname, port, protocol }: buildConnector.Options, { ca }: Tls): Promise<Socket> {
  const url = new URL(proxy.reveal());
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const authority = `${hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  const headers: Record<string, string> = { host: authority };
  if (url.username !== '' || url.password !== '') {
    const credentials = `${unescape(url.username)}:${unescape(url.password)}`;
    headers['proxy-authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? overHttps : overHttp)({
      method: 'CONNECT',
      host,
      port: url.port,
      path: authority,
      headers,
      agent: false,
      ...(url.protocol === 'https:' ? { ca, servername: isIP(host) === 0 ? host : '' } : {}), // else it would be that of `headers.host`
    });
    const timer = setTimeout(() => asked.destroy(new Error('The proxy took too long.')), TUNNEL_TIMEOUT_MS);
    asked.once('close', () => clearTimeout(timer));
    asked.once('error', reject);
    asked.once('connect', ({ statusCode = 0 }, socket, head) => {
      clearTimeout(timer);
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket as Socket);
      } else {
        socket.destroy();
        reject(Object.assign(new Error('The proxy refused.'), { code: `PROXY_${statusCode}` }));
      }
    });
    asked.end();
  });
}
