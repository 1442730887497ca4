/** The two grants: what they send, how a refresh token rotates, what is given back at the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Response, WireError } from '../../dist/exchange.js';
import { MemoryTokenStore } from '../../dist/index.js';
import { DEFAULT_LIMITS } from '../../dist/options.js';
import { answer, failure, problem, tokenAnswer } from './support/answers.mjs';
import { fail, formOf, land, source } from './support/grants.mjs';
import { wire } from './support/wire.mjs';

const lost = (code, effect, status) => () => new WireError(code, effect, 'lost', status);
const ended = (status = 200, headers = {}) => (request) => new Response(request.call, status, new Headers(headers), new TextEncoder().encode('hunter2'));

/** A script's entry that answers when told to. */
function stuck(next) {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  return { release, entry: async (request) => (await gate, next(request)) };
}

test('AUTH-5: the successor replaces the refresh token; an answer without one leaves it as it is (RFC 6749, section 6)', async () => {
  const script = [land('a', 3600, { refresh_token: 'r2' }), land('b'), land('c', 3600, { refresh_token: 'r3' }), land('d')];
  const one = await source(script, { refreshToken: 'r1' });
  for (const expected of 'abcd') {
    assert.equal(await one.value(), expected);
    one.clock.advance(3_600_000);
  }
  const forms = await Promise.all(one.send.requests.map(formOf));
  assert.deepEqual(forms.map((form) => form.refresh_token), ['r1', 'r2', 'r2', 'r3']);
  assert.deepEqual(new Set(forms.map((form) => form.grant_type)), new Set(['refresh_token']));
});

test('RFC 6749, section 2.3.1: in the header, or in the form, never both ways; a public client only says who it is', async () => {
  const table = [
    ['s~*', 'basic', 'Basic YSUzQStiOnMlN0Uq', {}],
    ['s~*', 'post', undefined, { client_id: 'a: b', client_secret: 's~*' }],
    [undefined, 'basic', undefined, { client_id: 'a: b' }],
    [undefined, 'post', undefined, { client_id: 'a: b' }],
  ];
  for (const [clientSecret, auth, header, members] of table) {
    for (const refreshToken of [undefined, 'r1']) {
      const one = await source([land('a')], { clientId: 'a: b', clientSecret, clientAuth: auth, refreshToken, scopes: ['x', 'y'] });
      await one.get();
      const [request] = one.send.requests;
      assert.equal(request.headers.authorization?.reveal(), header);
      const proof = refreshToken === undefined ? { grant_type: 'client_credentials' } : { grant_type: 'refresh_token', refresh_token: 'r1' };
      assert.deepEqual(await formOf(request), { ...proof, scope: 'x y', ...members });
    }
  }
});

test('AUTH-5: *not sent* and 429 may be tried again; what may have used up the token is not, and says so', async () => {
  const table = [
    [lost('connect_failed', 'not_sent'), 'connect_failed', false],
    [lost('tls_verification_failed', 'final'), 'tls_verification_failed', true],
    [fail(429), 'token_request_failed', false],
    [fail(400, 'invalid_grant'), 'invalid_grant', true],
    [fail(401, 'invalid_client'), 'invalid_client', true],
    [fail(404), 'token_request_failed', true],
    [lost('connection_lost', 'maybe_acted'), 'refresh_outcome_unknown', true],
    [lost('timeout', 'maybe_acted'), 'refresh_outcome_unknown', true],
    [lost('connection_lost', 'maybe_acted', 200), 'refresh_outcome_unknown', true],
    [fail(408), 'refresh_outcome_unknown', true],
    [fail(500), 'refresh_outcome_unknown', true],
    [fail(503), 'refresh_outcome_unknown', true],
    [lost('client_closed', 'maybe_acted'), 'client_closed', true],
  ];
  for (const [entry, code, final] of table) {
    const found = await (await source([entry], { refreshToken: 'r1' })).get();
    assert.deepEqual([found.code, found.final], [code, final]);
  }
});

