/** Whether and when to try again: pure decisions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, Budget, costOf, decide, httpDate, retryAfter } from '../../dist/backoff.js';
import { TokenFailure, WireError } from '../../dist/exchange.js';
import { call, request, response } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';

const NOW = Date.UTC(2026, 2, 1, 12);
/** Headers as a peer may send them; the Headers class would refuse some. */
const answered = (text, date) => ({
  headers: { get: (name) => ({ 'retry-after': text, date })[name] ?? null, has: (name) => name === 'retry-after' },
});

test('RETRY-5: 1 to 9 ASCII digits or an HTTP-date; more digits are above any ceiling; all else asks for nothing', () => {
  const table = [
    ['0', 0], ['7', 7000], ['007', 7000], ['999999999', 999_999_999_000],
    ['1000000000', Infinity], ['0000000001', Infinity], ['9'.repeat(5000), Infinity],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000], ['Sunday, 01-Mar-26 12:00:30 GMT', 30_000], ['Sun Mar  1 12:00:30 2026', 30_000],
    ['Sun, 01 Mar 2026 11:59:00 GMT', 0], ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ...['+5', '-5', '5.0', '5s', '0x5', '1e3', '5, 7', '٥', '５', '²', '\u00a05', '', 'soon', '2026-03-01T12:00:30Z',
      'Sun, 1 Mar 2026 12:00:30 GMT', 'Sun, 01 Mar 2026 12:00:30 +0000', 'Sun, 01 Mar 2026 12:00:30 UTC',
      'sun, 01 mar 2026 12:00:30 gmt', 'Sun, 31 Feb 2026 12:00:30 GMT', 'Sun, 01 Mar 2026 25:00:30 GMT',
      'Sun, 01 Mar 0000 12:00:30 GMT'].map((text) => [text, undefined]),
  ];
  for (const [text, ms] of table) assert.equal(retryAfter(answered(text), NOW), ms, text.slice(0, 40));
});

test("RETRY-5: a date is measured from the answer's own Date, if that is valid, else from the clock", () => {
  const table = [
    ['Sun, 01 Mar 2026 12:00:20 GMT', 10_000], ['Sunday, 01-Mar-26 11:00:30 GMT', 3_600_000],
    ['Sun, 01 Mar 2026 13:00:00 GMT', 0], ['yesterday', 30_000], ['', 30_000],
  ];
  for (const [date, ms] of table) assert.equal(retryAfter(answered('Sun, 01 Mar 2026 12:00:30 GMT', date), NOW), ms, date);
});

test('RETRY-5: an answer without the header asks for nothing', () => {
  assert.equal(retryAfter(response(call(), 503), NOW), undefined);
});

test('RFC 9110, section 5.6.7: a two-digit year more than 50 years ahead is of the past century', () => {
  for (const [year, expected] of [['26', 2026], ['75', 2075], ['76', 2076], ['77', 1977], ['99', 1999]]) {
    assert.equal(httpDate(`Sunday, 01-Mar-${year} 12:00:00 GMT`, NOW), Date.UTC(expected, 2, 1, 12), year);
  }
});

test('RETRY-5: what the runtime writes as an HTTP-date is read as the same second', () => {
  for (let second = 0; second < 32_000_000_000; second += 98_765_432) {
    assert.equal(httpDate(new Date(second * 1000).toUTCString(), NOW), second * 1000);
  }
  assert.equal(httpDate('Tue, 29 Feb 2000 00:00:00 GMT', NOW), 951_782_400_000);
  assert.equal(httpDate('Mon, 29 Feb 2100 00:00:00 GMT', NOW), undefined);
});

test('RETRY-4: from nothing up to min(8 s, 0.5 s · 2^n), for any n', () => {
  for (const retry of [0, 1, 2, 3, 4, 5, 100, 10_000, 10 ** 9]) {
    const ceiling = retry > 10 ? 8000 : Math.min(8000, 500 * 2 ** retry);
    assert.deepEqual([0, 0.25, 1].map((random) => backoff(retry, random)), [0, 0.25 * ceiling, ceiling], String(retry));
  }
});

const SENT = new WireError('connection_lost', 'maybe_acted', 'lost');
const NOT_SENT = new WireError('connect_failed', 'not_sent', 'refused');
const FINAL = new WireError('tls_verification_failed', 'final', 'who are you');
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];
const ALL = [...SAFE, 'POST', 'PUT', 'PATCH', 'DELETE'];

/** `again`, or why not. */
function decision(outcome, method, { key, actedBefore = false, headers, asked, limits, attempts, retries, elapsed = 0 } = {}) {
  const clock = new SteppingClock();
  const one = call({ method, clock, idempotencyKey: key, limits, attempts, retries });
  clock.advance(elapsed);
  const given = typeof outcome === 'number' ? response(one, outcome, { headers: asked === undefined ? {} : { 'retry-after': asked } }) : outcome;
  const found = decide(request(one, { headers }), given, { actedBefore, now: clock.now(), random: 0.5 });
  return found.retry ? 'again' : found.reason;
}

test('RETRY-1, RETRY-2: with a key, or on a safe method, a transient answer is tried again', () => {
  for (const status of [408, 425, 429, 502, 503, 504]) {
    for (const method of ALL) assert.equal(decision(status, method, SAFE.includes(method) ? {} : { key: 'k' }), 'again', `${method} ${status}`);
  }
});

