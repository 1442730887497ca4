/** Where tokens are kept: the lock, the file, what somebody else may have put there, and what a grant makes of it (AUTH-10). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AccessToken } from '../../dist/access.js';
import { Secret } from '../../dist/exchange.js';
import { MemoryTokenStore } from '../../dist/index.js';
import { keyOf, originOf, read, written } from '../../dist/kept.js';
import { FileTokenStore } from '../../dist/node.js';
import { DEFAULT_LIMITS } from '../../dist/options.js';
import { failure, thrown } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { folder } from './support/folder.mjs';
import { fail, formOf, land, source } from './support/grants.mjs';
import { wire } from './support/wire.mjs';

const KEY = '0'.repeat(64);
const NAME = { tokenUrl: 'https://localhost:8443/oauth/token', clientId: 'demö', scopes: ['audit:read', 'users:read'] };

/** A store of each kind. */
const stores = (t) => [new MemoryTokenStore(), new FileTokenStore(join(folder(t), 'kept'))];

/** A file store, its directory and the files of its one key. */
function fileStore(t) {
  const directory = join(folder(t), 'kept');
  return { store: new FileTokenStore(directory), directory, file: join(directory, `${KEY}.json`), lock: join(directory, `${KEY}.lock`) };
}

const text = async (store, key = KEY) => (await store.load(key))?.reveal();
const ago = (path, seconds) => utimesSync(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);

test('AUTH-10: a store keeps the last text per key, and forgets it when told to', async (t) => {
  for (const store of stores(t)) {
    assert.equal(await text(store), undefined);
    for (const kept of ['one', 'zwö', 'x'.repeat(100_000)]) {
      await store.save(KEY, new Secret(kept));
      assert.equal(await text(store), kept);
    }
    assert.equal(await text(store, '1'.repeat(64)), undefined);
    await store.save(KEY, undefined);
    await store.save(KEY, undefined);
    assert.equal(await text(store), undefined);
  }
});

test("AUTH-10: a lock is one's until it is given back, and only its owner gives it back", async (t) => {
  for (const store of stores(t)) {
    assert.equal(await store.lock(KEY, 'mine', 60_000), true);
    assert.equal(await store.lock(KEY, 'yours', 60_000), false);
    await store.unlock(KEY, 'yours');
    assert.deepEqual([await store.lock(KEY, 'yours', 60_000), await store.lock('1'.repeat(64), 'yours', 60_000)], [false, true]);
    await store.unlock(KEY, 'mine');
    assert.equal(await store.lock(KEY, 'yours', 60_000), true);
  }
});

test('AUTH-10: who held a lock for too long has it no more, and takes nothing from its heir', async (t) => {
  for (const store of stores(t)) {
    await store.lock(KEY, 'dead', 60_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await store.lock(KEY, 'heir', 10), true);
    await store.unlock(KEY, 'dead');
    assert.equal(await store.lock(KEY, 'other', 60_000), false);
  }
});

test('AUTH-10: a takeover gives a stale lock to one of many, and never do two hold it at once', async (t) => {
  const { store, directory, lock } = fileStore(t);
  await store.lock(KEY, 'dead', 60_000);
  ago(lock, 3600);
  const [holding, most] = [new Set(), []];
  await Promise.all(
    Array.from({ length: 16 }, async (_, number) => {
      while (!(await store.lock(KEY, `nonce${number}`, 60_000))) await new Promise((resolve) => setTimeout(resolve, 1));
      holding.add(number);
      most.push(holding.size);
      await new Promise((resolve) => setTimeout(resolve, 1));
      holding.delete(number);
      await store.unlock(KEY, `nonce${number}`);
    }),
  );
  assert.deepEqual([Math.max(...most), most.length, readdirSync(directory)], [1, 16, []]);
});

