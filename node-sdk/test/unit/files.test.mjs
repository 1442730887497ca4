/** Encrypted objects up and down. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateIdentity } from '../../dist/encryption.js';
import { answer, failure, problem } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { folder, temporaryFolder } from './support/folder.mjs';
import { LOST, wire } from './support/wire.mjs';

const PLAIN = Buffer.from('the quarterly figures');
const hex = (bytes) => createHash('sha256').update(bytes).digest('hex');
const digest = (bytes) => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
const STORED = { id: 'obj_1', name: 'report.pdf' };
const key = await generateIdentity();
const other = await generateIdentity();

/** The ciphertext of a text, as the SDK itself would send it. */
async function sealed(t, plain = PLAIN, to = key) {
  const server = await wire(t, answer(201, STORED));
  await server.client().storage.objects.upload(plain, { name: 'x', encryptTo: [to.recipient] });
  return server.requests[0].body;
}

/** Answers with the bytes from `from` on, and loses the connection after `upTo` of them. */
const content = (bytes, { from = 0, upTo, etag = '"e1"', status = from > 0 ? 206 : 200, headers = {} } = {}) => async (_, response) => {
  const range = status === 206 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  const rest = bytes.subarray(from);
  response.writeHead(status, { 'content-length': rest.length, 'repr-digest': digest(bytes), 'x-request-id': 'r1', ...(etag && { etag }), ...range, ...headers });
  if (upTo === undefined) return void response.end(rest);
  response.flushHeaders();
  await new Promise((resolve) => (upTo > 0 ? response.write(rest.subarray(0, upTo), resolve) : setImmediate(resolve)));
  await new Promise((resolve) => setTimeout(resolve, 5)); // the bytes must be on their way before the socket is gone
  response.socket.destroy();
};
const told = ({ name, code, outcome }) => [name, code, outcome];

test('FILE: one POST with key, digest and the mark of age; what is sent is ciphertext', async (t) => {
  const server = await wire(t, answer(201, STORED));
  const moved = [];
  const { data, idempotencyKey } = await server.client().storage.objects
    .upload(PLAIN, { name: 'report.pdf', encryptTo: [key.recipient], onProgress: (...seen) => moved.push(seen) }).withResponse();
  const [{ method, url, headers, body }] = server.requests;
  assert.deepEqual([data, idempotencyKey, method, url], [STORED, 'key-1', 'POST', '/storage/objects?name=report.pdf']);
  assert.deepEqual([headers['admin-encryption'], headers['content-digest'], headers['idempotency-key'], headers['content-type'], headers['content-length']],
    ['age-v1', digest(body), '"key-1"', 'application/octet-stream', String(body.length)]);
  assert.ok(body.toString('latin1').startsWith('age-encryption.org/v1\n') && !body.includes(PLAIN));
  assert.deepEqual(moved.at(-1), [body.length, body.length]);
});

test('RETRY-8, FILE: after a lost connection the very same bytes go again, with the same key and digest', async (t) => {
  for (const size of [100, 9_000_000]) {
    const server = await wire(t, LOST, problem(503, 'busy'), answer(201, STORED));
    await server.client().storage.objects.upload(randomBytes(size), { name: 'x', encryptTo: [key.recipient] });
    const sent = server.requests.map(({ body, headers }) => [hex(body), headers['idempotency-key'], headers['content-digest']]);
    assert.equal(sent.length, 3);
    assert.deepEqual([sent[1], sent[2]], [sent[0], sent[0]]);
  }
});

test('FILE: what is encrypted already goes as it is', async (t) => {
  const cipher = await sealed(t);
  const server = await wire(t, answer(201, STORED));
  await server.client().storage.objects.upload(new Blob([cipher]), { name: 'x', alreadyEncrypted: true });
  assert.ok(server.requests[0].body.equals(cipher));
});

