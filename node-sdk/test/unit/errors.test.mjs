/** The error tree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as errors from '../../dist/errors.js';
import * as sdk from '../../dist/index.js';

/** The tree and its codes, as users rely on them. */
const CODES = {
  AdminAPIError: ['Error', 'admin_api_error'],
  APIConnectionError: ['AdminAPIError', 'connection_error'],
  APITimeoutError: ['APIConnectionError', 'timeout'],
  DeadlineExceededError: ['AdminAPIError', 'deadline_exceeded'],
  APIStatusError: ['AdminAPIError', 'http_error'],
  BadRequestError: ['APIStatusError', 'bad_request'],
  AuthenticationError: ['APIStatusError', 'unauthenticated'],
  PermissionDeniedError: ['APIStatusError', 'permission_denied'],
  InsufficientScopeError: ['PermissionDeniedError', 'insufficient_scope'],
  NotFoundError: ['APIStatusError', 'not_found'],
  ConflictError: ['APIStatusError', 'conflict'],
  GoneError: ['APIStatusError', 'gone'],
  PreconditionFailedError: ['APIStatusError', 'precondition_failed'],
  UnprocessableEntityError: ['APIStatusError', 'unprocessable'],
  PreconditionRequiredError: ['APIStatusError', 'precondition_required'],
  RateLimitError: ['APIStatusError', 'rate_limited'],
  InternalServerError: ['APIStatusError', 'server_error'],
  DecodeError: ['AdminAPIError', 'decode_error'],
  IntegrityError: ['AdminAPIError', 'integrity_error'],
  NoMatchingKeyError: ['IntegrityError', 'no_matching_key'],
  StreamInterruptedError: ['AdminAPIError', 'stream_interrupted'],
  ConfigurationError: ['AdminAPIError', 'configuration_error'],
};
const classes = Object.entries(errors).filter(([name]) => name.endsWith('Error'));

test('ERR: classes, their bases and their codes are a promise; no two classes share a code', () => {
  assert.deepEqual(Object.fromEntries(classes.map(([name, cls]) => [name, [Object.getPrototypeOf(cls).name, cls.code]])), CODES);
  assert.equal(new Set(Object.values(CODES).map(([, code]) => code)).size, classes.length);
});

test('ERR: what can be thrown can be caught by name', () => {
  assert.deepEqual(classes.filter(([name, cls]) => sdk[name] !== cls), []);
});

test('ERR: whoever catches the base may read all members; what is not known is undefined', () => {
  for (const [name, cls] of classes) {
    const error = new cls('What happened.');
    const { code, operation, attempts, requestId, status, problem, retryAfter, idempotencyKey, retryable, outcome } = error;
    assert.deepEqual(
      [code, operation, attempts, requestId, status, problem, retryAfter, idempotencyKey, retryable, outcome],
      [cls.code, undefined, 0, undefined, undefined, undefined, undefined, undefined, false, 'not_sent'],
    );
    assert.deepEqual([error.name, error.message, String(error)], [name, 'What happened.', `${name}: What happened.`]);
    assert.ok(error instanceof errors.AdminAPIError && error instanceof Error);
    assert.match(error.stack, new RegExp(`^${name}: What happened\\.\\n +at `));
  }
});

test('ERR: an error can be logged as JSON and sent to another thread, whatever it knows', () => {
  const known = { code: 'odd', operation: 'users.get', outcome: 'refused', attempts: 2, status: 422, requestId: 'r', problem: { a: [1] } };
  for (const [name, Class] of classes) {
    const error = new Class('text', known);
    const shown = JSON.parse(JSON.stringify(error));
    for (const [member, value] of Object.entries({ ...known, name })) assert.deepEqual(shown[member], value, `${name}.${member}`);
    const { message, stack } = structuredClone(error);
    assert.deepEqual(['text', error.stack], [message, stack], name);
  }
});

test('ERR: the code of one error is not the code of its class', () => {
  assert.deepEqual([new errors.APIStatusError('m', { code: 'x' }).code, new errors.APIStatusError('m').code], ['x', 'http_error']);
});

test('ERR: any status without a class of its own is an APIStatusError', () => {
  const table = {
    400: 'BadRequestError', 401: 'AuthenticationError', 403: 'PermissionDeniedError', 404: 'NotFoundError', 409: 'ConflictError', 410: 'GoneError',
    412: 'PreconditionFailedError', 422: 'UnprocessableEntityError', 428: 'PreconditionRequiredError', 429: 'RateLimitError', 500: 'InternalServerError',
    599: 'InternalServerError', 304: 'APIStatusError', 405: 'APIStatusError', 418: 'APIStatusError',
  };
  for (const [status, name] of Object.entries(table)) assert.equal(errors.classFor(Number(status), undefined).name, name, status);
});

test('AUTH-6: a 403 for want of a scope has a class; the code alone, with another status, does not make it one', () => {
  assert.equal(errors.classFor(403, 'insufficient_scope'), errors.InsufficientScopeError);
  assert.equal(errors.classFor(401, 'insufficient_scope'), errors.AuthenticationError);
});

test('ERR: `.errors[]` has pointer or parameter, code and detail; what says nothing is left out', () => {
  const given = [{ pointer: '/email', code: 'taken', detail: 'd' }, { parameter: 'limit', code: 7 }, {}, null, 'x', [1]];
  assert.deepEqual(new errors.UnprocessableEntityError('m', { problem: { errors: given } }).errors, [
    { code: 'taken', detail: 'd', pointer: '/email', parameter: undefined },
    { code: '', detail: '', pointer: undefined, parameter: 'limit' },
  ]);
  for (const problem of [undefined, {}, { errors: 'x' }, { errors: null }]) assert.deepEqual(new errors.APIStatusError('m', { problem }).errors, []);
});
