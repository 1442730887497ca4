// A user's own tests, by node:test: one server, a fresh world for each test.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { AdminClient, ConflictError } from '@admin-api/sdk';
import { startMockServer } from '@admin-api/sdk/testing';
import { NoWait } from './nowait.mjs';

/** The code under test: who is there already is not invited again. */
async function invite(client, name) {
  try {
    return (await client.users.create({ username: name, email: `${name}@example.com` })).id;
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'username_taken') throw error;
    return error.problem.existing_id;
  }
}

let server, world, client;
before(async () => {
  server = await startMockServer();
});
after(() => server.stop());
beforeEach(async () => {
  world = await server.createWorld();
  client = new AdminClient({ baseUrl: world.baseUrl, token: world.token, clock: new NoWait() });
});
afterEach(async () => {
  await client.close();
  await world.delete();
});

test('an invitation is sent once', async () => {
  assert.equal(await invite(client, 'ada'), await invite(client, 'ada'));
  const entries = await world.journal({ channel: 'api' });
  assert.deepEqual(entries.map(({ status }) => status), [201, 409]);
});

test('a lost answer invites nobody twice', async () => {
  await world.fault('users.create', { reset: 'after_commit' });
  await invite(client, 'ada');
  const [lost, repeated] = await world.journal({ channel: 'api' });
  assert.deepEqual([lost.outcome, repeated.replayed], ['reset', true]);
  assert.equal((await world.state()).users, 1);
});
