/** The reference server in users' own tests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { AdminClient, ConflictError } from '@admin-api/sdk';
import { Control, ControlError, startMockServer } from '@admin-api/sdk/testing';
import { REFERENCE } from './support/reference.mjs';

const DIST = new URL('../../dist/', import.meta.url);

describe('with a server', () => {
  let server;
  before(async () => {
    server = await startMockServer(REFERENCE);
  });
  after(() => server.stop());

  test('TESTING: a world is ready for a client, by token and by client credentials', async (context) => {
    const world = ended(context, await server.createWorld());
    for (const credentials of [{ token: world.token }, { clientId: world.clientId, clientSecret: world.clientSecret }]) {
      const client = ended(context, new AdminClient({ baseUrl: world.baseUrl, ...credentials }));
      const { items } = await client.users.list();
      assert.deepEqual(items, []);
    }
  });

  test('TESTING: worlds do not see each other, and are gone when they are disposed of', async (context) => {
    const other = await server.createWorld({ users: 2 });
    const world = await server.createWorld({ id: 'mine', users: [{ username: 'ada', email: 'ada@example.com', roles: [] }] });
    assert.equal(world.baseUrl, `${server.url}/w/mine`);
    assert.deepEqual([(await world.state()).users, (await other.state()).users], [1, 2]);
    assert.equal(world.told.users?.length, 1);
    await world[Symbol.asyncDispose](); // as `await using` does
    await world[Symbol.asyncDispose]();
    assert.deepEqual((await server.control.worlds()).map(({ id }) => id).sort(), ['root', other.id].sort());
    await other.delete();
    await assert.rejects(other.delete(), { name: 'ControlError', operation: 'worlds.delete', status: 404, code: 'not_found' });
  });

  test('TESTING: faults, journal and clock', async (context) => {
    const world = ended(context, await server.createWorld());
    const client = ended(context, new AdminClient({ baseUrl: world.baseUrl, token: world.token, maxRetries: 1, clock: standing(world) }));
    await world.fault('users.create', { reset: 'after_commit' });
    const user = await client.users.create({ username: 'erin', email: 'erin@example.com', roles: [] });
    assert.equal(user.username, 'erin');
    const entries = await world.wait({ operation: 'users.create' }, { count: 2, timeout: 5_000 });
    assert.deepEqual(entries.map(({ outcome, replayed }) => [outcome, replayed]), [['reset', false], ['response', true]]);
    assert.deepEqual(await world.journal({ after: entries[1].seq, channel: 'api' }), []);

    const held = await world.fault('users.list', { hold: true });
    const listing = client.users.list();
    listing.then(() => {});
    await world.wait({ phase: 'held' });
    assert.deepEqual((await world.faults()).map(({ id, waiting }) => [id, waiting]).at(-1), [held, 1]);
    await world.release(held);
    assert.equal((await listing).items.length, 1);

    const now = await world.nowMs();
    assert.deepEqual([await world.advance(7_000), await world.until(now)], [now + 7_000, now + 7_000]);
  });

  test('TESTING: what the server refuses is told with its code and the place', async (context) => {
    await assert.rejects(server.createWorld({ client: [] }), (error) => {
      assert.ok(error instanceof ControlError);
      assert.deepEqual([error.code, error.problem.errors?.map(({ pointer }) => pointer)], ['validation_failed', ['/client']]);
      return true;
    });
    const world = ended(context, await server.createWorld({ tokens: [] }));
    assert.throws(() => world.token, { code: 'no_credentials' });
    await assert.rejects(world.wait({ operation: 'users.list' }, { timeout: 20 }), { code: 'wait_timed_out', status: 408 });
  });

  test('TESTING: every method reaches its operation', async (context) => {
    const world = ended(context, await server.createWorld({ seed: 'dev' }));
    const { id } = await server.control.world(world.id);
    assert.equal(id, world.id);
    assert.equal((await world.logIn(world.clientId)).token_type, 'Bearer');
    assert.equal((await world.rotateKeys()).length, 2);
    assert.equal((await world.rotateKeys({ retire: true })).length, 1);
    assert.ok((await world.revokeTokens({ clientId: world.clientId })) >= 1);
    await assert.rejects(world.objectBytes('obj_none'), { status: 404 });
    const fault = await world.fault('*', { respond: { status: 503, headers: { 'Retry-After': '7' } }, times: 2 });
    assert.deepEqual((await world.faults()).map(({ times }) => times), [2]);
    await world.removeFault(fault);
    await world.clearFaults();
    await world.clearJournal();
    await world.reset();
    assert.deepEqual([await world.faults(), await world.journal()], [[], []]);
  });

  test('TESTING: an upload is there as ciphertext', async (context) => {
    const world = ended(context, await server.createWorld());
    const client = ended(context, new AdminClient({ baseUrl: world.baseUrl, token: world.token }));
    const ciphertext = new TextEncoder().encode('age-encryption.org/v1\n-> X25519 tests\nnot really\n--- mac\n');
    const { id } = await client.storage.objects.upload(ciphertext, { name: 'a.age', alreadyEncrypted: true });
    assert.deepEqual(new Uint8Array(await world.objectBytes(id)), ciphertext);
  });

  test('TESTING: an error of the API is the error that users meet in production', async (context) => {
    const world = ended(context, await server.createWorld({ users: [{ username: 'ada', email: 'ada@example.com', roles: [] }] }));
    const client = ended(context, new AdminClient({ baseUrl: world.baseUrl, token: world.token }));
    await assert.rejects(client.users.create({ username: 'ada', email: 'a@example.com', roles: [] }), ConflictError);
  });
});

test('TESTING: a server that speaks TLS is steered with its CA', async (context) => {
  const server = ended(context, await startMockServer({ ...REFERENCE, args: ['--port', '0'] }));
  assert.match(server.url, /^https:/);
  const world = await server.createWorld();
  assert.ok(await world.nowMs());
});

test('TESTING: a server that went away is told, and so is a command that cannot start', async (context) => {
  const server = await startMockServer(REFERENCE);
  const world = await server.createWorld();
  await server.stop();
  await server.stop();
  await assert.rejects(world.journal(), { code: 'unreachable', status: undefined });
  await assert.rejects(startMockServer({ command: ['no-such-command'] }), /no-such-command did not start: .*ENOENT/);
  await assert.rejects(startMockServer({ ...REFERENCE, args: ['--port', 'no'] }), /did not start: exit code 2/);
  await assert.rejects(startMockServer({ command: [process.execPath, '-e', 'console.log("hello")'], args: [] }), /but "hello"/);
});

test('TESTING: a program that forgets to stop its server ends, and the server with it', async (context) => {
  const program = `
    import { startMockServer } from '@admin-api/sdk/testing';
    const { url } = await startMockServer(${JSON.stringify(REFERENCE)});
    console.log(url);`;
  const cwd = new URL('.', import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { cwd, timeout: 30_000 });
  await until(async () => (await new Control(stdout.trim()).worlds().catch(({ code }) => code)) === 'unreachable');
});

test('TESTING: no other entry reaches these rooms, nor what they need of Node', () => {
  const reached = (entry, found = new Set()) => {
    if (found.has(entry)) return found;
    found.add(entry);
    const text = readFileSync(new URL(entry, DIST), 'utf8');
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)) {
      reached(new URL(target, new URL(entry, DIST)).href.slice(DIST.href.length), found);
    }
    return found;
  };
  const others = new Set(['index.js', 'encryption.js', 'node.js'].flatMap((entry) => [...reached(entry)]));
  const own = ['testing.js', ...readdirSync(new URL('testing', DIST)).filter((name) => name.endsWith('.js')).map((name) => `testing/${name}`)];
  assert.deepEqual([...reached('testing.js')].sort(), [...own, '_generated/control.js'].sort());
  assert.deepEqual([...own, '_generated/control.js'].filter((room) => others.has(room)), []);
  assert.ok(others.size > 10);
});

/** What ends with its test, as `await using` would end it. */
function ended(context, disposable) {
  context.after(() => disposable[Symbol.asyncDispose]());
  return disposable;
}

/** A clock of the world: waits move it. */
function standing(world) {
  let now = 0;
  return { now: () => now, monotonic: () => now, random: () => 1, sleep: async (ms) => void ((now += ms), await world.advance(ms)) };
}

/** Polls until something holds, for at most ten seconds. */
async function until(holds) {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, 'not in ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
