/** Where tokens come from: windows, pauses, single flight, failures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenFailure, WireError } from '../../dist/exchange.js';
import { loaded } from '../../dist/loading.js';
import { DEFAULT_LIMITS } from '../../dist/options.js';
import { FixedToken, LoadedSource, TokenFunction } from '../../dist/tokens.js';
import { call, failure, thrown } from './support/answers.mjs';
import { answered, fail, formOf, land, source } from './support/grants.mjs';

/** A script's entry that lands when told to. */
function held() {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  return { release, entry: (next) => async (request) => (await gate, next(request)) };
}

test('AUTH-2: advisory from min(120 s, L/2) before the end, mandatory from min(30 s, L/4)', async () => {
  for (const [lifetime, advisory, mandatory] of [[3600, 3480, 3570], [240, 120, 210], [120, 60, 90], [60, 30, 45], [4, 2, 3], [86_400, 86_280, 86_370]]) {
    const one = await source([land('a', lifetime), land('b', lifetime)]);
    const began = one.clock.monotonic();
    const token = await one.get();
    assert.deepEqual([token.adviseAt - began, token.mustAt - began], [advisory * 1000, mandatory * 1000]);
    one.clock.advance(advisory * 1000 - 1);
    assert.equal(await one.value(), 'a');
    one.clock.advance(1);
    assert.equal(await one.value(), 'b');
    assert.equal(one.send.requests.length, 2);
  }
});

test('AUTH-2: the windows go by the monotonic clock, whatever is done to the one on the wall', async () => {
  for (const hours of [-24, 24]) {
    const one = await source([land('a', 3600), land('b', 3600)]);
    await one.get();
    one.clock.wallSet = hours * 3_600_000;
    assert.equal(await one.value(), 'a');
    one.clock.advance(3_480_000);
    assert.equal(await one.value(), 'b');
  }
});

test('AUTH-2: without a usable `expires_in` a token is kept until it is refused', async () => {
  for (const lifetime of [null, '3600', 0, -1, true, [1], {}]) {
    const one = await source([land('a', lifetime)]);
    assert.equal(await one.value(), 'a');
    one.clock.advance(1e12);
    assert.equal(await one.value(), 'a', JSON.stringify(lifetime));
  }
});

test('AUTH-2: in the advisory window a failure is a warning; no other try for 5 s; the old token goes on working', async () => {
  const one = await source([land('a'), fail(503), fail(503), land('b')]);
  await one.value();
  one.clock.advance(3_480_000);
  assert.deepEqual([await one.value(), await one.value(), one.send.requests.length, one.warnings.length], ['a', 'a', 2, 1]);
  one.clock.advance(4999);
  assert.deepEqual([await one.value(), one.send.requests.length], ['a', 2]);
  one.clock.advance(1);
  assert.deepEqual([await one.value(), one.send.requests.length, one.warnings.length], ['a', 3, 2]);
  one.clock.advance(5000);
  assert.equal(await one.value(), 'b');
  assert.doesNotMatch(one.warnings.join(), /demo-secret/);
});

test('AUTH-2: in the mandatory window all wait, and a failure is theirs, pause or no pause', async () => {
  const one = await source([land('a'), fail(503), fail(503), land('b')]);
  await one.value();
  one.clock.advance(3_570_000);
  assert.deepEqual([await one.value(), await one.value(), await one.value(), one.warnings], ['token_request_failed', 'token_request_failed', 'b', []]);
});

test("AUTH-2: a token's life began before its answer came; the time on the way is not added", async () => {
  const one = await source([(request) => (one.clock.advance(100_000), land('a')(request))]);
  const began = one.clock.monotonic();
  assert.equal((await one.get()).adviseAt, began + 3_480_000);
});

test('RFC 6749, section 5.1: no `scope` in the answer means those asked for', async () => {
  const table = [[['a', 'b'], undefined, ['a', 'b']], [['a', 'b'], 'a', ['a']], [[], 'a b  c', ['a', 'b', 'c']], [[], undefined, undefined], [[], '', []], [['a'], 7, ['a']]];
  for (const [scopes, scope, granted] of table) {
    const one = await source([land('a', 3600, { scope })], { scopes });
    const found = (await one.get()).scopes;
    assert.deepEqual(found && [...found], granted);
    assert.equal((await formOf(one.send.requests[0])).scope, scopes.length > 0 ? scopes.join(' ') : undefined);
  }
});

