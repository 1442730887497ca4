/** What the caller of a failed call may believe: every sentence of ERR on `outcome`, one by one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenFailure, WireError } from '../../dist/exchange.js';
import { effectOf, note, outcomeOf } from '../../dist/outcome.js';
import { call, response } from './support/answers.mjs';

const NOT_SENT = new WireError('connect_failed', 'not_sent', 'refused');
const LOST = new WireError('connection_lost', 'maybe_acted', 'reset');
const LOST_BODY = new WireError('connection_lost', 'maybe_acted', 'reset', 201);
const LOST_ERROR_BODY = new WireError('connection_lost', 'maybe_acted', 'reset', 404);
const TLS = new WireError('tls_verification_failed', 'final', 'untrusted');
const NO_TOKEN = new TokenFailure('invalid_client', 'no', true);
const IN_FLIGHT = 'in flight';

function after(attempts, key) {
  const one = call({ method: 'POST', idempotencyKey: key });
  let last;
  for (const attempt of attempts) {
    if (attempt === IN_FLIGHT) last = response(one, 409, { headers: { 'retry-after': '1' } });
    else last = typeof attempt === 'number' ? response(one, attempt) : attempt;
    note(one, last);
  }
  return outcomeOf(one, effectOf(last));
}

function each(table, expected) {
  for (const key of ['k', undefined]) {
    for (const attempts of table) {
      assert.equal(after(attempts, key), expected, `${key}: ${attempts.map((one) => one.code ?? one).join(', ')}`);
    }
  }
}

test('ERR: `not_sent` when no attempt left the client', () => {
  each([[NOT_SENT], [NOT_SENT, NOT_SENT], [TLS], [NO_TOKEN], [NOT_SENT, NO_TOKEN]], 'not_sent');
});

test('ERR: `committed` when headers of a 2xx arrived, though its body was lost or cannot be decoded', () => {
  each([[LOST_BODY], [503, LOST_BODY], [LOST, 200], [NOT_SENT, 201]], 'committed');
});

test('ERR: `unknown` when an attempt may have acted and nothing later settled it', () => {
  each([[LOST], [LOST_ERROR_BODY], [408], [500], [502], [503], [504], [599]], 'unknown');
});

test('ERR: an in-flight 409 leaves it open; without a key a 409 is a refusal, Retry-After or not', () => {
  assert.deepEqual([after([IN_FLIGHT], 'k'), after([IN_FLIGHT], undefined)], ['unknown', 'refused']);
});

test('ERR: a later not sent, 401, 403, 415, 429 or 5xx says nothing of the attempt that may have acted', () => {
  each([NOT_SENT, NO_TOKEN, TLS, 401, 403, 415, 429, 500, 503, LOST].map((later) => [503, later]), 'unknown');
});

test('ERR: with the same key a 404, 409, 410, 412 or 422 proves that no earlier attempt acted; without one, not', () => {
  for (const settling of [404, 409, 410, 412, 422]) {
    for (const earlier of [LOST, 503, 408]) {
      assert.deepEqual([after([earlier, settling], 'k'), after([earlier, settling], undefined)], ['refused', 'unknown'], String(settling));
    }
  }
});

test('ERR: else `refused`: the server answered, and no attempt may have acted', () => {
  each([[400], [401], [403], [404], [409], [412], [422], [429], [302], [NOT_SENT, 422], [429, NOT_SENT]], 'refused');
});
