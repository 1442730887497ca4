// Test your own code against bad weather: a server of your own, faults on command, the journal of what was sent.

import { AdminClient, ConflictError } from '@admin-api/sdk';
import { startMockServer } from '@admin-api/sdk/testing';
import { NoWait } from './nowait.mjs';

const tell = (what, detail = '') => console.log(`  ${what.padEnd(34)} ${detail}`);

const server = await startMockServer();
const world = await server.createWorld();
const clock = new NoWait();
const client = new AdminClient({ baseUrl: world.baseUrl, token: world.token, clock });

// The answer of the first attempt is lost after the server has committed; the second attempt is told to wait.
await world.fault('users.create', { reset: 'after_commit' });
await world.fault('users.create', { skip: 1, respond: { status: 503, headers: { 'Retry-After': '7' } } });
const user = await client.users.create({ username: 'erin', email: 'erin@example.com' });
tell('Created through two faults', user.username);
tell('Waited, without waiting', `${clock.sleeps.join(' and ')} ms`);

const attempts = (await world.journal({ channel: 'api' })).filter((entry) => entry.operation === 'users.create');
const keys = attempts.flatMap((entry) => entry.headers.filter(([name]) => name === 'idempotency-key'));
tell('What the server saw', attempts.map((entry) => `${entry.outcome} ${entry.status}`).join(', '));
tell('One key on all attempts', new Set(keys.map(([, value]) => value)).size === 1);
tell('Users in the world', (await world.state()).users);

try {
  await client.users.create({ username: 'erin', email: 'erin@example.org' });
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  tell('The error of production', `${error.code}, outcome ${error.outcome}`);
}

await client.close();
await server.stop();