test('AUTH-5: a 200 that holds no bearer token is final, and nothing of it is shown', async () => {
  const lies = [{}, { access_token: 'hunter2' }, { access_token: '', token_type: 'Bearer' }, { access_token: 7, token_type: 'Bearer' },
    { access_token: 'hunter2\r\nx: y', token_type: 'Bearer' }, { access_token: 'hunter2', token_type: 'mac' }, 'hunter2', '[]', 'null', ''];
  for (const document of lies) {
    const found = await (await source([answered(200, document)])).get();
    assert.deepEqual([found.code, found.final], ['invalid_token_response', true], JSON.stringify(document));
    assert.doesNotMatch(found.message, /hunter2/);
  }
});

test('RFC 6749, section 5.1: `token_type` is case-insensitive', async () => {
  assert.equal(await (await source([land('a', 3600, { token_type: 'bEaReR' })])).value(), 'a');
});

test('RFC 6749, section 2.3.1: id and secret are form-encoded, so that a colon in the id splits nothing', async () => {
  const one = await source([land('a')], { clientId: 'a:b c', clientSecret: 'ü%' });
  await one.get();
  const [sent] = one.send.requests;
  assert.equal(atob(sent.headers.authorization.reveal().replace('Basic ', '')), 'a%3Ab+c:%C3%BC%25');
  assert.deepEqual([sent.method, sent.headers['content-type']], ['POST', 'application/x-www-form-urlencoded']);
});

test('AUTH-5: OAuth errors that another try cannot mend are final whatever the status; a 5xx or 429 is not', async () => {
  const table = [[400, 'invalid_client', true], [401, 'invalid_client', true], [500, 'invalid_grant', true], [400, 'invalid_scope', true], [400, 'novel', true],
    [404, undefined, true], [503, undefined, false], [429, undefined, false], [500, 'server_error', false], [408, undefined, false]];
  for (const [status, error, final] of table) {
    const found = await (await source([fail(status, error)])).get();
    assert.deepEqual([found.code, found.final, found.answer.status], [error ?? 'token_request_failed', final, status]);
  }
});

test("AUTH-5: no answer is a failure with the wire's code; a certificate that is not trusted is final", async () => {
  for (const [code, effect, final] of [['connection_lost', 'maybe_acted', false], ['connect_failed', 'not_sent', false], ['tls_verification_failed', 'final', true]]) {
    const found = await (await source([new WireError(code, effect, 'm')])).get();
    assert.deepEqual([found.code, found.final], [code, final]);
  }
});

test('AUTH-3: 1000 tasks that need a token at once cause one token request and share its token', async () => {
  const gate = held();
  const one = await source([gate.entry(land('a'))]);
  const waiting = Array.from({ length: 1000 }, () => one.get());
  gate.release();
  const tokens = new Set(await Promise.all(waiting));
  assert.deepEqual([tokens.size, one.send.requests.length], [1, 1]);
});

test("AUTH-3: a refresh runs detached; cancelling whoever asked for it, leader or waiter, leaves it flying and costs no second", async () => {
  const gate = held();
  const one = await source([gate.entry(land('a'))]);
  const [leader, waiter] = [new AbortController(), new AbortController()];
  const cancelled = [leader, waiter].map(({ signal }) => failure(one.get({ signal })));
  const patient = one.value();
  leader.abort('mine');
  waiter.abort('theirs');
  assert.deepEqual(await Promise.all(cancelled), ['mine', 'theirs']);
  gate.release();
  assert.deepEqual([await patient, await one.value(), one.send.requests.length], ['a', 'a', 1]);
  assert.equal(await failure((await source([])).get({ signal: AbortSignal.abort('before') })), 'before');
});

test('AUTH-2: ahead of expiry one caller refreshes and waits, the rest go on with the old token at once', async () => {
  const gate = held();
  const one = await source([land('a'), gate.entry(land('b'))]);
  await one.value();
  one.clock.advance(3_480_000);
  const leader = one.value();
  assert.deepEqual([await one.value(), await one.value()], ['a', 'a']);
  gate.release();
  assert.deepEqual([await leader, await one.value(), one.send.requests.length], ['b', 'b', 2]);
});