test("AUTH-5: within its call a lost refresh is final; a later call may meet the server's grace, and goes on from there", async () => {
  const one = await source([lost('timeout', 'maybe_acted'), land('a', 3600, { refresh_token: 'r2' }), land('b')], { refreshToken: 'r1' });
  assert.deepEqual([await one.value(), await one.value()], ['refresh_outcome_unknown', 'a']);
  one.clock.advance(3_600_000);
  await one.get();
  assert.deepEqual((await Promise.all(one.send.requests.map(formOf))).map((form) => form.refresh_token), ['r1', 'r1', 'r2']);
});

test("AUTH-5: AuthenticationError with that code, the endpoint's status if there was one; nothing was sent, nor asked again", async (t) => {
  for (const [token, status] of [[{ status: 503 }, 503], [{ status: 408 }, 408], [(_, response) => response.socket.destroy(), undefined]]) {
    const server = await wire(t);
    server.tokens = [token, tokenAnswer()];
    const client = server.client({ clientId: 'app', refreshToken: 'hunter2' });
    const error = await failure(client.users.create({ username: 'a', email: 'a@b.c', roles: [] }));
    assert.deepEqual(
      [error.name, error.code, error.status, error.outcome, error.retryable, error.attempts, server.tokenRequests.length],
      ['AuthenticationError', 'refresh_outcome_unknown', status, 'not_sent', false, 1, 1],
    );
    assert.doesNotMatch(error.message, /hunter2/);
  }
});

test('AUTH-5: `outcome` follows the earlier attempts of the call', async (t) => {
  const server = await wire(t, problem(401, 'invalid_token', { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }));
  server.tokens = [tokenAnswer(), { status: 500 }, tokenAnswer()];
  const error = await failure(server.client({ clientId: 'app', refreshToken: 'r1' }).users.get('usr_1'));
  assert.deepEqual([error.code, error.status, error.outcome], ['refresh_outcome_unknown', 500, 'refused']);
});

test('AUTH-2, AUTH-5: a wait for a token is bounded; of a refresh token that was sent, it must not be tried again', async () => {
  const limits = { ...DEFAULT_LIMITS, tokenTimeout: 20 };
  for (const [refreshToken, code] of [[undefined, 'token_timeout'], ['r1', 'refresh_outcome_unknown']]) {
    const found = await (await source([() => new Promise(() => undefined)], { refreshToken, limits })).get();
    assert.deepEqual([found.code, found.final], [code, code !== 'token_timeout']);
  }
});

test('RFC 7009: the newest refresh token is given back, then every access token, each with its hint and the client\'s proof', async () => {
  const script = [land('a', 3600, { refresh_token: 'r2' }), land('b', 3600, { refresh_token: 'r3' }), ended(), ended(), ended()];
  const one = await source(script, { refreshToken: 'r1' });
  await one.get();
  one.clock.advance(3_600_000);
  await one.get();
  await one.tokens.revoke();
  await one.tokens.revoke();
  const revocations = one.send.requests.slice(2);
  assert.deepEqual(await Promise.all(revocations.map(formOf)), [
    { token: 'r3', token_type_hint: 'refresh_token' },
    { token: 'b', token_type_hint: 'access_token' },
    { token: 'a', token_type_hint: 'access_token' },
  ]);
  assert.deepEqual(new Set(revocations.map(({ url }) => url)), new Set(['http://localhost/oauth/revoke']));
  assert.deepEqual(new Set(revocations.map(({ headers }) => headers.authorization.reveal())), new Set([one.send.requests[0].headers.authorization.reveal()]));
  assert.equal(await one.value(), 'client_closed');
});

test('AUTH-6: a client that asked for nothing ends nothing, not even the refresh token that it was given', async () => {
  const one = await source([], { refreshToken: 'r1' });
  await one.tokens.revoke();
  assert.deepEqual([one.send.requests, one.warnings], [[], []]);
});

