/** Options are checked when they are given, not when they are used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions, DEFAULT_LIMITS, override } from '../../dist/options.js';
import { thrown } from './support/answers.mjs';

function refused(act, code, named) {
  const error = thrown(act);
  assert.deepEqual([error.name, error.code, error.outcome], ['ConfigurationError', code, 'not_sent']);
  if (named !== undefined) assert.match(error.message, named);
  return error;
}

test('CONF: the defaults of policy.yaml, in milliseconds', () => {
  assert.deepEqual(DEFAULT_LIMITS, { timeout: 30_000, deadline: undefined, maxRetries: 2, maxRetryAfter: 60_000, tokenTimeout: 30_000 });
});

test('CONF: a duration that is no positive number, or that no timer can run, is refused, by name', () => {
  for (const name of ['timeout', 'deadline', 'maxRetryAfter', 'tokenTimeout']) {
    for (const value of [0, -1, NaN, Infinity, 2 ** 31, '5', true, [1], {}, 5n]) refused(() => override(DEFAULT_LIMITS, { [name]: value }), 'invalid_option', new RegExp(name));
  }
});

test('CONF: `maxRetries` is a whole number from 0', () => {
  for (const value of [-1, 1.5, '2', true, NaN, Infinity]) refused(() => override(DEFAULT_LIMITS, { maxRetries: value }), 'invalid_option', /maxRetries/);
  assert.equal(override(DEFAULT_LIMITS, { maxRetries: 0 }).maxRetries, 0);
});

test('RETRY-6: a call may have no deadline; an attempt always has a timeout', () => {
  const limited = override(DEFAULT_LIMITS, { deadline: 5 });
  assert.equal(override(limited, { deadline: null }).deadline, undefined);
  refused(() => override(limited, { timeout: null }), 'invalid_option', /timeout/);
});

test('CONF: what a call leaves out, or gives as undefined, comes from the client', () => {
  const limits = { timeout: 1, deadline: 2, maxRetries: 3, maxRetryAfter: 4, tokenTimeout: 5 };
  assert.deepEqual(override(limits, {}), limits);
  assert.deepEqual(override(limits, { timeout: undefined, deadline: undefined, maxRetries: undefined }), limits);
  assert.deepEqual(override(limits, { timeout: 9, maxRetries: 0 }), { ...limits, timeout: 9, maxRetries: 0 });
});

test('RETRY-3: a key is 1 to 255 visible ASCII characters; null opts out', () => {
  for (const idempotencyKey of ['', 'k'.repeat(256), 'a b', 'a\n', 'ü', '\x7f', 7, {}]) {
    refused(() => checkOptions({ idempotencyKey }), 'invalid_option', /idempotencyKey/);
  }
  for (const idempotencyKey of ['k', 'k'.repeat(255), '!~', '"\\', null, undefined]) assert.doesNotThrow(() => checkOptions({ idempotencyKey }));
});

test('CONF: a header that would split a request is refused, and its value, which may be secret, is not shown', () => {
  const table = [['', 'x'], ['a b', 'x'], ['a:', 'x'], ['a\r\nb', 'x'], ['ä', 'x'], ['x', 'a\r\nb: hunter2'], ['x', 'ü hunter2'], ['x', '\0'], ['x', 7]];
  for (const [name, value] of table) assert.doesNotMatch(refused(() => checkOptions({ headers: { [name]: value } }), 'invalid_header').message, /hunter2/);
});

test('CONF: what frames or authorises a request is set by the SDK alone', () => {
  for (const name of ['Authorization', 'authorization', 'Content-Length', 'Host', 'Transfer-Encoding', 'Connection']) {
    refused(() => checkOptions({ headers: { [name]: 'x' } }), 'invalid_header', new RegExp(name));
  }
});
