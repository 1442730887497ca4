/** Ciphertext on its way: kept to be read again, private, gone at the end. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesOf, MemoryStore, Spool } from '../../dist/spool.js';
import { deliver as refuseDelivery, openPath as refusePath, openStore as memoryStore } from '../../dist/paths-none.js';
import { failure, thrown } from './support/answers.mjs';
import { folder, temporaryFolder } from './support/folder.mjs';

const MIB = 1_048_576;

async function gathered(chunks) {
  const parts = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

test('FILE: above 8 MiB a spool lies in a 0600 temporary file of a folder of its own, which is gone when it is closed', async (t) => {
  const temporary = temporaryFolder(t);
  const bytes = randomBytes(9 * MIB);
  const spool = new Spool();
  for (let at = 0; at < 8; at += 1) await spool.write(bytes.subarray(at * MIB, (at + 1) * MIB));
  assert.deepEqual(readdirSync(temporary), []);
  await spool.write(bytes.subarray(8 * MIB));
  const [name] = readdirSync(temporary);
  assert.deepEqual([statSync(join(temporary, name)).mode & 0o777, statSync(join(temporary, name, 'spool')).mode & 0o777], [0o700, 0o600]);
  for (let again = 0; again < 2; again += 1) assert.ok((await gathered(spool.chunks())).equals(bytes));
  assert.deepEqual([await spool.sha256(), await spool.open() instanceof ReadableStream], [createHash('sha256').update(bytes).digest('hex'), true]);
  assert.equal(await spool.digest(), `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`);
  await spool.close();
  assert.deepEqual(readdirSync(temporary), []);
});

test('FILE: a download that starts over keeps nothing of what it had', async (t) => {
  const temporary = temporaryFolder(t);
  const spool = new Spool();
  await spool.write(randomBytes(9 * MIB));
  await spool.restart();
  await spool.write(Buffer.from('new'));
  assert.deepEqual([String(await gathered(spool.chunks())), spool.length, readdirSync(temporary)], ['new', 3, []]);
  assert.equal(await spool.sha256(), createHash('sha256').update('new').digest('hex'));
  await spool.close();
});

test('FILE: more than may be sent in one piece is refused as soon as it is too much', async () => {
  const spool = new Spool(4);
  await spool.write(Buffer.from('1234'));
  const error = await failure(spool.write(Buffer.from('5')));
  assert.deepEqual([error.name, error.code], ['ConfigurationError', 'upload_too_large']);
  await spool.close();
});

test('FILE: the first bytes must be an age header, however they are cut', async () => {
  const check = async (...pieces) => {
    const spool = new Spool();
    for (const piece of pieces) await spool.write(Buffer.from(piece));
    try {
      await spool.checkAge();
      return 'age';
    } catch (error) {
      return error.code;
    } finally {
      await spool.close();
    }
  };
  assert.deepEqual([await check('age-encryption.org/v1\n-> X25519'), await check('age-enc', 'ryption.org/v', '1\n')], ['age', 'age']);
  for (const pieces of [[], ['plain text'], ['age-encryption.org/v1'], ['age-encryption.org/v2\n'], [' age-encryption.org/v1\n']]) assert.equal(await check(...pieces), 'not_encrypted');
});

test('RETRY-8: progress counts the bytes that left, up to the whole; a repeated attempt begins anew', async () => {
  const spool = new Spool();
  for (const piece of ['ab', 'cde']) await spool.write(Buffer.from(piece));
  const seen = [];
  spool.onProgress = (moved, total) => seen.push([moved, total]);
  await gathered(spool.chunks());
  await gathered(spool.chunks());
  assert.deepEqual(seen, [[2, 5], [5, 5], [2, 5], [5, 5]]);
  assert.ok(await spool.open() instanceof ReadableStream);
  await spool.close();
});

test('FILE: a path, bytes, a Blob, a stream or chunks; whatever is none of these is refused', async (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, 'abc');
  const bytes = new TextEncoder().encode('abc');
  const chunks = (async function* () { yield bytes.subarray(0, 1); yield bytes.subarray(1); })();
  for (const source of [path, bytes, Buffer.from('abc'), bytes.buffer, new Blob(['abc']), new Blob(['abc']).stream(), chunks]) {
    assert.equal(String(await gathered(bytesOf(source))), 'abc');
  }
  for (const source of [7, null, undefined, {}, ['a'], (async function* () { yield 'text'; })(), new Blob(['a']).stream().pipeThrough(new TextDecoderStream())]) assert.equal((await failure(gathered(bytesOf(source)))).code, 'invalid_source');
  assert.deepEqual((({ name, code }) => [name, code])(await failure(gathered(bytesOf(join(path, 'nowhere'))))), ['ConfigurationError', 'unreadable_source']);
});

test('CONF: where there is no file system paths are refused, and bytes stay in memory', async () => {
  for (const act of [() => refusePath('x'), () => refuseDelivery('x')]) assert.equal(thrown(act).code, 'no_file_system');
  const store = memoryStore();
  assert.ok(store instanceof MemoryStore);
  for (const piece of ['ab', 'c']) await store.write(Buffer.from(piece));
  assert.deepEqual([String(await gathered(store.chunks())), String(Buffer.from(store.bytes()))], ['abc', 'abc']);
  assert.equal(Buffer.from(await store.sha256()).toString('hex'), createHash('sha256').update('abc').digest('hex'));
  await store.close();
  assert.equal(store.bytes().length, 0);
});
