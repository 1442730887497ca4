/** A server of the test's own on a free port: it answers from a script and notes what it saw. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { AdminClient } from '../../../dist/index.js';
import { SteppingClock } from './clock.mjs';

/** An answer of the script that is none: the connection is lost once the request was read. */
export const LOST = (_, response) => response.socket.destroy();

/** Starts the server; the test closes it at its end. An answer is `{status, headers, body}` or a function of `node:http`. */
export async function wire(t, ...answers) {
  const seen = { requests: [], tokenRequests: [], answers, tokens: [], clients: [], url: '' };
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch (error) {
      if (error.code === 'ECONNRESET') return; // the client hung up: what such tests are about
      throw error;
    }
    const isToken = request.url === '/oauth/token' && seen.tokens.length > 0;
    const noted = {
      method: request.method,
      url: request.url,
      path: request.url.split('?')[0],
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    (isToken ? seen.tokenRequests : seen.requests).push(noted);
    const next = (isToken ? seen.tokens : seen.answers).shift() ?? { status: 599, body: 'the script is at its end' };
    if (typeof next === 'function') {
      await next(request, response, noted);
    } else {
      response.writeHead(next.status, next.headers);
      response.end(next.body);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  seen.url = `http://127.0.0.1:${server.address().port}`;
  seen.stop = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  t.after(async () => {
    for (const client of seen.clients) await client.close();
    await seen.stop();
  });
  /** A client of this server with a clock that stands still; the test's end closes it. */
  seen.client = (options = {}) => {
    const credentials = options.clientId === undefined ? { token: 'TOKEN' } : {};
    let keys = 0;
    const clock = options.clock ?? new SteppingClock();
    const client = new AdminClient({ baseUrl: seen.url, ...credentials, clock, newId: () => `key-${(keys += 1)}`, ...options });
    seen.clients.push(client);
    return client;
  };
  return seen;
}

/** Environment variables for one test; all of the SDK's own and the proxies are unset before. */
export function environment(t, variables = {}) {
  const before = { ...process.env };
  const ours = /^(ADMIN_API_.*|NODE_EXTRA_CA_CERTS|NODE_USE_ENV_PROXY|NODE_OPTIONS|REQUEST_METHOD|(https?|all|no)_proxy)$/i;
  for (const name of Object.keys(process.env)) if (ours.test(name)) delete process.env[name];
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

/** Sends from a script instead of over the wire; for tests of one layer. A function of the script gets the request. */
export function sender(...script) {
  const requests = [];
  const send = async (request) => {
    requests.push(request);
    const next = script.shift();
    if (next === undefined) throw new Error('the script is at its end');
    return typeof next === 'function' ? next(request) : next;
  };
  return Object.assign(send, { requests });
}