test('RETRY-1: everything else is final, with a key or without', () => {
  for (const status of [300, 302, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 501]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      assert.deepEqual([decision(status, method, { key: 'k' }), decision(status, method)], ['final', 'final'], `${method} ${status}`);
    }
  }
});

test('RETRY-1: a 500 is tried again for a safe method; a mutation may have half happened, key or not', () => {
  for (const method of ALL) assert.equal(decision(500, method, { key: 'k' }), SAFE.includes(method) ? 'again' : 'final', method);
});

test('RETRY-1: a 409 is tried again only if the request had a key and the answer has Retry-After', () => {
  assert.deepEqual(
    [decision(409, 'POST', { key: 'k', asked: '1' }), decision(409, 'POST', { asked: '1' }), decision(409, 'POST', { key: 'k' })],
    ['again', 'final', 'final'],
  );
});

test('RETRY-2: without a key PUT and DELETE are repeated, others only when the server cannot have acted', () => {
  const table = [
    ['POST', 429, 'again'], ['PATCH', 429, 'again'], ['POST', NOT_SENT, 'again'], ['PATCH', NOT_SENT, 'again'],
    ['POST', 503, 'not_allowed'], ['POST', 408, 'not_allowed'], ['POST', SENT, 'not_allowed'], ['PATCH', 503, 'not_allowed'],
    ['PATCH', SENT, 'not_allowed'], ['PUT', 503, 'again'], ['PUT', SENT, 'again'], ['DELETE', 503, 'again'], ['DELETE', SENT, 'again'],
  ];
  for (const [method, outcome, expected] of table) assert.equal(decision(outcome, method), expected, `${method} ${outcome.code ?? outcome}`);
});

test('RETRY-2: a conditional write without a key is never repeated once it may have acted', () => {
  for (const header of ['if-match', 'if-none-match', 'if-unmodified-since']) {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const headers = { [header]: '"e1"' };
      assert.deepEqual([503, SENT, NOT_SENT, 429].map((outcome) => decision(outcome, method, { headers })), ['not_allowed', 'not_allowed', 'again', 'again']);
      assert.equal(decision(503, method, { headers, key: 'k' }), 'again');
    }
  }
});

test('RETRY-2: an earlier attempt that may have acted is not forgotten', () => {
  for (const outcome of [NOT_SENT, 429]) {
    assert.equal(decision(outcome, 'POST', { actedBefore: true }), 'not_allowed');
    assert.equal(decision(outcome, 'POST', { actedBefore: true, key: 'k' }), 'again');
  }
});

test('RETRY-10: a final failure of the wire, a closed client and a final token failure are not tried again; a passing one is', () => {
  const closed = new WireError('client_closed', 'maybe_acted', 'closed');
  const token = (final) => new TokenFailure('x', 'm', final);
  assert.deepEqual([FINAL, closed, token(true), token(false)].map((outcome) => decision(outcome, 'GET')), ['final', 'final', 'final', 'again']);
});

test('RETRY-1: the limits of attempts, of Retry-After, of the deadline and of x-retries each stop it', () => {
  assert.equal(decision(503, 'GET', { attempts: 2 }), 'again');
  assert.equal(decision(503, 'GET', { attempts: 3 }), 'attempts');
  assert.equal(decision(503, 'GET', { asked: '60' }), 'again');
  assert.equal(decision(503, 'GET', { asked: '61' }), 'retry_after_too_long');
  assert.equal(decision(503, 'GET', { limits: { deadline: 250 } }), 'deadline');
  assert.equal(decision(503, 'GET', { limits: { deadline: 251 } }), 'again');
  assert.equal(decision(503, 'GET', { limits: { deadline: 300 }, elapsed: 51 }), 'deadline');
  assert.equal(decision(503, 'GET', { retries: false }), 'not_allowed');
});

test('RETRY-9: an attempt that the deadline ended is the last, even if the clock says that a hair of it is left', () => {
  const late = new WireError('deadline_exceeded', 'maybe_acted', 'late');
  assert.equal(decision(late, 'GET', { limits: { deadline: 9000 } }), 'deadline');
});

test('RETRY-5: the delay is the longer of backoff and what was asked; the answer of a token endpoint asks too', () => {
  const one = call();
  const delay = (outcome) => decide(request(one), outcome, { actedBefore: false, now: NOW, random: 1 }).delay;
  const asking = (seconds) => response(one, 503, { headers: { 'retry-after': seconds } });
  assert.deepEqual([delay(asking('7')), delay(asking('0')), delay(response(one, 503))], [7000, 500, 500]);
  assert.equal(delay(new TokenFailure('x', 'm', false, asking('9'))), 9000);
});

test('RETRY-7: a retry costs 14, after a 429 or an in-flight 409 5; an empty bucket takes nothing and gives nothing', () => {
  const one = call({ method: 'POST', idempotencyKey: 'k' });
  assert.deepEqual([503, 429, 409].map((status) => costOf(response(one, status))), [14, 5, 5]);
  assert.equal(costOf(SENT), 14);
  const budget = new Budget();
  for (let spent = 0; spent < 35; spent += 1) assert.ok(budget.spend(14));
  assert.deepEqual([budget.left, budget.spend(14), budget.left], [10, false, 10]);
  budget.refund(1000);
  assert.equal(budget.left, 500);
});