test('AUTH-10: the guard of a takeover goes stale like the lock; while it is fresh nobody else takes over', async (t) => {
  const { store, directory, lock } = fileStore(t);
  const guard = lock.replace(/lock$/, 'takeover');
  await store.lock(KEY, 'dead', 60_000);
  writeFileSync(guard, 'taker');
  ago(lock, 3600);
  assert.deepEqual([await store.lock(KEY, 'heir', 60_000), readdirSync(directory).length], [false, 2]);
  ago(guard, 3600);
  assert.deepEqual([await store.lock(KEY, 'heir', 60_000), await store.lock(KEY, 'heir', 60_000), readdirSync(directory)], [false, true, [`${KEY}.lock`]]);
});

test('AUTH-10: a lock of long ago is stale, and so is one of the far future: the wall clock was set back since', async (t) => {
  for (const seconds of [3600, -3600]) {
    const { store, lock } = fileStore(t);
    await store.lock(KEY, 'dead', 60_000);
    ago(lock, seconds);
    assert.equal(await store.lock(KEY, 'heir', 60_000), true);
  }
});

test('AUTH-10: directory 0700, file 0600, replaced whole; nothing is left lying about', async (t) => {
  const { store, directory, file } = fileStore(t);
  await store.lock(KEY, 'n', 60_000);
  await store.save(KEY, new Secret('one'));
  const first = statSync(file);
  await store.save(KEY, new Secret('two'));
  await store.unlock(KEY, 'n');
  assert.notEqual(statSync(file).ino, first.ino);
  assert.deepEqual([statSync(file).mode & 0o777, statSync(directory).mode & 0o777, readdirSync(directory)], [0o600, 0o700, [`${KEY}.json`]]);
});

test('AUTH-10: a link, a pipe, a directory or a file that others may read is told and neither followed nor waited for', async (t) => {
  const makes = {
    link: (path) => (writeFileSync(`${path}.other`, '{}', { mode: 0o600 }), symlinkSync(`${path}.other`, path)),
    0o644: (path) => (writeFileSync(path, '{}'), chmodSync(path, 0o644)),
    directory: (path) => mkdirSync(path, { mode: 0o700 }),
    pipe: (path) => execFileSync('mkfifo', ['-m', '600', path]),
  };
  for (const [name, make] of Object.entries(makes)) {
    const { store, file, lock } = fileStore(t);
    make(file);
    assert.equal((await failure(store.load(KEY))).code, 'insecure_token_store', name);
    if (name === String(0o644)) continue; // a lock holds nothing secret
    make(lock);
    assert.equal((await failure(store.lock(KEY, 'n', 60_000))).code, 'insecure_token_store', name);
  }
});

test('AUTH-10: what no store has written is not read to its end, and crashes nobody', async (t) => {
  const { store, file } = fileStore(t);
  writeFileSync(file, Buffer.of(0xff, 0xfe, 0x7b), { mode: 0o600 });
  assert.equal(read(await store.load(KEY), NAME, { now: 0, monotonic: 0 }), undefined);
  truncateSync(file, 2 ** 40); // a hole: it takes no room
  assert.equal(await store.load(KEY), undefined);
});

test('AUTH-10: a directory that others can read, or that is none, is told when the store is made', (t) => {
  const path = folder(t);
  chmodSync(path, 0o710);
  assert.equal(thrown(() => new FileTokenStore(path)).code, 'insecure_token_store');
  chmodSync(path, 0o700);
  writeFileSync(join(path, 'file'), '');
  for (const wrong of [join(path, 'file'), join(path, 'file', 'below')]) assert.equal(thrown(() => new FileTokenStore(wrong)).code, 'invalid_token_store');
});

test('AUTH-10: only a SHA-256 in hex names a file', async (t) => {
  const { store } = fileStore(t);
  for (const key of ['', `../${'0'.repeat(61)}`, 'A'.repeat(64), '0'.repeat(63)]) assert.equal((await failure(store.load(key))).code, 'invalid_token_store');
});

