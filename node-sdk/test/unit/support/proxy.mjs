/** Forward proxies on loopback: one of our own that notes what it is asked, and Debian's tinyproxy. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, createServer as createTcp } from 'node:net';
import { delimiter, join } from 'node:path';
import { folder } from './folder.mjs';

/** Listens on a free port of loopback until the test ends; gives the port. */
export async function listening(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => (server.closeAllConnections?.(), server.close()));
  return server.address().port;
}

/**
 * A proxy that opens tunnels (RFC 9110, section 9.3.6), over TLS if it is given a certificate. `refusals` are whole answers to the
 * first requests, one each; an empty one hangs up, `null` says nothing for ever.
 */
export async function proxying(t, { refusals = [], tls } = {}) {
  const seen = { asked: [], authorizations: [], connections: 0, url: '' };
  const server = tls === undefined ? createHttp() : createHttps(tls);
  const sockets = new Set();
  server.on('connect', (request, socket, head) => {
    seen.asked.push(`CONNECT ${request.url}`);
    seen.authorizations.push(request.headers['proxy-authorization']);
    sockets.add(socket.on('error', () => undefined));
    const refusal = refusals.shift();
    if (refusal === null) return;
    if (refusal !== undefined) {
      socket.end(refusal);
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(port, hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    socket.on('close', () => target.destroy());
    target.on('error', () => socket.destroy());
  });
  server.on(tls === undefined ? 'connection' : 'secureConnection', () => (seen.connections += 1));
  const port = await listening(t, server);
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  seen.url = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  return seen;
}

/** An answer by which a proxy opens no tunnel. */
export const refusal = (status) => `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`;

const program = (process.env.PATH ?? '').split(delimiter).map((path) => join(path, 'tinyproxy')).find(existsSync);

/** Why tests with tinyproxy are skipped; false if they are not: with REQUIRE_LANES=all its want is a failure. */
export const NO_TINYPROXY = program === undefined && process.env.REQUIRE_LANES !== 'all' ? 'there is no tinyproxy: apt-get install tinyproxy' : false;

/** Debian's tinyproxy, which nobody here wrote: `{ url(credentials), log() }`. */
export async function tinyproxy(t, credentials) {
  if (program === undefined) throw new Error('there is no tinyproxy: apt-get install tinyproxy');
  const free = createTcp().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  free.close();
  await once(free, 'close');
  const place = folder(t);
  const log = join(place, 'tinyproxy.log');
  const settings = [`Port ${port}`, 'Listen 127.0.0.1', 'Allow 127.0.0.1', `LogFile "${log}"`, 'LogLevel Connect'];
  if (credentials !== undefined) settings.push(`BasicAuth ${credentials.replace(':', ' ')}`);
  writeFileSync(join(place, 'tinyproxy.conf'), `${settings.join('\n')}\n`);
  const child = spawn(program, ['-d', '-c', join(place, 'tinyproxy.conf')], { stdio: 'ignore' });
  const ended = once(child, 'close');
  t.after(() => (child.kill(), ended));
  while (!(await reachable(port))) {
    if (child.exitCode !== null) throw new Error('tinyproxy did not start');
    await new Promise((resolve) => setTimeout(resolve, 10)); // real: it starts in real time
  }
  return { url: (given) => `http://${given === undefined ? '' : `${given}@`}127.0.0.1:${port}`, log: () => readFileSync(log, 'utf8') };
}

async function reachable(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
