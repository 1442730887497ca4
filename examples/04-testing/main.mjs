// Test your own code against bad weather: a world of your own, faults on command, and the journal of what was sent.

import { AdminClient } from '@admin-api/sdk';

const tell = (what, detail = '') => console.log(`  ${what.padEnd(34)} ${detail}`);

/** A clock that does not wait, so that a test of retries takes no time. */
class NoWait {
  time = 0;
  sleeps = [];
  now = () => this.time;
  monotonic = () => this.time;
  random = () => 1;
  sleep = async (ms) => {
    this.sleeps.push(ms);
    this.time += ms;
  };
}

/** The control plane of the reference server. */
async function control(method, path, body) {
  const answer = await fetch(`${process.env.ADMIN_API_BASE_URL}/__mock__/worlds${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

const scopes = ['users:read', 'users:create'];
const world = await control('POST', '', { clients: [{ id: 'test', secret: 'test-secret', scopes }] });
const clock = new NoWait();
const client = new AdminClient({ baseUrl: world.base_url, clientId: 'test', clientSecret: 'test-secret', clock });

// The answer of the first attempt is lost after the server has committed; the second attempt is told to wait.
await control('POST', `/${world.id}/faults`, { operation: 'users.create', reset: 'after_commit' });
const busy = { status: 503, headers: { 'Retry-After': '7' } };
await control('POST', `/${world.id}/faults`, { operation: 'users.create', skip: 1, respond: busy });
const user = await client.users.create({ username: 'erin', email: 'erin@example.com' });
tell('Created through two faults', user.username);
tell('Waited, without waiting', `${clock.sleeps.join(' and ')} ms`);

const { entries } = await control('GET', `/${world.id}/journal?channel=api`);
const attempts = entries.filter((entry) => entry.operation === 'users.create');
const keys = attempts.flatMap((entry) => entry.headers.filter(([name]) => name.toLowerCase() === 'idempotency-key'));
tell('What the server saw', attempts.map((entry) => `${entry.outcome} ${entry.status}`).join(', '));
tell('One key on all attempts', new Set(keys.map(([, value]) => value)).size === 1);
tell('Users in the world', (await control('GET', `/${world.id}/state`)).users);
await client.close();
await control('DELETE', `/${world.id}`);