const TOKEN = new AccessToken('acc', { scopes: new Set(['b', 'a']), expiresIn: 3_600_000 });
const kept = (changes = {}) => ({
  v: 1, token_url: NAME.tokenUrl, client_id: 'demö', scopes: ['audit:read', 'users:read'], origin: null, access_token: 'acc', scope: 'a b',
  expires_in: 3600, expires_at: 5000, refresh_token: 'ref', ...changes,
});

test('AUTH-10: the very file that every language writes, and where', async () => {
  const text = written(TOKEN, NAME, { origin: 'o'.repeat(64), refreshToken: new Secret('ref'), endsAt: 1_700_003_600_750 });
  assert.deepEqual(JSON.parse(text.reveal()), kept({ origin: 'o'.repeat(64), expires_at: 1_700_003_600 }));
  assert.equal(await keyOf(NAME), 'f5b4704aa8f08e1bb728b3d34f7b28f6b17860cd81baa23cb0f51cd4dac397d1');
  assert.equal(await originOf(new Secret('r1')), '82f3e9c695dc6b8d1b11818d5701919e286de8d47f7c3eb3100c485f79e57828');
  assert.equal(await originOf(undefined), null);
});

test('AUTH-10: the end is by the wall clock, which may have been set since; never later than `expires_in` from now', () => {
  for (const [endsAt, left] of [[4600, 3600], [1060, 60], [995, -5], [1_000_999, 3600]]) {
    const { token } = read(new Secret(JSON.stringify(kept({ expires_at: endsAt }))), NAME, { now: 1_000_000, monotonic: 50_000 });
    assert.deepEqual([token.endsAt, token.adviseAt, [...token.scopes]], [50_000 + left * 1000, 50_000 + (left - 120) * 1000, ['a', 'b']]);
  }
  const { token } = read(new Secret(JSON.stringify(kept({ expires_at: null, expires_in: null }))), NAME, { now: 0, monotonic: 0 });
  assert.deepEqual([token.endsAt, token.adviseAt], [undefined, undefined]);
});

test("AUTH-10: another grant's text, another format's or a broken one is not used; there is nothing, then", () => {
  const changes = [
    { v: 2 }, { v: true }, { v: null }, { token_url: 'https://evil.example/oauth/token' }, { client_id: 'other' }, { scopes: ['users:read'] },
    { scopes: null }, { access_token: null }, { access_token: '' }, { access_token: 'a\nb' }, { access_token: 7 }, { refresh_token: 'r\n' },
    { refresh_token: 7 }, { origin: 7 }, { scope: [] }, { expires_in: '3600' }, { expires_in: null }, { expires_in: 0 }, { expires_in: -1 },
    { expires_in: true }, { expires_at: null }, { expires_at: 'soon' }, { expires_at: 1e300 },
  ];
  const readable = (content) => read(new Secret(content), NAME, { now: 0, monotonic: 0 });
  assert.notEqual(readable(JSON.stringify(kept())), undefined);
  for (const change of changes) assert.equal(readable(JSON.stringify(kept(change))), undefined, JSON.stringify(change));
  for (const broken of ['', '{', '[]', 'null', '"x"', '7', '['.repeat(100_000), '{}', '\0']) assert.equal(readable(broken), undefined);
});

/** Clients on one store, each with a memory of its own as in processes of their own, one script and a clock for all. */
function party(store, ...script) {
  const [clock, requests, warnings] = [new SteppingClock(), [], []];
  const send = async (request) => (requests.push(request), script.shift()(request));
  const apart = () => Object.fromEntries(['load', 'save', 'lock', 'unlock'].map((name) => [name, (...facts) => store[name](...facts)]));
  const client = async (refreshToken = 'r1', options = {}) => {
    const made = await source([], { clock, send, tokenStore: apart(), warn: (message) => warnings.push(message), refreshToken: refreshToken ?? undefined, ...options });
    return made;
  };
  const renewing = async () => (await Promise.all(requests.map(formOf))).map((form) => form.refresh_token);
  return { clock, requests, warnings, client, renewing };
}

