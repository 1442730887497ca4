/** The stack: its order, and what its layers do to a call over a real connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptLog, callLog } from '../../dist/layers/logging.js';
import { retry } from '../../dist/layers/retry.js';
import { Budget } from '../../dist/backoff.js';
import { layers, stack } from '../../dist/stack.js';
import { answer, call, failure, problem, request, response, tokenAnswer } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { LOST, sender, wire } from './support/wire.mjs';

const CREATE = { username: 'alice', email: 'alice@example.com', roles: ['admin'] };
const CLIENT = { clientId: 'demo', clientSecret: 'demo-secret' };
const INVALID = problem(401, 'invalid_token', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });

/** A layer that notes when a request passes it and when its outcome does. */
const noting = (log, name) => (send) => async (request) => {
  log.push(`> ${name}`);
  const outcome = await send(request);
  log.push(`< ${name}`);
  return outcome;
};

test('STACK: first = outermost: it sees the request first and the answer last', async () => {
  const log = [];
  const send = stack([noting(log, 'outer'), noting(log, 'inner')], async () => log.push('wire'));
  await send(request(call()));
  assert.deepEqual(log, ['> outer', '> inner', 'wire', '< inner', '< outer']);
});

test('STACK: call log > per call > status > retry > auth > per attempt > attempt log', () => {
  const names = { callLog: 'callLog', perCall: ['a', 'b'], status: 'status', retry: 'retry', auth: 'auth', perAttempt: ['c'], attemptLog: 'attemptLog' };
  assert.deepEqual(layers(names), ['callLog', 'a', 'b', 'status', 'retry', 'auth', 'c', 'attemptLog']);
});

test('STACK: without layers the stack is the transport itself', () => {
  const send = sender();
  assert.equal(stack([], send), send);
});

test("STACK: a user's layers stand where the stack says: once per call; once per attempt, with the token in place", async (t) => {
  const log = [];
  const server = await wire(t, problem(503, 'busy'), answer(201));
  const seen = (name) => (send) => (request) => (log.push([name, request.headers.authorization?.reveal()]), send(request));
  await server.client({ perCall: [seen('call')], perAttempt: [seen('attempt')] }).users.create(CREATE);
  assert.deepEqual(log, [['call', undefined], ['attempt', 'Bearer TOKEN'], ['attempt', 'Bearer TOKEN']]);
});

test('RETRY-3: the key is made once per call and is the same on every attempt; another call has another', async (t) => {
  const server = await wire(t, problem(503, 'busy'), LOST, answer(201), answer(201));
  const client = server.client();
  const { attempts, idempotencyKey } = await client.users.create(CREATE).withResponse();
  await client.users.create(CREATE);
  assert.deepEqual([attempts, idempotencyKey], [3, 'key-1']);
  assert.deepEqual(server.requests.map(({ headers }) => headers['idempotency-key']), ['"key-1"', '"key-1"', '"key-1"', '"key-2"']);
});

test('RETRY-4, RETRY-5: delays are random · min(8 s, 0.5 s · 2^n), and never sooner than asked', async (t) => {
  const server = await wire(t, problem(503, 'busy'), problem(503, 'busy', { headers: { 'retry-after': '7' } }), problem(503, 'busy'), answer());
  const clock = new SteppingClock();
  await server.client({ clock, maxRetries: 3 }).users.get('usr_1');
  assert.deepEqual(clock.sleeps, [500, 7000, 2000]);
});

test('RETRY-5: above `maxRetryAfter` there is no retry; the error says how long', async (t) => {
  const server = await wire(t, problem(503, 'busy', { headers: { 'retry-after': '61' } }));
  const error = await failure(server.client().users.get('usr_1'));
  assert.deepEqual([error.name, error.retryAfter, error.attempts, error.retryable], ['InternalServerError', 61_000, 1, true]);
});

test('RETRY-2: without a key a POST whose answer was lost is not sent again; the outcome is unknown', async (t) => {
  const server = await wire(t, LOST);
  const error = await failure(server.client().users.create(CREATE, { idempotencyKey: null }));
  assert.deepEqual([error.name, error.code, error.outcome, error.idempotencyKey, error.attempts], ['APIConnectionError', 'connection_lost', 'unknown', undefined, 1]);
  assert.equal(server.requests[0].headers['idempotency-key'], undefined);
});

