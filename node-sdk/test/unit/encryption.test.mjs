/** age v1 through recipients and identities. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import * as age from 'age-encryption';
import { read, streamFrom } from '../../dist/spool.js';
import { generateIdentity, identity, recipient } from '../../dist/encryption.js';
import { failure, thrown } from './support/answers.mjs';

const stream = (bytes) => streamFrom((async function* () { yield bytes; })());

async function gathered(chunks) {
  const parts = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
const encrypted = async (bytes, ...recipients) => gathered(read(await recipients[0].encrypt(stream(bytes), recipients)));
const decrypted = async (bytes, ...identities) => gathered(read(await identities[0].decrypt(stream(bytes), identities)));

test('FILE: any size, any of the recipients, and plain age reads it too', async () => {
  const [one, two] = [await generateIdentity(), await generateIdentity()];
  for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const plain = randomBytes(size);
    const sealed = await encrypted(plain, one.recipient, two.recipient);
    assert.ok(sealed.toString('latin1').startsWith('age-encryption.org/v1\n'));
    for (const key of [one, two]) assert.ok((await decrypted(sealed, await generateIdentity(), key)).equals(plain));
    const plainAge = new age.Decrypter();
    plainAge.addIdentity(two.reveal());
    assert.ok(Buffer.from(await plainAge.decrypt(sealed)).equals(plain));
  }
});

test('FILE: NoMatchingKeyError, which is an IntegrityError that says why', async () => {
  const sealed = await encrypted(Buffer.from('x'), (await generateIdentity()).recipient);
  const error = await failure(decrypted(sealed, await generateIdentity()));
  assert.deepEqual([error.name, error.code, error.outcome], ['NoMatchingKeyError', 'no_matching_key', 'committed']);
});

test('FILE: a flipped bit anywhere, a cut anywhere, or bytes behind the end: IntegrityError', async () => {
  const key = await generateIdentity();
  const sealed = await encrypted(randomBytes(70_000), key.recipient);
  const broken = [sealed.subarray(0, -1), Buffer.concat([sealed, Buffer.of(0)]), Buffer.alloc(0), Buffer.from('plain')];
  for (const at of [0, 30, 100, 190, 300, 65_800, sealed.length - 1]) {
    const flipped = Buffer.from(sealed);
    flipped[at] ^= 1;
    broken.push(flipped, sealed.subarray(0, at));
  }
  for (const bytes of broken) {
    const error = await failure(decrypted(bytes, key));
    assert.ok(['IntegrityError', 'NoMatchingKeyError'].includes(error.name), `${error}`);
    assert.equal(error.cause, undefined);
  }
});

test('FILE: what the source throws while it is encrypted is thrown as it is', async () => {
  const mine = new Error('mine');
  const { recipient: to } = await generateIdentity();
  const source = streamFrom((async function* () { yield randomBytes(100_000); throw mine; })());
  assert.equal(await failure(gathered(read(await to.encrypt(source, [to])))), mine);
});

test('AUTH-9: the secret half shows itself nowhere but in `reveal()`', async () => {
  const key = await generateIdentity();
  for (const shown of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify({ key }), String(key), inspect(structuredClone({ ...key, recipient: null }))]) {
    assert.doesNotMatch(shown, /SECRET/);
  }
  assert.match(key.reveal(), /^AGE-SECRET-KEY-1/);
});

test('FILE: recipients and identities come from their texts and go back to them', async () => {
  const key = await generateIdentity();
  assert.equal((await identity(key.reveal())).recipient.text, key.recipient.text);
  assert.equal(String(recipient(key.recipient.text)), key.recipient.text);
});

test('FILE: a recipient that is none is refused when it is made', async () => {
  const { text } = (await generateIdentity()).recipient;
  for (const bad of ['', 'age1', `${text.slice(0, -1)}${text.endsWith('q') ? 'p' : 'q'}`, text.toUpperCase(), `${text}\n`, 'ssh-ed25519 AAAA', 7, null]) {
    assert.deepEqual((({ name, code }) => [name, code])(thrown(() => recipient(bad))), ['ConfigurationError', 'invalid_recipient']);
  }
});

test('AUTH-9: a mistyped secret key is refused and not shown, not even as a cause', async () => {
  const secret = (await generateIdentity()).reveal();
  for (const bad of [`${secret.slice(0, -1)}${secret.endsWith('Q') ? 'P' : 'Q'}`, secret.slice(0, 30), 'AGE-SECRET-KEY-PQ-1X', '', 7, null]) {
    const error = await failure(identity(bad));
    assert.deepEqual([error.name, error.code, error.cause], ['ConfigurationError', 'invalid_identity', undefined]);
    assert.doesNotMatch(inspect(error), /AGE-SECRET-KEY-1[0-9A-Z]/);
  }
});