const next = (refresh_token) => ({ refresh_token });

test('AUTH-10: the first refreshes and writes; whoever comes later reads, though it was told an older refresh token', async (t) => {
  for (const store of stores(t)) {
    const all = party(store, land('a', 3600, next('r2')), land('b', 3600, next('r3')));
    const [one, two] = [await all.client(), await all.client()];
    assert.deepEqual([await one.value(), await two.value()], ['a', 'a']);
    all.clock.advance(3_500_000);
    assert.deepEqual([await two.value(), await one.value(), await (await all.client()).value()], ['b', 'b', 'b']);
    assert.deepEqual(await all.renewing(), ['r1', 'r2']);
  }
});

test('AUTH-4: of eight that get a 401 with one token the first refreshes, the others take what it wrote', async (t) => {
  const all = party(stores(t)[1], land('a', 3600, next('r2')), land('b', 3600, next('r3')));
  const clients = await Promise.all(Array.from({ length: 8 }, () => all.client()));
  const tokens = await Promise.all(clients.map((client) => client.get()));
  clients.forEach((client, at) => client.tokens.refuse(tokens[at]));
  assert.deepEqual(await Promise.all(clients.map((client) => client.value())), Array(8).fill('b'));
  assert.deepEqual(await all.renewing(), ['r1', 'r2']);
});

test("AUTH-10: after a long pause the file's access token is dead, and its refresh token the one to use", async (t) => {
  const all = party(stores(t)[1], land('a', 3600, next('r2')), land('b'));
  await (await all.client()).get();
  all.clock.advance(1e9);
  assert.equal(await (await all.client()).value(), 'b');
  assert.deepEqual(await all.renewing(), ['r1', 'r2']);
});

test('AUTH-2: a new process in the advisory window goes on with the kept token if the refresh fails; nobody hammers', async () => {
  const all = party(new MemoryTokenStore(), land('a', 3600, next('r2')), fail(503), fail(503));
  await (await all.client()).get();
  all.clock.advance(3_500_000);
  const late = await all.client();
  assert.deepEqual([await late.value(), await late.value(), all.requests.length, all.warnings.length], ['a', 'a', 2, 1]);
  all.clock.advance(100_000);
  assert.equal(await late.value(), 'refresh_outcome_unknown');
});

test("AUTH-10: what a second log-in left is never given to the first, nor overwritten by a client before it", async () => {
  const all = party(new MemoryTokenStore(), land('ada', 3600, next('a2')), land('bob', 3600, next('b2')), land('ada2'));
  const [ada, bob] = [await all.client('a1'), await all.client('b1')];
  assert.deepEqual([await ada.value(), await bob.value()], ['ada', 'bob']);
  all.clock.advance(3_600_000);
  assert.equal(await ada.value(), 'ada2');
  assert.deepEqual(await all.renewing(), ['a1', 'b1', 'a2']);
  assert.deepEqual(all.warnings, ["Another log-in has taken this one's place in the token store; it goes on in memory."]);
  all.clock.advance(-3_600_000);
  assert.equal(await (await all.client('b1')).value(), 'bob');
});

test("AUTH-10: client credentials and a refresh token of the same client share a file's name, never its token", async (t) => {
  const { store, directory } = fileStore(t);
  const all = party(store, land('own', 3600, next('spare')), land('person', 3600, next('r2')));
  assert.deepEqual([await (await all.client(null)).value(), await (await all.client(null)).value()], ['own', 'own']);
  const [name] = readdirSync(directory);
  assert.equal(JSON.parse(readFileSync(join(directory, name), 'utf8')).refresh_token, null);
  assert.equal(await (await all.client('r1')).value(), 'person');
  assert.deepEqual([(await all.renewing())[1], readdirSync(directory)], ['r1', [name]]);
});

