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
  for (const status of [302, 307, 308]) {
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
