/** The adapter to fetch: what each failure of the wire means, and what bounds an attempt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError } from '../../dist/errors.js';
import { Transport } from '../../dist/transport.js';
import { wireError } from '../../dist/wire.js';
import { answer, call, failure, request, thrown } from './support/answers.mjs';
import { LOST, wire } from './support/wire.mjs';

const failed = (cause) => Object.assign(new TypeError('fetch failed'), { cause });
const coded = (code, more = {}) => Object.assign(new Error(code), { code, ...more });
const all = (...codes) => failed(new AggregateError(codes.map((code) => coded(code))));
const told = ({ code, effect }) => [code, effect];

/** Sends one request over a fetch. */
function send(fetch, { facts = {}, headers, content, url } = {}) {
  const one = call(facts);
  return new Transport(fetch, {}).send(request(one, { headers, content, ...(url === undefined ? {} : { url }) }));
}

test('RETRY-10: *not sent* is a promise; what is not known may have acted', () => {
  const notSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];
  for (const code of notSent) assert.deepEqual(told(wireError(failed(coded(code)))), ['connect_failed', 'not_sent'], code);
  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'HPE_INVALID_CONSTANT', 'NOVEL']) {
    assert.deepEqual(told(wireError(failed(coded(code)))), ['connection_lost', 'maybe_acted'], code);
  }
  for (const error of [failed(undefined), failed('x'), new TypeError('Failed to fetch'), null, 'text', undefined]) {
    assert.deepEqual(told(wireError(error)), ['connection_lost', 'maybe_acted']);
  }
});

test('RETRY-10: of several addresses tried, all must have failed before anything was sent', () => {
  assert.deepEqual(told(wireError(all('ECONNREFUSED', 'ENETUNREACH'))), ['connect_failed', 'not_sent']);
  assert.deepEqual(told(wireError(all('ECONNREFUSED', 'ECONNRESET'))), ['connection_lost', 'maybe_acted']);
  const unknown = failed(new AggregateError([coded('ECONNREFUSED'), new Error('who knows')]));
  assert.deepEqual(told(wireError(unknown)), ['connection_lost', 'maybe_acted']);
});