test('AUTH-6: what cannot be given back is a warning; a redirect is told by its origin and not followed', async () => {
  const script = [land('hunter2', 3600, { refresh_token: 'hunter3' }), lost('connection_lost', 'maybe_acted'), ended(307, { location: 'https://evil.example/?t=1' })];
  const one = await source(script, { refreshToken: 'r1' });
  await one.get();
  await one.tokens.revoke();
  assert.deepEqual(one.warnings, [
    'A token was not revoked (refresh_token): lost',
    'A token was not revoked (access_token): the endpoint answered 307, a redirect to https://evil.example that is not followed.',
  ]);
});

test('AUTH-6: what is being fetched while the client closes would live on; it is awaited and ended', async () => {
  const gate = stuck(land('a'));
  const one = await source([gate.entry, ended()]);
  const waiting = one.value();
  const revoked = one.tokens.revoke();
  gate.release();
  await revoked;
  assert.deepEqual([await waiting, one.send.requests.map(({ call }) => call.operation)], ['a', ['oauth.token', 'oauth.revoke']]);
});

test("AUTH-7: tokens are ended at the document's path beside the token endpoint's, always at its origin", async () => {
  const table = [
    ['http://localhost/oauth/token', 'http://localhost/oauth/revoke'],
    ['https://h/w/x/oauth/token', 'https://h/w/x/oauth/revoke'],
    ['https://id.example:9443/realms/a/token', 'https://id.example:9443/oauth/revoke'],
  ];
  for (const [url, expected] of table) {
    const one = await source([land('a'), ended()], { tokenUrl: url });
    await one.get();
    await one.tokens.revoke();
    assert.equal(one.send.requests[1].url, expected);
  }
});

test('AUTH-10: a store object given to several clients makes them one: one token, one flight, one 401', async () => {
  const store = new MemoryTokenStore();
  const [one, two] = [await source([land('a'), land('c')], { tokenStore: store }), await source([], { tokenStore: store })];
  const other = await source([land('b')], { tokenStore: store, refreshToken: 'r1' }); // another grant of the same client
  const token = await one.get();
  assert.equal(await two.get(), token);
  assert.equal(await other.value(), 'b');
  two.tokens.refuse(token);
  assert.equal(await one.value(), 'c');
});

test('AUTH-3: whose client was closed under a refresh hands it over to the other clients of the store', async () => {
  const store = new MemoryTokenStore();
  const gate = stuck(lost('client_closed', 'final'));
  const [leader, follower] = [await source([gate.entry], { tokenStore: store }), await source([land('b')], { tokenStore: store })];
  const waiting = [leader.value(), follower.value()];
  gate.release();
  assert.deepEqual(await Promise.all(waiting), ['client_closed', 'b']);
});

test('AUTH-3, AUTH-5: where a refresh token may have been used up, nobody takes over', async () => {
  const store = new MemoryTokenStore();
  const gate = stuck(lost('client_closed', 'maybe_acted'));
  const [leader, follower] = [await source([gate.entry], { tokenStore: store, refreshToken: 'r1' }), await source([], { tokenStore: store, refreshToken: 'r1' })];
  const waiting = [leader.value(), follower.value()];
  gate.release();
  assert.deepEqual(await Promise.all(waiting), ['client_closed', 'refresh_outcome_unknown']);
});

test('AUTH-6: `close({ revoke: true })` ends the tokens before the connections, for all copies of the client', async (t) => {
  const server = await wire(t, answer(), { status: 200 });
  server.tokens = [tokenAnswer('a')];
  const client = server.client({ clientId: 'app', clientSecret: 's' });
  const copy = client.withOptions({ timeout: 1_000 });
  await copy.users.get('usr_1');
  await client.close({ revoke: true });
  const { url, body } = server.requests.at(-1);
  assert.deepEqual([url, body.toString()], ['/oauth/revoke', 'token=a&token_type_hint=access_token']);
  assert.equal((await failure(copy.users.get('usr_1'))).code, 'client_closed');
});

test('AUTH-6: what the client did not get from the token endpoint is not its to end', async (t) => {
  const server = await wire(t);
  for (const options of [{ token: 't' }, { token: () => 't' }, { clientId: 'a', clientSecret: 'b' }]) await server.client(options).close({ revoke: true });
  assert.deepEqual(server.requests, []);
});
