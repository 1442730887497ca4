/** What only Node has: CA bundles, client certificates and proxies through `nodeFetch`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { AdminClient } from '../../dist/index.js';
import { nodeFetch } from '../../dist/node.js';
import { answer, failure, thrown } from './support/answers.mjs';
import { selfSigned } from './support/certificate.mjs';
import { folder } from './support/folder.mjs';
import { environment, wire } from './support/wire.mjs';

async function listening(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => (server.closeAllConnections?.(), server.close()));
  return server.address().port;
}

/** An HTTPS server with a certificate that nobody knows; what it asks of its clients is in `options`. */
async function https(t, options = {}) {
  const made = selfSigned();
  const port = await listening(t, createHttps({ ...made, ...options }, (request, response) => {
    const { status, headers, body } = answer();
    response.writeHead(status, { ...headers, 'x-client': request.socket.getPeerCertificate().subject?.CN ?? 'none' });
    response.end(body);
  }));
  const ca = join(folder(t), 'ca.pem');
  writeFileSync(ca, made.cert);
  return { url: `https://localhost:${port}`, ca };
}

test('RETRY-10: a certificate that is not trusted fails once and for all, before anything is sent', async (t) => {
  const { url } = await https(t);
  for (const fetch of [undefined, nodeFetch({ proxy: null })]) {
    const error = await failure(new AdminClient({ baseUrl: url, token: 't', fetch }).users.get('usr_1'));
    assert.deepEqual([error.name, error.code, error.outcome, error.attempts, error.retryable], ['APIConnectionError', 'tls_verification_failed', 'not_sent', 1, false]);
  }
});

test('CONF: a CA bundle by path or by environment is trusted', async (t) => {
  const { url, ca } = await https(t);
  environment(t);
  assert.equal((await new AdminClient({ baseUrl: url, token: 't', fetch: nodeFetch({ ca }) }).users.get('usr_1')).id, 'usr_1');
  process.env.ADMIN_API_CA_BUNDLE = ca;
  assert.equal((await new AdminClient({ baseUrl: url, token: 't', fetch: nodeFetch() }).users.get('usr_1')).id, 'usr_1');
});

test('CONF: a certificate for another name is not trusted, CA bundle or no', async (t) => {
  const { url, ca } = await https(t);
  const other = url.replace('localhost', '127.0.0.2');
  const error = await failure(new AdminClient({ baseUrl: other, token: 't', fetch: nodeFetch({ ca, proxy: null }), maxRetries: 0 }).users.get('usr_1'));
  assert.ok(['tls_verification_failed', 'connect_failed'].includes(error.code)); // 127.0.0.2 is not listened on everywhere
  assert.equal(error.outcome, 'not_sent');
});

test('CONF: a client certificate is shown to a server that asks for one', async (t) => {
  const mine = selfSigned();
  const { url, ca } = await https(t, { requestCert: true, rejectUnauthorized: true, ca: mine.cert });
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder(t), name));
  writeFileSync(cert, mine.cert);
  writeFileSync(key, mine.key);
  const client = new AdminClient({ baseUrl: url, token: 't', fetch: nodeFetch({ ca, cert, key }) });
  assert.equal((await client.users.get('usr_1').withResponse()).headers.get('x-client'), 'test');
});

test('CONF: a file that cannot be read is an error at once, not at the first request', () => {
  for (const name of ['ca', 'cert', 'key']) {
    const error = thrown(() => nodeFetch({ [name]: 'nowhere.pem' }));
    assert.deepEqual([error.name, error.code], ['ConfigurationError', 'invalid_ca_bundle']);
    assert.match(error.message, new RegExp(`${name} file 'nowhere\\.pem' cannot be read: ENOENT`));
  }
});

test('CONF: requests go through the proxy given, else through that of the environment; `null` is none; NO_PROXY is honoured', async (t) => {
  const server = await wire(t, ...Array.from({ length: 5 }, () => answer()));
  const through = [];
  const proxy = createHttp();
  proxy.on('connect', (request, socket) => {
    through.push(request.url);
    const [host, port] = request.url.split(':');
    const target = connect(port, host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    socket.on('error', () => target.destroy());
    target.on('error', () => socket.destroy());
  });
  const uri = `http://127.0.0.1:${await listening(t, proxy)}`;
  environment(t);
  const host = new URL(server.url).host;
  const call = (options) => server.client({ fetch: nodeFetch(options) }).users.get('usr_1');
  await call({ proxy: uri });
  process.env.HTTP_PROXY = uri;
  await call({});
  assert.deepEqual(through, [host, host]);
  await call({ proxy: null });
  process.env.NO_PROXY = 'example.com, 127.0.0.1';
  await call({});
  assert.deepEqual([through.length, server.requests.length], [2, 4]);
});