test('RETRY-10: TLS verification is final, however deep it hides', () => {
  const codes = ['ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'INVALID_CA', 'HOSTNAME_MISMATCH', 'INVALID_PURPOSE'];
  for (const code of codes) assert.deepEqual(told(wireError(failed(failed(coded(code))))), ['tls_verification_failed', 'final'], code);
  assert.deepEqual(told(wireError(all('ECONNREFUSED', 'CERT_HAS_EXPIRED'))), ['tls_verification_failed', 'final']);
});

test('RETRY-10: a handshake that the peer refuses by an alert is final: it took no request', () => {
  const alerts = ['SSLV3_ALERT_HANDSHAKE_FAILURE', 'SSL/TLS_ALERT_BAD_CERTIFICATE', 'TLSV1_ALERT_UNKNOWN_CA', 'TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSV1_ALERT_PROTOCOL_VERSION'];
  for (const alert of alerts) assert.deepEqual(told(wireError(failed(coded(`ERR_SSL_${alert}`)))), ['tls_refused', 'final'], alert);
  for (const other of ['TLSV1_ALERT_INTERNAL_ERROR', 'SSLV3_ALERT_BAD_RECORD_MAC', 'DECRYPTION_FAILED_OR_BAD_RECORD_MAC']) {
    assert.deepEqual(told(wireError(failed(coded(`ERR_SSL_${other}`)))), ['connection_lost', 'maybe_acted'], other);
  }
});

test('RETRY-10: a tunnel that a proxy refuses was not sent, and is final unless it may be opened the next time', () => {
  const refused = (status) => failed(coded('UND_ERR_ABORTED', { message: `Proxy response (${status}) !== 200 when HTTP Tunneling` }));
  for (const status of [300, 400, 403, 407, 499]) assert.deepEqual(told(wireError(refused(status))), ['proxy_failed', 'final'], String(status));
  for (const status of [408, 429, 500, 502, 503, 504]) assert.deepEqual(told(wireError(refused(status))), ['proxy_failed', 'not_sent'], String(status));
  assert.deepEqual(told(wireError(coded('ERR_PROXY_TUNNEL'))), ['proxy_failed', 'not_sent']);
  const deno = (words) => failed(new Error(`error sending request for url (https://h/): client error (Connect): ${words}`));
  assert.deepEqual(told(wireError(deno('proxy authentication required'))), ['proxy_failed', 'final']);
  assert.deepEqual(told(wireError(deno('unsuccessful tunnel'))), ['proxy_failed', 'not_sent']);
  assert.deepEqual(told(wireError(deno('unexpected eof while tunneling'))), ['connect_failed', 'not_sent']);
});

test('CONF: what cannot work is no failure of the wire, and is thrown as it is', () => {
  const error = new ConfigurationError('no', { code: 'invalid_proxy' });
  assert.equal(thrown(() => wireError(error)), error);
});

test('RETRY-10: looking for the reason of an error comes to an end, however its chain is knotted', () => {
  const knot = new Error('knot');
  knot.cause = knot;
  const bundle = new AggregateError([]);
  bundle.errors = [bundle, bundle];
  assert.deepEqual([told(wireError(knot)), told(wireError(bundle))], [['connection_lost', 'maybe_acted'], ['connection_lost', 'maybe_acted']]);
});

test('AUTH-9: a wire error holds no more of its cause than codes and kind', () => {
  const { message } = wireError(failed(coded('ECONNRESET', { message: 'Bearer hunter2' })));
  assert.equal(message, 'The connection failed: ECONNRESET.');
  assert.equal(wireError(new TypeError('Bearer hunter2')).message, 'The connection failed: TypeError.');
});

test('RETRY-10: on a real socket: nobody listens, the peer hangs up, half a body', async (t) => {
  const server = await wire(t, LOST, (_, answer) => {
    answer.writeHead(200, { 'content-length': '9', 'x-request-id': 'r7' });
    answer.write('half', () => answer.socket.destroy());
  });
  const nobody = await wire(t);
  await nobody.stop();
  assert.deepEqual(told(await send(fetch, { url: nobody.url })), ['connect_failed', 'not_sent']);
  assert.deepEqual(told(await send(fetch, { url: server.url })), ['connection_lost', 'maybe_acted']);
  const half = await send(fetch, { url: server.url });
  assert.deepEqual([...told(half), half.status, half.requestId], ['connection_lost', 'maybe_acted', 200, 'r7']);
});

/** Answers the head and then one byte at a time, until the client hangs up. */
const dripping = (status) => (_, answer) => {
  answer.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r1' });
  const timer = setInterval(() => answer.write(' '), 5);
  answer.on('close', () => clearInterval(timer));
};

test('RETRY-6: `timeout` bounds the attempt as a whole; bytes that trickle in buy no time, in an error neither', async (t) => {
  const server = await wire(t, dripping(200), dripping(404));
  for (const status of [200, 404]) {
    const began = performance.now();
    const lost = await send(fetch, { url: server.url, facts: { limits: { timeout: 60 } } });
    assert.deepEqual([...told(lost), lost.status, lost.requestId], ['timeout', 'maybe_acted', status, 'r1']);
    assert.ok(performance.now() - began < 2000);
  }
});

test('RETRY-6: an attempt gets what is left of the deadline, and that is then what ran out; past it nothing is sent', async (t) => {
  const server = await wire(t, () => undefined);
  assert.deepEqual(told(await send(fetch, { url: server.url, facts: { limits: { deadline: 40 } } })), ['deadline_exceeded', 'maybe_acted']);
  const late = call({ limits: { deadline: 10 } });
  late.clock.advance(10);
  let asked = 0;
  const counted = (...of) => { asked += 1; return fetch(...of); };
  const outcome = await new Transport(counted, {}).send(request(late, { url: server.url }));
  assert.deepEqual([...told(outcome), asked], ['deadline_exceeded', 'final', 0]);
});

test('ERR: at most 1 MiB of an error body is read, then the connection is closed', async (t) => {
  let hungUp;
  const closed = new Promise((resolve) => (hungUp = resolve));
  const server = await wire(t, (_, answer) => {
    answer.on('close', hungUp);
    answer.writeHead(500);
    const more = () => { while (!answer.destroyed && answer.write(Buffer.alloc(65_536, 120))); };
    answer.on('drain', more);
    more();
  });
  const outcome = await send(fetch, { url: server.url });
  assert.deepEqual([outcome.status, outcome.body.length], [500, 1_048_576]);
  await closed;
});

test('AUTH-8: a redirect is not followed', async (t) => {
  const server = await wire(t, { status: 302, headers: { location: 'https://elsewhere.example/' } });
  const outcome = await send(fetch, { url: server.url });
  assert.deepEqual([outcome.status, outcome.headers.get('location')], [302, 'https://elsewhere.example/']);
});

test('AUTH-8: what a browser makes of a redirect is final', async () => {
  const opaque = { type: 'opaqueredirect', status: 0, headers: new Headers() };
  assert.deepEqual(told(await send(async () => opaque)), ['redirect', 'final']);
});

test("RETRY-9: the user's own reason is thrown as it is, before, while sending and while reading", async (t) => {
  const reason = { mine: true };
  const server = await wire(t, () => controller.abort(reason), dripping(200));
  let controller = new AbortController();
  assert.equal(await failure(send(fetch, { url: server.url, facts: { signal: controller.signal } })), reason);
  controller = new AbortController();
  const reading = send(fetch, { url: server.url, facts: { signal: controller.signal } });
  while (server.requests.length < 2) await new Promise(setImmediate);
  controller.abort(reason);
  assert.equal(await failure(reading), reason);
  assert.equal(await failure(send(fetch, { url: server.url, facts: { signal: AbortSignal.abort(reason) } })), reason);
  assert.equal(server.requests.length, 2);
});

test('CONF: `close()` ends a call on its way, and nothing can be sent afterwards', async (t) => {
  const server = await wire(t, () => transport.close());
  const transport = new Transport(fetch, {});
  const send = () => transport.send(request(call(), { url: server.url }));
  assert.deepEqual(told(await send()), ['client_closed', 'maybe_acted']);
  assert.deepEqual([...told(await send()), server.requests.length], ['client_closed', 'final', 1]);
});

test('CONF: fetchOptions are passed through, but never replace what the SDK decides', async () => {
  let given;
  const transport = new Transport(async (_, init) => ((given = init), new Response('{}')), { cache: 'no-store', redirect: 'follow', method: 'PUT', headers: { a: 'b' } });
  await transport.send(request(call(), { headers: { accept: 'x' } }));
  assert.deepEqual([given.cache, given.redirect, given.method, given.headers], ['no-store', 'manual', 'GET', { accept: 'x' }]);
});

test('RETRY-9: an attempt that has ended leaves no listener on the signal', async () => {
  const { signal } = new AbortController();
  let listening = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args) => ((listening += 1), addEventListener.apply(signal, args));
  signal.removeEventListener = (...args) => ((listening -= 1), removeEventListener.apply(signal, args));
  const answers = [async () => new Response('{}'), async () => { throw failed(coded('ECONNRESET')); }, async () => new Response('x', { status: 500 })];
  for (const fetch of answers) await send(fetch, { facts: { signal } });
  const streamed = await send(async () => new Response('x'), { facts: { signal, streamed: true } });
  assert.equal(listening, 1);
  await streamed.stream.close();
  assert.equal(listening, 0);
});

test('RETRY-9: many calls may share a signal; that is no leak, and nobody is warned of one', async (t) => {
  const server = await wire(t);
  server.answers.push(...Array.from({ length: 30 }, () => answer()));
  const warnings = [];
  const note = (warning) => warnings.push(warning.message);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const { signal } = new AbortController();
  const client = server.client();
  await Promise.all(Array.from({ length: 30 }, () => client.users.get('usr_1', { signal })));
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});
