/** The client: what it refuses, where it takes things from, what its copies share, what it sends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { AdminClient, VERSION } from '../../dist/index.js';
import { answer, failure, problem, thrown, tokenAnswer } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { environment, wire } from './support/wire.mjs';

const BASE = 'http://localhost:1';
const CREATE = { username: 'alice', email: 'alice@example.com', roles: ['admin'] };

function refused(options, code) {
  const error = thrown(() => new AdminClient(options));
  assert.deepEqual([error.name, error.code, error.outcome], ['ConfigurationError', code, 'not_sent'], JSON.stringify(options));
  assert.doesNotMatch(error.message, /hunter2/);
}

test('CONF, AUTH-1: what cannot work is refused by the constructor, with a code, and shows no secret', (t) => {
  environment(t);
  const table = [
    [{}, 'missing_credentials'], [{ token: 't', clientId: 'c', clientSecret: 'hunter2' }, 'conflicting_credentials'],
    [{ token: 'hunter2', clientSecret: 's' }, 'conflicting_credentials'], [{ clientId: 'c' }, 'missing_credentials'],
    [{ clientSecret: 'hunter2' }, 'missing_credentials'], [{ token: '' }, 'invalid_token_option'], [{ token: 'a hunter2' }, 'invalid_token_option'],
    [{ token: 7 }, 'invalid_token_option'], [{ token: 't', timeout: 0 }, 'invalid_option'], [{ token: 't', deadline: -1 }, 'invalid_option'],
    [{ token: 't', maxRetries: -1 }, 'invalid_option'], [{ token: 't', maxRetryAfter: -1 }, 'invalid_option'], [{ token: 't', tokenTimeout: 0 }, 'invalid_option'],
    [{ token: 't', fetch: 'x' }, 'invalid_option'], [{ token: 't', logLevel: 'trace' }, 'invalid_option'],
    [{ clientId: 'c', clientSecret: 's', scopes: 'users:read' }, 'invalid_scopes'], [{ clientId: 'c', clientSecret: 's', scopes: ['a b'] }, 'invalid_scopes'],
    [{ clientId: 'c', clientSecret: 's', tokenUrl: 'http://elsewhere/t' }, 'insecure_url'],
  ];
  for (const [options, code] of table) refused({ baseUrl: BASE, ...options }, code);
});

test('AUTH-7: https, or http on loopback; no credentials, query or fragment; a path prefix is fine', (t) => {
  environment(t);
  const table = [
    [undefined, 'missing_base_url'], ['', 'missing_base_url'], ['api.example', 'invalid_url'], ['ftp://api.example', 'invalid_url'], ['https://', 'invalid_url'],
    ['https://api.example:port', 'invalid_url'], ['https://[::1', 'invalid_url'], ['https://exämple', 'invalid_url'], ['https://api.example/a b', 'invalid_url'],
    ['https://me:hunter2@api.example', 'invalid_url'], ['https://me@api.example', 'invalid_url'], ['https://api.example?x=1', 'invalid_url'],
    ['https://api.example#x', 'invalid_url'], ['http://api.example', 'insecure_url'], ['http://127.0.0.1.evil.example', 'insecure_url'],
    ['http://localhost.evil.example', 'insecure_url'], ['http://10.0.0.1', 'insecure_url'],
  ];
  for (const [baseUrl, code] of table) refused({ baseUrl, token: 't' }, code);
  for (const baseUrl of ['https://api.example', 'http://localhost:8080', 'http://127.0.0.1', 'http://[::1]:80', 'https://h/w/id/']) {
    assert.doesNotThrow(() => new AdminClient({ baseUrl, token: 't' }), baseUrl);
  }
});

test('CONF: constructor > environment > default; credentials come from one place; an empty variable is no value', async (t) => {
  const server = await wire(t);
  const used = async (variables, options = {}) => {
    for (const name of Object.keys(process.env)) if (name.startsWith('ADMIN_API_')) delete process.env[name];
    Object.assign(process.env, Object.fromEntries(Object.entries(variables).map(([name, value]) => [`ADMIN_API_${name}`, value])));
    server.tokens.splice(0, 9, tokenAnswer('granted'));
    server.answers.push(answer());
    const client = new AdminClient({ clock: new SteppingClock(), ...options });
    await client.users.get('usr_1');
    await client.close();
    return server.requests.at(-1).headers.authorization;
  };
  environment(t);
  const BASE_URL = server.url;
  const pair = { CLIENT_ID: 'c', CLIENT_SECRET: 's' };
  assert.equal(await used({ BASE_URL, TOKEN: 'env' }), 'Bearer env');
  assert.equal(await used({ BASE_URL, TOKEN: 'env' }, { token: 'given' }), 'Bearer given');
  assert.equal(await used({ BASE_URL, ...pair }), 'Bearer granted');
  assert.equal(await used({ BASE_URL, ...pair }, { token: 'given' }), 'Bearer given');
  assert.equal(await used({ BASE_URL, TOKEN: 'env', ...pair }), 'Bearer env');
  assert.equal(await used({ BASE_URL, TOKEN: 'env' }, { clientId: 'c', clientSecret: 's' }), 'Bearer granted');
  assert.equal(await used({ BASE_URL: 'http://localhost:1', TOKEN: 'env' }, { baseUrl: server.url }), 'Bearer env');
  assert.equal(await used({ BASE_URL, TOKEN: '', ...pair }), 'Bearer granted');
  assert.equal(thrown(() => new AdminClient({ clientId: 'c', baseUrl: BASE })).code, 'missing_credentials');
});

test('CONF: a CA bundle or proxy that is configured and cannot be applied is told, not ignored', (t) => {
  environment(t);
  const code = (variables, options = {}) => {
    Object.assign(process.env, variables);
    try {
      return new AdminClient({ baseUrl: 'https://api.example', token: 't', ...options }) && 'works';
    } catch (error) {
      return error.code;
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
  };
  const own = async () => new Response();
  assert.equal(code({ ADMIN_API_CA_BUNDLE: 'ca.pem' }), 'ca_bundle_not_applied');
  assert.equal(code({ ADMIN_API_CA_BUNDLE: 'ca.pem', NODE_EXTRA_CA_CERTS: 'ca.pem' }), 'works');
  assert.equal(code({ ADMIN_API_CA_BUNDLE: 'ca.pem' }, { fetch: own }), 'works');
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']) assert.equal(code({ [name]: 'http://proxy:3128' }), 'proxy_not_applied', name);
  for (const hosts of ['*', 'api.example', '.example', 'example', 'other, api.example:443']) assert.equal(code({ HTTPS_PROXY: 'http://p', NO_PROXY: hosts }), 'works', hosts);
  assert.equal(code({ HTTPS_PROXY: 'http://p', NO_PROXY: 'notapi.example' }), 'proxy_not_applied');
  assert.equal(code({ HTTP_PROXY: 'http://p' }), 'works');
  assert.equal(code({ HTTPS_PROXY: 'http://p' }, { fetch: own }), 'works');
  assert.equal(code({ HTTPS_PROXY: 'http://p' }, { clientId: 'c', token: undefined, clientSecret: 's', baseUrl: BASE, tokenUrl: 'https://id.example/t' }), 'proxy_not_applied');
});

test('CONF: `withOptions` shares connections, tokens and budget; limits and clock are the copy\'s own; closed with it', async (t) => {
  const server = await wire(t, answer(), answer(), problem(503, 'busy'));
  server.tokens.push(tokenAnswer());
  const client = server.client({ clientId: 'c', clientSecret: 's' });
  const clock = new SteppingClock();
  const copy = client.withOptions({ maxRetries: 0, clock });
  await client.users.get('usr_1');
  await copy.users.get('usr_1');
  assert.equal((await failure(copy.users.get('usr_1'))).attempts, 1);
  assert.deepEqual([server.tokenRequests.length, clock.sleeps], [1, []]);
  assert.equal(thrown(() => client.withOptions({ timeout: 0 })).code, 'invalid_option');
  await client.close();
  assert.equal((await failure(copy.users.get('usr_1'))).code, 'client_closed');
});

test('CONF: a closed client sends nothing; closing twice is closing once; `await using` closes', async (t) => {
  const server = await wire(t);
  const client = server.client();
  await client[Symbol.asyncDispose]();
  await client.close();
  const error = await failure(client.users.create(CREATE));
  assert.deepEqual([error.name, error.code, error.outcome, error.attempts, server.requests.length], ['APIConnectionError', 'client_closed', 'not_sent', 1, 0]);
});

test('AUTH-9: printing a client shows neither token nor secret', () => {
  const clients = [new AdminClient({ baseUrl: BASE, token: 'hunter2' }), new AdminClient({ baseUrl: BASE, clientId: 'c', clientSecret: 'hunter2' })];
  for (const client of [...clients, ...clients.map((one) => one.withOptions({ timeout: 1 }))]) {
    client.users.roles;
    assert.doesNotMatch(inspect(client, { depth: 20, showHidden: true }) + JSON.stringify(client) + String(client), /hunter2/);
  }
});

test('AUTH-7: paths are appended to the prefix of `baseUrl`, for the API and for its token endpoint', async (t) => {
  const server = await wire(t, tokenAnswer(), answer());
  await server.client({ baseUrl: `${server.url}/w/world1/`, clientId: 'c', clientSecret: 's' }).users.get('usr_1');
  assert.deepEqual(server.requests.map(({ url }) => url), ['/w/world1/oauth/token', '/w/world1/api/v1/users/usr_1']);
});

test('CONF: the SDK says what it is, and asks for JSON', async (t) => {
  const server = await wire(t, answer());
  await server.client().users.get('usr_1');
  const { headers } = server.requests[0];
  assert.equal(headers['user-agent'], `admin-api-sdk-node/${VERSION} (node ${process.versions.node}; ${process.platform})`);
  assert.equal(headers.accept, 'application/json, application/problem+json');
  assert.equal(headers['idempotency-key'], undefined);
});

test('DESIGN 3: an answer has data, headers, status, request id, audit event id, attempts and key; it is sent once', async (t) => {
  const server = await wire(t, answer(201, { id: 'usr_1' }, { 'audit-event-id': 'evt_1' }));
  const sending = server.client().users.create(CREATE);
  const { data, status, headers, requestId, auditEventId, attempts, idempotencyKey } = await sending.withResponse();
  assert.deepEqual([data, status, headers.get('content-type'), requestId, auditEventId, attempts, idempotencyKey], [{ id: 'usr_1' }, 201, 'application/json', 'req_1', 'evt_1', 1, 'key-1']);
  assert.deepEqual([await sending, await sending.finally(() => undefined), server.requests.length], [{ id: 'usr_1' }, { id: 'usr_1' }, 1]);
  assert.equal(await Promise.reject(new Error('x')).catch(() => sending).then(({ id }) => id), 'usr_1');
});

test('RFC 7396: null deletes a member, one left out or undefined is left alone; If-Match goes as a header', async (t) => {
  const server = await wire(t, answer());
  await server.client().users.update('usr_1', { email: null, display_name: undefined, if_match: '"e1"' });
  const { body, headers, method } = server.requests[0];
  assert.deepEqual([String(body), headers['if-match'], headers['content-type'], method], ['{"email":null}', '"e1"', 'application/merge-patch+json', 'PATCH']);
});

test('CONF: an argument that cannot be sent rejects the call before anything is sent', async (t) => {
  const server = await wire(t);
  const { users } = server.client();
  const calls = [() => users.get(''), () => users.get('..'), () => users.update('usr_1', { if_match: 'ü' }), () => users.create({ ...CREATE, metadata: { a: 1n } }),
    () => users.get('usr_1', { timeout: -1 }), () => users.create(CREATE, { idempotencyKey: 'a b' }), () => users.create(CREATE, { headers: { Authorization: 'x' } })];
  for (const act of calls) assert.equal((await failure(act())).name, 'ConfigurationError');
  assert.equal(server.requests.length, 0);
});

test('CONF: headers and query of the options are added; a header of the same name is replaced', async (t) => {
  const server = await wire(t, answer());
  await server.client().users.get('usr_1', { headers: { Accept: 'application/x', 'X-Mine': 'y' }, query: { fields: ['a', 'b'], flag: true } });
  const { url, headers } = server.requests[0];
  assert.deepEqual([url, headers.accept, headers['x-mine']], ['/api/v1/users/usr_1?fields=a&fields=b&flag=true', 'application/x', 'y']);
});

test('RETRY-3: without `newId` keys are version 4 UUIDs; settable; null opts out', async (t) => {
  const server = await wire(t, answer(201), answer(201), answer(201));
  const client = server.client({ newId: undefined });
  await client.users.create(CREATE);
  await client.users.create(CREATE, { idempotencyKey: 'mine"' });
  await client.users.create(CREATE, { idempotencyKey: null });
  const [made, given, none] = server.requests.map(({ headers }) => headers['idempotency-key']);
  assert.match(made, /^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$/);
  assert.deepEqual([given, none], ['"mine\\""', undefined]);
});

test('CONF: `request()` goes through the same stack: token, key, retry, errors; JSON in, JSON out', async (t) => {
  const server = await wire(t, problem(503, 'busy'), answer(200, [1, 2]), answer(200, 'text'), { status: 204 }, problem(404, 'not_found'), { status: 200, body: '<html>hunter2' });
  const client = server.client();
  assert.deepEqual(await client.request('post', '/api/v1/novel?a=1', { query: { b: [2, 3] }, body: { c: null } }), [1, 2]);
  const [first, second] = server.requests;
  assert.deepEqual([first.method, first.url, String(first.body), first.headers.authorization], ['POST', '/api/v1/novel?a=1&b=2&b=3', '{"c":null}', 'Bearer TOKEN']);
  assert.deepEqual([first.headers['idempotency-key'], second.headers['idempotency-key']], ['"key-1"', '"key-1"']);
  assert.deepEqual([await client.request('GET', '/x'), await client.request('DELETE', '/x')], ['text', undefined]);
  const error = await failure(client.request('GET', '/x/y?z=1'));
  assert.deepEqual([error.name, error.operation], ['NotFoundError', 'GET /x/y']);
  const lie = await failure(client.request('GET', '/x'));
  assert.equal(lie.name, 'DecodeError');
  assert.doesNotMatch(lie.message, /hunter2/);
});

test('CONF: a path that would leave its place, or a method that is no word, is refused', async (t) => {
  const server = await wire(t);
  for (const path of ['', 'x', 'https://elsewhere/', '/a/../b', '/a/.', '/a b', '/ü', '/a\n']) assert.equal((await failure(server.client().request('GET', path))).code, 'invalid_path', path);
  for (const method of ['', 'GET /', 'G\n']) assert.equal((await failure(server.client().request(method, '/x'))).code, 'invalid_method');
  assert.equal(server.requests.length, 0);
});
