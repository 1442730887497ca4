/** From an outcome to the error it stands for. */
import assert from 'node:assert/strict';
import { AccessToken } from '../../dist/access.js';
import { test } from 'node:test';
import { TokenFailure, WireError } from '../../dist/exchange.js';
import { errorFor as errorOfNoted, status } from '../../dist/layers/status.js';
import { note } from '../../dist/outcome.js';
import { call, JSON_TYPE, request, response } from './support/answers.mjs';

/** The error of a call whose one attempt came to this. */
function errorFor(sent, outcome) {
  note(sent.call, outcome);
  return errorOfNoted(sent, outcome);
}

const ID = { 'x-request-id': 'r1' };
const errorOf = (code, { body = '', headers = {}, ...facts } = {}) => {
  const one = call(facts);
  return errorFor(request(one), response(one, code, { body, headers: { ...ID, ...headers } }));
};
const document = (members) => ({ body: JSON.stringify(members), headers: { 'content-type': 'application/problem+json' } });

test('ERR: the class follows the status, the code the problem; the message says what happened, to what, with its id and what to do', () => {
  const error = errorOf(409, { ...document({ code: 'username_taken', detail: 'alice is taken.' }), method: 'POST', idempotencyKey: 'k', operation: 'users.create' });
  assert.equal(error.message, 'users.create: 409 username_taken alice is taken. See `problem` for why. (request id r1)');
  assert.deepEqual([error.name, error.code, error.requestId, error.idempotencyKey, error.outcome, error.problem.code],
    ['ConflictError', 'username_taken', 'r1', 'k', 'refused', 'username_taken']);
});

test('ERR: HTML, nothing, half a body or a lying content type is typed, with at most 500 characters of the body', () => {
  const table = [['<html>Sign in</html>', { 'content-type': 'text/html' }], ['', {}], ['{"code": "x', JSON_TYPE], ['[1]', JSON_TYPE], ['{"code":"x"}', { 'content-type': 'text/plain' }], ['x'.repeat(5000), {}]];
  for (const [body, headers] of table) {
    const error = errorOf(502, { body, headers });
    assert.deepEqual([error.name, error.code, error.problem], ['InternalServerError', 'server_error', body === '[1]' ? undefined : error.problem]);
    assert.ok(error.message.length < 600);
    assert.ok(body === '' || error.message.includes(body.slice(0, 10)));
  }
});

test('ERR: a problem with members of the wrong types still becomes its class', () => {
  const error = errorOf(422, document({ code: 7, detail: ['x'], title: null, errors: 'x' }));
  assert.deepEqual([error.name, error.code, error.errors], ['UnprocessableEntityError', 'unprocessable', []]);
});

test('AUTH-9: of an operation with secrets no byte of the body is shown', () => {
  assert.doesNotMatch(errorOf(500, { body: 'hunter2', sensitive: true }).message, /hunter2/);
});

test('AUTH-8: a redirect is an error that names the origin of its Location and nothing more of it', () => {
  const error = errorOf(302, { headers: { location: 'https://me:hunter2@elsewhere.example:9/path?token=hunter2' } });
  assert.equal(error.name, 'APIStatusError');
  assert.match(error.message, /redirect to https:\/\/elsewhere\.example:9 is not followed/);
  assert.doesNotMatch(error.message, /hunter2|path/);
  assert.match(errorOf(302, { headers: { location: '::' } }).message, /A redirect is not followed/);
});

test('AUTH-6: a 403 for want of a scope names the scopes: those of the problem, else those of the operation', () => {
  const one = call({ scopes: ['users:create', 'users:read'] });
  one.token = new AccessToken('t', { scopes: new Set(['users:read']) });
  const lacking = (members) => errorFor(request(one), response(one, 403, { ...document({ code: 'insufficient_scope', ...members }) }));
  assert.deepEqual([lacking({}).missingScopes, lacking({}).grantedScopes], [['users:create'], ['users:read']]);
  assert.deepEqual(lacking({ missing_scopes: ['a'] }).missingScopes, ['a']);
});

test('ERR: no answer, in time or at all, is typed; headers of a 2xx without the body are committed, and the status is known', () => {
  const told = (wire, facts = {}) => {
    const { name, code, outcome, status, retryable } = errorFor(request(call(facts)), wire);
    return [name, code, outcome, status, retryable];
  };
  assert.deepEqual(told(new WireError('timeout', 'maybe_acted', 'm')), ['APITimeoutError', 'timeout', 'unknown', undefined, true]);
  assert.deepEqual(told(new WireError('deadline_exceeded', 'final', 'm')), ['DeadlineExceededError', 'deadline_exceeded', 'not_sent', undefined, false]);
  assert.deepEqual(told(new WireError('connection_lost', 'maybe_acted', 'm', 201)), ['APIConnectionError', 'connection_lost', 'committed', 201, true]);
  assert.deepEqual(told(new WireError('tls_verification_failed', 'final', 'm')), ['APIConnectionError', 'tls_verification_failed', 'not_sent', undefined, false]);
});

test('ERR-3: a secret that is kept no longer tells that an earlier attempt was committed', () => {
  const one = call({ method: 'POST', idempotencyKey: 'k' });
  one.maybeActed = true;
  one.reached = true;
  const { outcome, retryable } = errorFor(request(one), response(one, 409, { ...document({ code: 'secret_no_longer_available' }) }));
  assert.deepEqual([outcome, retryable], ['committed', false]);
});

test('ERR: `retryable` is said only if the same call may succeed later and can do no harm', () => {
  const acted = (facts) => {
    const one = call({ method: 'POST', ...facts });
    one.reached = one.maybeActed = true;
    return errorFor(request(one), response(one, 503)).retryable;
  };
  assert.deepEqual([acted({}), acted({ idempotencyKey: 'k' }), acted({ method: 'GET' })], [false, true, true]);
  assert.equal(errorOf(422, {}).retryable, false);
});

test('AUTH-5: a token that cannot be had is an AuthenticationError with the code of OAuth; one not had in time an APITimeoutError', () => {
  const one = call();
  const told = (failed) => (({ name, code, outcome }) => [name, code, outcome])(errorFor(request(one), failed));
  const answered = (code) => response(one, code);
  assert.deepEqual(told(new TokenFailure('invalid_client', 'm', true, answered(400))), ['AuthenticationError', 'invalid_client', 'not_sent']);
  assert.deepEqual(told(new TokenFailure('invalid_grant', 'm', true)), ['AuthenticationError', 'invalid_grant', 'not_sent']);
  assert.deepEqual(told(new TokenFailure('token_timeout', 'm', false)), ['APITimeoutError', 'token_timeout', 'not_sent']);
  assert.deepEqual(told(new TokenFailure('deadline_exceeded', 'm', true)), ['DeadlineExceededError', 'deadline_exceeded', 'not_sent']);
  assert.deepEqual(told(new TokenFailure('token_request_failed', 'm', false, answered(503))), ['InternalServerError', 'token_request_failed', 'not_sent']);
  assert.deepEqual(told(new TokenFailure('connect_failed', 'm', false, new WireError('connect_failed', 'not_sent', 'm'))), ['APIConnectionError', 'connect_failed', 'not_sent']);
});

test('STACK: inside, an outcome is a value; a success and a 304 pass, whatever else is thrown here', async () => {
  for (const code of [200, 201, 204, 206, 304]) {
    const one = call();
    assert.equal((await status()(async () => response(one, code))(request(one))).status, code);
  }
  const one = call();
  await assert.rejects(status()(async () => response(one, 302))(request(one)), { name: 'APIStatusError' });
});