test('AUTH-4: compare-and-invalidate: only the very token that was refused is thrown away', async () => {
  const one = await source([land('a'), land('b')]);
  const first = await one.get();
  assert.ok(one.tokens.refuse(first));
  const second = await one.get();
  for (let late = 0; late < 50; late += 1) assert.ok(one.tokens.refuse(first));
  assert.deepEqual([await one.get() === second, one.send.requests.length], [true, 2]);
});

test('AUTH-3: a layer below that throws reaches those who wait as a failure; the next call tries anew', async () => {
  const one = await source([() => { throw new RangeError('hunter2'); }, land('a')]);
  const found = await one.get();
  assert.deepEqual([found.code, found.final], ['token_request_failed', true]);
  assert.doesNotMatch(found.message, /hunter2/);
  assert.equal(await one.value(), 'a');
});

test('AUTH-2, RETRY-6: `token_timeout` bounds a wait for a token as a whole, and the call\'s deadline does too', async () => {
  const never = () => new Promise(() => undefined);
  const one = await source([never], { limits: { ...DEFAULT_LIMITS, tokenTimeout: 20 } });
  assert.equal((await one.get()).code, 'token_timeout');
  assert.equal((await (await source([never])).get({ limits: { deadline: 20 } })).code, 'deadline_exceeded');
  const tokens = new TokenFunction(never);
  assert.equal((await tokens.token(call({ limits: { tokenTimeout: 20 } }))).code, 'token_timeout');
  assert.equal((await tokens.token(call({ limits: { deadline: 20 } }))).code, 'deadline_exceeded');
});

test('AUTH-2: a flight that outlived `token_timeout` is not waited for by the next', async () => {
  const one = await source([() => new Promise(() => undefined), land('a')], { limits: { ...DEFAULT_LIMITS, tokenTimeout: 20 } });
  assert.equal((await one.get()).code, 'token_timeout');
  one.clock.advance(21);
  assert.equal(await one.value(), 'a');
});

test("AUTH-1, RETRY-9: a function is asked for each attempt; what it throws is thrown; the caller's signal ends the wait", async () => {
  let asked = 0;
  const tokens = new TokenFunction(async () => `t${(asked += 1)}`);
  assert.deepEqual([(await tokens.token(call())).value.reveal(), (await tokens.token(call())).value.reveal()], ['Bearer t1', 'Bearer t2']);
  const mine = new Error('mine');
  assert.equal(await failure(new TokenFunction(() => { throw mine; }).token(call())), mine);
  const controller = new AbortController();
  const waiting = failure(new TokenFunction(() => new Promise(() => undefined)).token(call({ signal: controller.signal })));
  controller.abort('mine');
  assert.equal(await waiting, 'mine');
});

test('AUTH-9: what cannot stand in a header is refused before anything is sent, and not shown', async () => {
  for (const token of ['', 'hunter2\n', 'a hunter2', 'ü', 7, null]) {
    const errors = [thrown(() => new FixedToken(token)), await failure(new TokenFunction(() => token).token(call()))];
    for (const error of errors) {
      assert.deepEqual([error.name, error.code], ['ConfigurationError', 'invalid_token_option']);
      assert.doesNotMatch(error.message, /hunter2/);
    }
  }
});

test('AUTH-4: there is no other token than a fixed one', () => {
  assert.equal(new FixedToken('t').refuse(), false);
});

test('A grant is loaded once, and what could not be loaded is asked for again', async () => {
  const { tokens } = await source([land('t1')]);
  const ways = [() => loaded(Promise.reject(new TypeError('Failed to fetch dynamically imported module'))), async () => tokens];
  let loads = 0;
  const late = new LoadedSource(() => ways[loads++]());
  const failed = await late.token(call());
  assert.ok(failed instanceof TokenFailure);
  assert.deepEqual([failed.code, failed.final], ['module_not_loaded', false]);
  const had = await Promise.all([late.token(call()), late.token(call())]);
  assert.deepEqual(had.map(({ value }) => value.reveal()), ['Bearer t1', 'Bearer t1']);
  assert.equal(await late.token(call()), had[0]);
  assert.equal(loads, 2);
  assert.equal(late.refuse(had[0]), true);
});

test('A grant that does not load in time is a token that was not had in time', async () => {
  const late = new LoadedSource(() => new Promise(() => {}));
  const failed = await late.token(call({ limits: { ...DEFAULT_LIMITS, tokenTimeout: 5 } }));
  assert.equal(failed.code, 'token_timeout');
});