test('FILE: neither or both of `encryptTo` and `alreadyEncrypted`, or no age file: refused before a byte leaves', async (t) => {
  const server = await wire(t);
  const upload = (options, source = PLAIN) => failure(server.client().storage.objects.upload(source, { name: 'x', ...options }));
  for (const options of [{}, { encryptTo: [] }, { encryptTo: [], alreadyEncrypted: false }, { encryptTo: [key.recipient], alreadyEncrypted: true }]) {
    assert.deepEqual(told(await upload(options)), ['ConfigurationError', 'encryption_required', 'not_sent']);
  }
  assert.deepEqual(told(await upload({ alreadyEncrypted: true })), ['ConfigurationError', 'not_encrypted', 'not_sent']);
  assert.deepEqual(told(await upload({ encryptTo: [key.recipient] }, 7)), ['ConfigurationError', 'invalid_source', 'not_sent']);
  assert.equal(server.requests.length, 0);
});

test('FILE: above `max_single_upload` the server would answer 413, so nothing is sent, and no file is left', async (t) => {
  const temporary = temporaryFolder(t);
  const server = await wire(t);
  const source = (async function* () { for (;;) yield new Uint8Array(4_194_304); })();
  const error = await failure(server.client().storage.objects.upload(source, { name: 'x', encryptTo: [key.recipient] }));
  assert.deepEqual([...told(error), server.requests.length, readdirSync(temporary)], ['ConfigurationError', 'upload_too_large', 'not_sent', 0, []]);
});

test("FILE: what the caller's source throws is thrown, not wrapped and not lost", async (t) => {
  const server = await wire(t);
  const mine = new Error('mine');
  const source = (async function* () { yield PLAIN; throw mine; })();
  assert.equal(await failure(server.client().storage.objects.upload(source, { name: 'x', encryptTo: [key.recipient] })), mine);
});

test('FILE: the digest that the server echoes is compared: a difference is an IntegrityError, and committed; an unknown algorithm is none', async (t) => {
  const server = await wire(t, answer(201, STORED, { 'content-digest': digest(PLAIN) }), answer(201, STORED, { 'content-digest': 'md5=:AAAA:' }));
  const upload = () => server.client().storage.objects.upload(PLAIN, { name: 'x', encryptTo: [key.recipient] });
  assert.deepEqual(told(await failure(upload())), ['IntegrityError', 'integrity_error', 'committed']);
  assert.deepEqual(await upload(), STORED);
});

test('FILE: fetched, checked against its digest and the caller\'s, decrypted, delivered whole (0600), nothing else left', async (t) => {
  const at = folder(t);
  const temporary = temporaryFolder(t);
  const cipher = await sealed(t);
  const server = await wire(t, content(cipher), content(cipher));
  const to = join(at, 'copy.pdf');
  const found = await server.client().storage.objects.download('obj_1', { to, identity: [other, key], expectSha256: hex(cipher).toUpperCase() });
  assert.deepEqual(found, { size: cipher.length, sha256: hex(cipher), etag: '"e1"', requestId: 'r1' });
  assert.deepEqual([readFileSync(to), statSync(to).mode & 0o777, readdirSync(at), readdirSync(temporary)], [PLAIN, 0o600, ['copy.pdf'], []]);
  assert.equal(server.requests[0].headers['accept-encoding'], 'identity');
  await server.client().storage.objects.download('obj_1', { to });
  assert.deepEqual(readFileSync(to), cipher);
});

test('FILE: on failure the target is untouched and no temporary file is left', async (t) => {
  const at = folder(t);
  const temporary = temporaryFolder(t);
  const to = join(at, 'copy.pdf');
  writeFileSync(to, 'old');
  const cipher = await sealed(t);
  const flipped = Buffer.from(cipher);
  flipped[cipher.length - 1] ^= 1;
  const wrong = content(cipher, { headers: { 'repr-digest': digest(PLAIN) } });
  const server = await wire(t, wrong, content(cipher), content(cipher), content(flipped), problem(404, 'not_found'), content(cipher));
  const attempt = async (options) => told(await failure(server.client().storage.objects.download('obj_1', { to, ...options })));
  assert.deepEqual(await attempt({}), ['IntegrityError', 'integrity_error', 'committed']);
  assert.deepEqual(await attempt({ expectSha256: hex(PLAIN) }), ['IntegrityError', 'integrity_error', 'committed']);
  assert.deepEqual(await attempt({ identity: other }), ['NoMatchingKeyError', 'no_matching_key', 'committed']);
  assert.deepEqual(await attempt({ identity: key }), ['IntegrityError', 'integrity_error', 'committed']);
  assert.deepEqual(await attempt({}), ['NotFoundError', 'not_found', 'refused']);
  assert.deepEqual(await attempt({ identity: [] }), ['ConfigurationError', 'invalid_identity', 'not_sent']);
  assert.deepEqual([String(readFileSync(to)), readdirSync(at), readdirSync(temporary)], ['old', ['copy.pdf'], []]);
});