test('RETRY-1: options of the call come before those of the client; at most so many attempts follow the first', async (t) => {
  const server = await wire(t, ...Array.from({ length: 5 }, () => problem(503, 'busy')));
  const client = server.client({ maxRetries: 1 });
  assert.equal((await failure(client.users.get('usr_1'))).attempts, 2);
  assert.equal((await failure(client.users.get('usr_1', { maxRetries: 2 }))).attempts, 3);
});

test('RETRY-6: a sleep that cannot end before the deadline is not begun', async (t) => {
  const server = await wire(t, problem(503, 'busy', { headers: { 'retry-after': '5' } }));
  const clock = new SteppingClock();
  const error = await failure(server.client({ clock, deadline: 4000 }).users.get('usr_1'));
  assert.deepEqual([error.name, error.retryAfter, clock.sleeps], ['InternalServerError', 5000, []]);
});

test('RETRY-7: when the budget is spent there is no retry, and the error says so; copies share it', async (t) => {
  const server = await wire(t, ...Array.from({ length: 40 }, () => problem(503, 'busy')));
  const client = server.client({ maxRetries: 100 });
  const error = await failure(client.users.get('usr_1'));
  assert.deepEqual([error.code, error.attempts], ['retry_budget_exhausted', 36]);
  assert.deepEqual([(await failure(client.withOptions({ timeout: 1000 }).users.get('usr_1'))).attempts, server.requests.length], [1, 37]);
});

test('RETRY-7: a success at the first try gives 1, a success after retries gives back the last cost', async () => {
  const budget = new Budget();
  budget.spend(100);
  const one = (...statuses) => {
    const made = call({ attempts: 0 });
    return retry(budget, () => undefined, new AbortController().signal)(sender(...statuses.map((status) => response(made, status))))(request(made));
  };
  await one(200);
  assert.equal(budget.left, 401);
  await one(503, 429, 200);
  assert.equal(budget.left, 401 - 14 - 5 + 5);
});

test('LOG: retry emits one frozen record per retry and knows nothing of logging', async () => {
  const records = [];
  const made = call({ attempts: 0, method: 'POST', idempotencyKey: 'k', operation: 'users.create' });
  const send = sender(response(made, 503, { headers: { 'x-request-id': 'r1' } }), response(made, 201));
  await retry(new Budget(), (record) => records.push(record), new AbortController().signal)(send)(request(made));
  assert.deepEqual(records, [{ operation: 'users.create', attempt: 1, delay: 500, status: 503, code: undefined, requestId: 'r1' }]);
  assert.ok(Object.isFrozen(records[0]));
});

test("RETRY-9: the user's own reason is thrown from a backoff, unwrapped", async (t) => {
  const server = await wire(t, problem(503, 'busy', { headers: { 'retry-after': '50' } }));
  const controller = new AbortController();
  const client = server.client({ clock: undefined, logger: { info: () => controller.abort('mine'), debug() {}, warn() {} } });
  assert.equal(await failure(client.users.get('usr_1', { signal: controller.signal })), 'mine');
});

test('CONF: `close()` wakes a call that waits for its next attempt; it is not tried again', async (t) => {
  const server = await wire(t, problem(503, 'busy', { headers: { 'retry-after': '50' } }));
  const client = server.client({ clock: undefined, logger: { info: (message) => message.includes('next in') && void client.close(), debug() {}, warn() {} } });
  const error = await failure(client.users.create(CREATE));
  assert.deepEqual([error.name, error.code, error.outcome, error.retryable, server.requests.length], ['APIConnectionError', 'client_closed', 'unknown', false, 1]);
});

test('AUTH-4: invalidate, refresh once, resend once; no retry, no sleep, the same key, one attempt', async (t) => {
  const server = await wire(t, INVALID, answer(201));
  server.tokens.push(tokenAnswer('one'), tokenAnswer('two'));
  const clock = new SteppingClock();
  const { attempts } = await server.client({ ...CLIENT, clock }).users.create(CREATE).withResponse();
  assert.deepEqual([attempts, clock.sleeps, server.tokenRequests.length], [1, [], 2]);
  assert.deepEqual(server.requests.map(({ headers }) => [headers.authorization, headers['idempotency-key']]), [['Bearer one', '"key-1"'], ['Bearer two', '"key-1"']]);
});

test('AUTH-4: the resend happens once per call; never on a 403, never for a fixed token', async (t) => {
  const server = await wire(t, INVALID, INVALID, problem(403, 'forbidden'), INVALID);
  server.tokens.push(tokenAnswer('one'), tokenAnswer('two'), tokenAnswer('three'));
  const client = server.client(CLIENT);
  const error = await failure(client.users.get('usr_1'));
  assert.deepEqual([error.name, error.outcome, error.attempts, server.requests.length], ['AuthenticationError', 'refused', 1, 2]);
  assert.equal((await failure(client.users.get('usr_1'))).name, 'PermissionDeniedError');
  await failure(server.client().users.get('usr_1'));
  assert.equal(server.requests.length, 4);
});

