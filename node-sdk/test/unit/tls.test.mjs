/** TLS: whom we trust, whom a server trusts, and what a handshake that fails means; with each undici and the global fetch. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { AdminClient } from '../../dist/index.js';
import { nodeFetch } from '../../dist/node.js';
import { answer, failure, thrown } from './support/answers.mjs';
import { selfSigned } from './support/certificate.mjs';
import { SteppingClock } from './support/clock.mjs';
import { folder } from './support/folder.mjs';
import { listening } from './support/proxy.mjs';
import { eachUndici } from './support/undici.mjs';
import { environment } from './support/wire.mjs';

const undicis = await eachUndici();
const told = ({ code, outcome, attempts, retryable }) => [code, outcome, attempts, retryable];

/** An HTTPS server with a certificate that nobody knows; what it asks of its clients is in `options`. */
async function https(t, { options = {}, certificate = selfSigned() } = {}) {
  const server = createHttps({ ...certificate, ...options }, (request, response) => {
    const { status, headers, body } = answer();
    response.writeHead(status, { ...headers, 'x-client': request.socket.getPeerCertificate().subject?.CN ?? 'none' });
    response.end(body);
  });
  const port = await listening(t, server);
  return { url: `https://localhost:${port}`, ...pem(t, certificate) };
}

/** Paths of a certificate and its key; the certificate is its own CA. */
function pem(t, { cert, key }) {
  const [ca, keyPath] = ['cert.pem', 'key.pem'].map((name) => join(folder(t), name));
  writeFileSync(ca, cert);
  writeFileSync(keyPath, key);
  return { ca, cert: ca, key: keyPath };
}

/** A test of each undici that the package takes. */
function each(name, body) {
  for (const [version, { AdminClient: Client, nodeFetch: make }] of undicis) {
    test(`undici ${version}: ${name}`, async (t) => {
      environment(t);
      const client = (baseUrl, fetch, more = {}) => {
        const made = new Client({ baseUrl, token: 't', clock: new SteppingClock(), timeout: 10_000, fetch: make({ proxy: null, ...fetch }), ...more });
        t.after(() => made.close());
        return made;
      };
      await body(t, client);
    });
  }
}

each('RETRY-10: a certificate that is not trusted fails once and for all, before anything is sent', async (t, client) => {
  const trusted = pem(t, selfSigned());
  const expired = selfSigned({ until: '200102000000Z' });
  const elsewhere = selfSigned({ host: 'elsewhere.example' });
  for (const [certificate, ca] of [[selfSigned(), trusted.ca], [selfSigned(), undefined], [expired, pem(t, expired).ca], [elsewhere, pem(t, elsewhere).ca]]) {
    const { url } = await https(t, { certificate });
    assert.deepEqual(told(await failure(client(url, { ca }).users.get('usr_1'))), ['tls_verification_failed', 'not_sent', 1, false]);
  }
});

test('RETRY-10: the global fetch says as much of a certificate that is not trusted', async (t) => {
  environment(t);
  const { url } = await https(t);
  assert.deepEqual(told(await failure(new AdminClient({ baseUrl: url, token: 't' }).users.get('usr_1'))), ['tls_verification_failed', 'not_sent', 1, false]);
});

each('CONF-6: a CA bundle by path or by environment is trusted', async (t, client) => {
  const { url, ca } = await https(t);
  assert.equal((await client(url, { ca }).users.get('usr_1')).id, 'usr_1');
  process.env.ADMIN_API_CA_BUNDLE = ca;
  const one = client(url, {});
  process.env.ADMIN_API_CA_BUNDLE = pem(t, selfSigned()).ca; // too late: what counts is the moment the fetch was made
  assert.equal((await one.users.get('usr_1')).id, 'usr_1');
  assert.equal((await client(url, { ca }).users.get('usr_1')).id, 'usr_1'); // what is given comes first
});

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const only = { minVersion: version, maxVersion: version };
  each(`CONF-6: a client certificate is shown to a server that asks for one, over ${version}`, async (t, client) => {
    const mine = selfSigned();
    const { url, ca } = await https(t, { options: { ...only, requestCert: true, rejectUnauthorized: true, ca: mine.cert } });
    const { cert, key } = pem(t, mine);
    assert.equal((await client(url, { ca, cert, key }).users.get('usr_1').withResponse()).headers.get('x-client'), 'test');
  });
}

each('RETRY-10: a server that refuses the handshake by an alert refuses it the next time too; it took no request', async (t, client) => {
  const { url, ca } = await https(t, { options: { maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true } });
  assert.deepEqual(told(await failure(client(url, { ca }).users.get('usr_1'))), ['tls_refused', 'not_sent', 1, false]);
});

each('RETRY-10: before the handshake is done no request left, so even what must not happen twice is tried again', async (t, client) => {
  const plain = (socket) => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
  for (const handle of [plain, (socket) => socket.end(), (socket) => socket.resetAndDestroy()]) {
    const port = await listening(t, createTcp((socket) => socket.on('error', () => undefined).once('data', () => handle(socket))));
    const made = client(`https://localhost:${port}`, {});
    const error = await failure(made.users.create({ username: 'a', email: 'a@example.com' }, { idempotencyKey: null }));
    assert.deepEqual(told(error), ['connect_failed', 'not_sent', 3, true]);
  }
});

test('RETRY-10: of a handshake that the peer hangs up in, the global fetch says that it was none', async (t) => {
  environment(t);
  const port = await listening(t, createTcp((socket) => socket.once('data', () => socket.end())));
  const made = new AdminClient({ baseUrl: `https://localhost:${port}`, token: 't', clock: new SteppingClock() });
  const error = await failure(made.users.create({ username: 'a', email: 'a@example.com' }, { idempotencyKey: null }));
  assert.deepEqual(told(error), ['connect_failed', 'not_sent', 3, true]);
});

test('CONF-6: a file that cannot be used is an error at once, not at the first request', (t) => {
  const [good, place] = [pem(t, selfSigned()), folder(t)];
  const other = pem(t, selfSigned());
  writeFileSync(join(place, 'empty.pem'), '');
  writeFileSync(join(place, 'garbage.pem'), 'garbage');
  for (const name of ['ca', 'cert', 'key']) {
    for (const file of ['missing.pem', 'empty.pem', 'garbage.pem', '.']) {
      const error = thrown(() => nodeFetch({ ...good, [name]: join(place, file) }));
      assert.deepEqual([error.name, error.code], ['ConfigurationError', 'invalid_ca_bundle'], `${name} ${file}`);
      assert.ok(error.message.startsWith(`The ${name} file '${join(place, file)}' cannot be `), error.message);
    }
  }
  assert.equal(thrown(() => nodeFetch({ ...good, key: other.key })).code, 'invalid_ca_bundle');
  for (const half of [{ cert: good.cert }, { key: good.key }]) {
    const error = thrown(() => nodeFetch(half));
    assert.deepEqual([error.name, error.code], ['ConfigurationError', 'invalid_option']);
  }
});