test('FILE: a stream as target gets its bytes once all of them are known to be good', async (t) => {
  const cipher = await sealed(t, randomBytes(200_000));
  const broken = Buffer.from(cipher);
  broken[cipher.length - 1] ^= 1;
  const server = await wire(t, content(cipher), content(broken));
  const written = [];
  const target = () => new WritableStream({ write: (chunk) => void written.push(chunk) });
  await server.client().storage.objects.download('obj_1', { to: target(), identity: key });
  assert.equal(Buffer.concat(written).length, 200_000);
  written.length = 0;
  await failure(server.client().storage.objects.download('obj_1', { to: target(), identity: key }));
  assert.deepEqual(written, []);
});

test('FILE: after a lost connection the rest is asked for by Range, if it is still the same', async (t) => {
  const cipher = await sealed(t, randomBytes(50_000));
  const server = await wire(t, content(cipher, { upTo: 20_000 }), content(cipher, { from: 20_000 }));
  const clock = new SteppingClock();
  const moved = [];
  const to = join(folder(t), 'x');
  await server.client({ clock }).storage.objects.download('obj_1', { to, identity: key, onProgress: (...seen) => moved.push(seen) });
  assert.deepEqual([server.requests[1].headers.range, server.requests[1].headers['if-range'], clock.sleeps], ['bytes=20000-', '"e1"', [500]]);
  assert.deepEqual([readFileSync(to).length, moved.at(-1)], [50_000, [cipher.length, cipher.length]]);
});

test('FILE: a changed or a weak ETag, or a 206 of another part, starts over, and nothing of the old is kept', async (t) => {
  const [cipher, changed] = [await sealed(t, randomBytes(50_000)), await sealed(t, randomBytes(40_000))];
  const scripts = [
    ['bytes=20000-', content(cipher, { upTo: 20_000 }), content(changed, { etag: '"e2"' })],
    ['bytes=20000-', content(cipher, { upTo: 20_000 }), content(changed, { from: 10_000 }), content(changed)],
    [undefined, content(cipher, { upTo: 20_000, etag: 'W/"e1"' }), content(changed)],
    [undefined, content(cipher, { upTo: 20_000, etag: '' }), content(changed)],
  ];
  for (const [range, ...script] of scripts) {
    const server = await wire(t, ...script);
    const found = await server.client().storage.objects.download('obj_1', { to: join(folder(t), 'x') });
    assert.deepEqual([found.sha256, server.requests[1].headers.range], [hex(changed), range]);
  }
});

test('FILE: an end before Content-Length, or more than `maxRetries` cuts in a row: StreamInterruptedError', async (t) => {
  const cipher = await sealed(t);
  const server = await wire(t, ...Array.from({ length: 3 }, () => content(cipher, { upTo: 0 })));
  const clock = new SteppingClock();
  const error = await failure(server.client({ clock }).storage.objects.download('obj_1', { to: join(folder(t), 'x') }));
  assert.deepEqual([error.name, error.retryable, clock.sleeps], ['StreamInterruptedError', true, [500, 1000]]);
});

test("RETRY-9: the caller's signal ends a download at once, unwrapped, and leaves nothing", async (t) => {
  const at = folder(t);
  const temporary = temporaryFolder(t);
  const cipher = await sealed(t, randomBytes(50_000));
  const controller = new AbortController();
  const server = await wire(t, (_, response) => {
    response.writeHead(200, { 'content-length': cipher.length });
    response.write(cipher.subarray(0, 1000), () => setImmediate(() => controller.abort('mine')));
  });
  assert.equal(await failure(server.client().storage.objects.download('obj_1', { to: join(at, 'x') }, { signal: controller.signal })), 'mine');
  assert.deepEqual([readdirSync(at), readdirSync(temporary)], [[], []]);
});