/** A store one of whose methods throws while it is told to. */
function failing(method, error) {
  const store = new MemoryTokenStore();
  const works = store[method].bind(store);
  store.fails = true;
  store[method] = async (...facts) => {
    if (store.fails) throw error;
    return works(...facts);
  };
  return store;
}
const broken = (code) => Object.assign(new Error('hunter2'), { code });

test('AUTH-10: without its store a grant asks for nothing, it could use up what others hold; the next call tries anew', async () => {
  for (const method of ['lock', 'load']) {
    const store = failing(method, broken('EIO'));
    const all = party(store, land('a'));
    const client = await all.client();
    const found = await client.get();
    assert.deepEqual([found.code, found.final, found.message, all.requests], ['token_store_failed', false, 'The token store failed: EIO.', []]);
    store.fails = false;
    assert.equal(await client.value(), 'a');
  }
});

test('AUTH-10: a token is not thrown away for want of a disk, nor replaced by the older one in the store', async () => {
  const store = failing('save', broken('ENOSPC'));
  store.fails = false;
  const all = party(store, land('a', 3600, next('r2')), land('b', 3600, next('r3')), land('c'));
  const client = await all.client();
  await client.get();
  all.clock.advance(3_600_000);
  store.fails = true;
  assert.equal(await client.value(), 'b');
  assert.deepEqual(all.warnings, ['The token could not be written to the token store, it goes on in memory: The token store failed: ENOSPC.']);
  all.clock.advance(3_600_000);
  store.fails = false;
  assert.deepEqual([await client.value(), await all.renewing(), await (await all.client()).value()], ['c', ['r1', 'r2', 'r3'], 'c']);
});

test('AUTH-10: a lock that is not given back is a warning: the token was had and kept', async () => {
  const all = party(failing('unlock', broken('EIO')), land('a'));
  assert.equal(await (await all.client()).value(), 'a');
  assert.deepEqual(all.warnings, ["The token store's lock was not given back: The token store failed: EIO."]);
});

test('AUTH-2, AUTH-5: `token_timeout` bounds the wait for the lock; who got it late does not send a refresh token it could not wait for', async () => {
  for (const [refreshToken, tokenTimeout, givenBackAfter, asked] of [['r1', 50, undefined, 0], ['r1', 400, 270, 0], ['r1', 20_000, 270, 1], [null, 20_000, 270, 1]]) {
    const store = new MemoryTokenStore();
    const all = party(store, land('a'));
    const client = await all.client(refreshToken, { limits: { ...DEFAULT_LIMITS, tokenTimeout } });
    const key = await keyOf({ tokenUrl: 'http://localhost/oauth/token', clientId: 'demo', scopes: [] });
    await store.lock(key, 'held', 60_000);
    if (givenBackAfter !== undefined) setTimeout(() => store.unlock(key, 'held'), givenBackAfter);
    assert.equal(await client.value(), asked === 0 ? 'token_timeout' : 'a');
    assert.equal(all.requests.length, asked);
  }
});

test('AUTH-6: after `close({ revoke: true })` no other process takes up the dead token', async (t) => {
  const { store, directory } = fileStore(t);
  const ended = (request) => land('')(request); // any success
  const all = party(store, land('a', 3600, next('r2')), ended, ended);
  const client = await all.client();
  await client.get();
  await client.tokens.revoke();
  assert.deepEqual([readdirSync(directory), all.warnings], [[], []]);
});

test('AUTH-10: what is no store is told before anything is sent', async (t) => {
  const server = await wire(t);
  for (const tokenStore of [{}, '/tmp', { ...new MemoryTokenStore() }]) {
    const error = await failure(server.client({ clientId: 'a', refreshToken: 'r', tokenStore }).me.get());
    assert.deepEqual([error.code, error.attempts, error.outcome, server.requests], ['invalid_option', 1, 'not_sent', []]);
  }
});