test('AUTH-4: after a resend and a retry, another refused token is final', async (t) => {
  const server = await wire(t, INVALID, problem(503, 'busy'), INVALID);
  server.tokens.push(tokenAnswer('one'), tokenAnswer('two'), tokenAnswer('three'));
  const error = await failure(server.client(CLIENT).users.get('usr_1'));
  assert.deepEqual([error.name, error.attempts, server.requests.length], ['AuthenticationError', 2, 3]);
});

test('AUTH-7: client credentials go to the token endpoint only, access tokens to the API only', async (t) => {
  const server = await wire(t, answer());
  server.tokens.push(tokenAnswer('acc3ss'));
  await server.client(CLIENT).users.get('usr_1');
  assert.match(server.tokenRequests[0].headers.authorization, /^Basic /);
  assert.equal(server.requests[0].headers.authorization, 'Bearer acc3ss');
});

test('AUTH-5: a 503 of the token endpoint is this attempt\'s outcome; when retries are used up, no token was had and nothing sent', async (t) => {
  const server = await wire(t);
  const busy = () => problem(503, 'busy', { headers: { 'retry-after': '3' } });
  server.tokens.push(busy(), busy(), busy());
  const clock = new SteppingClock();
  const error = await failure(server.client({ ...CLIENT, clock }).users.create(CREATE));
  assert.deepEqual([error.name, error.outcome, error.attempts, error.retryAfter, clock.sleeps], ['InternalServerError', 'not_sent', 3, 3000, [3000, 3000]]);
  assert.match(error.message, /No access token/);
});

const SECRETS = /demo-secret|ZGVtbzpkZW1v|acc3ss|alice@example\.com|hunter2|s3ssion/;

test('LOG, AUTH-9: token, credentials, bodies, unlisted headers and query values appear in no record, at no level', async (t) => {
  const server = await wire(t, problem(503, 'busy', { headers: { 'set-cookie': 's3ssion', 'retry-after': '1' } }), LOST, answer(201, undefined, { 'set-cookie': 's3ssion' }),
    answer(200, { items: [], next_cursor: null }), problem(422, 'invalid', { detail: 'hunter2' }));
  server.tokens.push(problem(503, 'busy'), tokenAnswer('acc3ss'));
  const records = [];
  const logger = { debug: (...args) => records.push(args), info: (...args) => records.push(args), warn: (...args) => records.push(args) };
  const client = server.client({ ...CLIENT, logger, logLevel: 'debug', maxRetries: 5 });
  await client.users.create(CREATE, { headers: { 'x-secret': 'hunter2' } });
  await client.users.list({ email: 'alice@example.com', q: 'hunter2', limit: 7 });
  await failure(client.users.create(CREATE));
  const text = records.flat().map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('\n');
  assert.doesNotMatch(text, SECRETS);
  for (const shown of [/limit=7/, /email=REDACTED/, /"idempotency-key":"\\"key-1\\""/, /"authorization":"REDACTED"/, /"set-cookie":"REDACTED"/, /oauth\.token attempt/, /connection_lost/]) {
    assert.match(text, shown);
  }
});

test('LOG: at info one record per call and one per retry; off says nothing; a failed call names class, code, outcome and request id', async (t) => {
  const server = await wire(t, problem(503, 'busy'), answer(), answer(), problem(409, 'username_taken'));
  const records = [];
  const logger = { debug: (line) => records.push(line), info: (line) => records.push(line), warn: (line) => records.push(line) };
  const client = server.client({ logger });
  await client.users.get('usr_1');
  assert.deepEqual(records, ['users.get attempt 1 failed (503), next in 500 ms', 'users.get 200 after 2 attempts in 500 ms, request id req_1']);
  await server.client({ logger, logLevel: 'off' }).users.get('usr_1');
  assert.equal(records.length, 2);
  await failure(client.users.create(CREATE));
  assert.equal(records[2], 'users.create ConflictError username_taken after 1 attempts in 0 ms, outcome refused, request id req_1');
});

test('LOG: a log layer that is off is not there', () => {
  const send = sender();
  assert.deepEqual([callLog(console, 'off')(send), attemptLog(console, 'info')(send)], [send, send]);
});
