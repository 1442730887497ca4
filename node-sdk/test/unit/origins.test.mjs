/** Credentials stay with their origin, seen from a recording server on each side (AUTH-7, AUTH-8). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdminClient } from '../../dist/index.js';
import { answer, failure, page, thrown, tokenAnswer } from './support/answers.mjs';
import { wire } from './support/wire.mjs';

const SECRETS = ['cl1ent-s3cret', 'r3fresh-one', 'acc3ss-one'];
const TOKEN = tokenAnswer('acc3ss-one', { expires_in: 3600, refresh_token: 'r3fresh-two' });

/** Which of the secrets came by a server, in the clear or as the client sends them in a header. */
function seen({ requests }) {
  const all = requests.map(({ url, headers, body }) => `${url} ${JSON.stringify(headers)} ${body}`).join('\n');
  return SECRETS.map((secret) => all.includes(secret) || all.includes(btoa(`app:${secret}`)));
}

/** The API, the authorization server, somebody else, and a client of the first two. */
async function sides(t, options = {}) {
  const [api, auth, other] = [await wire(t), await wire(t), await wire(t)];
  const client = api.client({ tokenUrl: `${auth.url}/realm/token`, clientId: 'app', clientSecret: 'cl1ent-s3cret', maxRetries: 0, ...options });
  return { api, auth, other, client };
}

test("AUTH-7: the client's secret and refresh tokens go to the token endpoint's origin, access tokens to the API's", async (t) => {
  for (const clientAuth of ['basic', 'post']) {
    for (const refreshToken of [undefined, 'r3fresh-one']) {
      const { api, auth, client } = await sides(t, { clientAuth, refreshToken });
      auth.answers.push(TOKEN, { status: 200 }, { status: 200 });
      api.answers.push(answer());
      await client.users.get('usr_1');
      assert.deepEqual([seen(api), seen(auth)], [[false, false, true], [true, refreshToken !== undefined, false]]);
      await client.close({ revoke: true });
      assert.deepEqual([seen(api), seen(auth)[2], auth.requests.at(-1).url], [[false, false, true], true, '/oauth/revoke']); // its own, to be ended
    }
  }
});

test('AUTH-8: a redirect of the API is not followed; the error names the origin that it would have gone to', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const { api, auth, other, client } = await sides(t);
    auth.answers.push(TOKEN);
    api.answers.push({ status, headers: { location: `${other.url}/api/v1/users/usr_1?steal=1` } });
    const error = await failure(client.users.get('usr_1'));
    assert.deepEqual([error.name, error.status, other.requests], ['APIStatusError', status, []]);
    assert.ok(error.message.includes(`A redirect to ${other.url} is not followed.`), error.message);
  }
});

test("AUTH-8: neither the client's secret nor its refresh token follows a redirect of the token endpoint; nothing reaches the API", async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const refreshToken of [undefined, 'r3fresh-one']) {
      const { api, auth, other, client } = await sides(t, { clientAuth: 'post', refreshToken });
      auth.answers.push({ status, headers: { location: `${other.url}/realm/token?steal=1` } });
      const error = await failure(client.users.get('usr_1'));
      assert.deepEqual([error.name, error.status, error.code, error.outcome], ['AuthenticationError', status, 'token_request_failed', 'not_sent']);
      assert.deepEqual([other.requests, api.requests], [[], []]);
      assert.ok(error.message.includes(`a redirect to ${other.url} that is not followed.`), error.message);
    }
  }
});

test('AUTH-8: wherever a redirect leads nothing follows, not even to the same origin; key and headers stay too', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const { api, auth, other, client } = await sides(t);
    auth.answers.push(TOKEN);
    const locations = [
      `${api.url}/steal`, '/steal', `${other.url}/steal`, `${api.url}/steal`.replace('127.0.0.1', 'localhost'),
      `${other.url}/steal`.replace('http:', ''), 'https://elsewhere.example/steal', 'http://[',
    ];
    for (const location of locations) {
      api.answers.push({ status, headers: { location } });
      const error = await failure(client.users.delete('usr_1', {}, { headers: { 'X-Of-Mine': 'm1ne' } }));
      assert.deepEqual([error.name, error.status, other.requests], ['APIStatusError', status, []], location);
    }
    assert.deepEqual(api.requests.map(({ method, url }) => `${method} ${url}`), locations.map(() => 'DELETE /api/v1/users/usr_1'));
  }
});

