/** What the token may do, asked before it is tried (AUTH-6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, failure, problem, tokenAnswer } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { wire } from './support/wire.mjs';

const CLIENT = { clientId: 'demo', clientSecret: 'demo-secret' };
const me = (...scopes) => answer(200, { type: 'token', id: 't', name: 't', token_id: null, expires_at: null, scopes });
const granting = (scope) => tokenAnswer('a', { expires_in: 3600, scope });
const CREATION = { username: 'a', email: 'a@b.c', roles: [] };

test('AUTH-6: the scopes that were granted answer for themselves; the API is not asked', async (t) => {
  const server = await wire(t);
  server.tokens = [granting('users:read audit:read')];
  const client = server.client(CLIENT);
  assert.deepEqual(await client.scopes(), ['audit:read', 'users:read']);
  const can = [];
  for (const operation of ['users.list', 'users.create', 'audit.events.stream', 'me.get']) can.push(await client.can(operation));
  assert.deepEqual([can, server.tokenRequests.length, server.requests], [[true, false, true, true], 1, []]);
});

test('AUTH-6: of a token of unknown scopes `me.get` is asked once; another token is another question', async (t) => {
  const server = await wire(t, me('users:read'), me('users:read', 'users:create'));
  let token = 'one';
  const client = server.client({ token: () => token });
  assert.deepEqual([await client.can('users.list'), await client.can('users.create')], [true, false]);
  token = 'two';
  const copy = client.withOptions({ timeout: 1_000 });
  assert.deepEqual([await copy.can('users.list'), await copy.can('users.create')], [true, true]);
  assert.deepEqual(server.requests.map(({ headers }) => headers.authorization), ['Bearer one', 'Bearer two']);
});

test('AUTH-6, RETRY-1: what fails on the way to the token is tried again, and told as the error it is', async (t) => {
  const server = await wire(t);
  server.tokens = [{ status: 503 }, granting('users:read'), ...Array(3).fill({ status: 503 })];
  const clock = new SteppingClock();
  const client = server.client({ ...CLIENT, clock });
  assert.deepEqual([await client.scopes(), clock.sleeps], [['users:read'], [500]]);
  clock.advance(3_600_000);
  const error = await failure(client.can('users.list'));
  assert.deepEqual([error.name, error.operation, error.attempts], ['InternalServerError', 'me.get', 3]);
});

test('AUTH-6: a misspelt operation is told, not answered with no', async (t) => {
  const server = await wire(t);
  for (const operation of ['users.nope', '', '__proto__', 'toString', 'oauth.token']) {
    assert.equal((await failure(server.client().can(operation))).code, 'unknown_operation');
  }
});

test('AUTH-6: with `preflight` a call whose scope is known to be missing is refused before it is sent', async (t) => {
  const server = await wire(t, answer());
  server.tokens = [granting('users:read audit:read')];
  const client = server.client({ ...CLIENT, preflight: true });
  const error = await failure(client.users.create(CREATION));
  assert.deepEqual(
    [error.name, error.code, error.operation, error.status, error.outcome, error.retryable, error.missingScopes, error.grantedScopes],
    ['InsufficientScopeError', 'insufficient_scope', 'users.create', undefined, 'not_sent', false, ['users:create'], ['audit:read', 'users:read']],
  );
  await client.users.get('usr_1');
  assert.equal(server.requests.length, 1);
});

test('AUTH-6: with `preflight` unknown scopes pass until they are known', async (t) => {
  const server = await wire(t, problem(403, 'insufficient_scope', { missing_scopes: ['users:create'] }), me('users:read'));
  const client = server.client({ preflight: true });
  for (const granted of [undefined, ['users:read']]) {
    const error = await failure(client.users.create(CREATION));
    assert.deepEqual([error.missingScopes, error.grantedScopes], [['users:create'], granted]);
    await client.scopes();
  }
  assert.equal(server.requests.length, 2);
});

test('AUTH-6: without `preflight` the server decides', async (t) => {
  const server = await wire(t, answer(201));
  server.tokens = [granting('users:read')];
  await server.client(CLIENT).users.create(CREATION);
  assert.equal(server.requests.length, 1);
});