test('AUTH-7: neither key, headers and query of a call, nor a cookie, which nobody keeps, reach the token endpoint', async (t) => {
  const { api, auth, client } = await sides(t, { refreshToken: 'r3fresh-one' });
  auth.answers.push({ ...TOKEN, headers: { ...TOKEN.headers, 'set-cookie': 'auth=c00kie; Path=/' } }, { status: 200 }, { status: 200 });
  for (let n = 0; n < 2; n += 1) {
    const { headers, ...rest } = answer();
    api.answers.push({ ...rest, headers: { ...headers, 'set-cookie': 'api=c00kie; Path=/' } });
    await client.users.delete('usr_1', {}, { headers: { 'X-Of-Mine': 'm1ne' }, query: { mine: 'm1ne' }, idempotencyKey: 'k3y' });
  }
  await client.close({ revoke: true });
  const counted = ({ requests }) => ['k3y', 'm1ne', 'c00kie'].map((word) => requests.map(({ url, headers }) => url + JSON.stringify(headers)).join().split(word).length - 1);
  assert.deepEqual([counted(api), counted(auth), auth.requests.length], [[2, 4, 0], [0, 0, 0], 3]);
});

test('AUTH-8: what is to be ended is not carried elsewhere by a redirect of the revocation', async (t) => {
  for (const status of [301, 303, 307]) {
    for (const refreshToken of [undefined, 'r3fresh-one']) {
      const { api, auth, other, client } = await sides(t, { clientAuth: 'post', refreshToken, logger: { debug() {}, info() {}, warn() {} } });
      auth.answers.push(TOKEN, ...[1, 2].map(() => ({ status, headers: { location: `${other.url}/oauth/revoke` } })));
      api.answers.push(answer());
      await client.users.get('usr_1');
      await client.close({ revoke: true });
      assert.deepEqual([other.requests, auth.requests.map(({ url }) => url)], [[], ['/realm/token', '/oauth/revoke', '/oauth/revoke']]);
    }
  }
});

test('AUTH-7: a path of ones own leads to the API or nowhere: paths are appended, never resolved', async (t) => {
  const { api, auth, other, client } = await sides(t);
  auth.answers.push(TOKEN);
  const host = other.url.replace('http://', '');
  for (const path of [`${other.url}/steal`, `//${host}/steal`, `/\\${host}/steal`, `@${host}/steal`, `.${host}/steal`]) {
    await failure(client.request('GET', path));
  }
  assert.deepEqual([other.requests, api.requests.map(({ url }) => url)], [[], [`//${host}/steal`]]);
});

test('AUTH-7: URLs in answers (a Location, a cursor, a challenge) are data; the next request goes to the API again', async (t) => {
  const { api, auth, other, client } = await sides(t);
  auth.answers.push(TOKEN);
  const cursor = `${other.url}/steal`;
  const [first, last] = [page([1], cursor), page([2])];
  api.answers.push({ ...first, headers: { ...first.headers, location: cursor, link: `<${cursor}>; rel=next` } });
  api.answers.push({ ...last, headers: { ...last.headers, 'www-authenticate': `Bearer resource_metadata="${cursor}"` } });
  const found = [];
  for await (const { id } of client.users.list()) found.push(id);
  assert.deepEqual([found, other.requests, api.requests.length], [['usr_1', 'usr_2'], [], 2]);
});

test('AUTH-7: https, or http on loopback, for both servers; a URL with credentials of its own is none of ours', () => {
  const table = [
    ['http://admin.example.com', 'insecure_url'], ['http://localhost.evil.example', 'insecure_url'], ['http://127.0.0.1.evil.example', 'insecure_url'],
    ['http://[::2]', 'insecure_url'], ['https://user:pw@admin.example.com', 'invalid_url'], ['https:\\\\user@admin.example.com', 'invalid_url'],
    ['https://admin.example.com/?a=b', 'invalid_url'], ['https://admin.example.com/#a', 'invalid_url'], ['ftp://admin.example.com', 'invalid_url'],
    ['https://admin.example.com\n.evil.example', 'invalid_url'], ['//admin.example.com', 'invalid_url'], ['https://admin.example.com/?', 'invalid_url'],
  ];
  for (const name of ['baseUrl', 'tokenUrl']) {
    for (const [url, code] of table) {
      const options = { baseUrl: 'https://localhost', clientId: 'a', clientSecret: 'b', [name]: url };
      assert.equal(thrown(() => new AdminClient(options)).code, code, `${name} ${url}`);
    }
    for (const url of ['http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://admin.example.com/a@b']) {
      assert.ok(new AdminClient({ baseUrl: 'https://localhost', clientId: 'a', clientSecret: 'b', [name]: url }));
    }
  }
});
