/** Which fetch sends: the global one, one of the user's, and what is said of connecting beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, ProxyAgent } from 'undici';
import { AdminClient } from '../../dist/index.js';
import { nodeFetch } from '../../dist/node.js';
import { proxyFor } from '../../dist/proxies.js';
import { takesProxies } from '../../dist/runtime.js';
import { answer, failure, thrown } from './support/answers.mjs';
import { proxying } from './support/proxy.mjs';
import { environment, wire } from './support/wire.mjs';

const BASE = 'https://api.example';
const made = (more = {}) => new AdminClient({ baseUrl: BASE, token: 't', ...more });
const code = (more) => thrown(() => made(more)).code;
test('CONF-3: a CA bundle that the global fetch would ignore is told, but for http, and for those who say how to connect', (t) => {
  environment(t, { ADMIN_API_CA_BUNDLE: '/ca.pem' });
  assert.equal(code(), 'ca_bundle_not_applied');
  made({ baseUrl: 'http://localhost:8443' });
  made({ fetch: async () => new Response('{}') });
  for (const name of ['dispatcher', 'client', 'tls', 'proxy']) made({ fetchOptions: { [name]: {} } });
  assert.equal(code({ fetchOptions: { cache: 'no-store' } }), 'ca_bundle_not_applied');
  process.env.NODE_EXTRA_CA_CERTS = '/other.pem';
  assert.equal(code(), 'ca_bundle_not_applied');
  process.env.NODE_EXTRA_CA_CERTS = '/ca.pem';
  made();
});

test('CONF-3: a proxy that the global fetch would ignore is told; Node is believed to take it from the versions that do', (t) => {
  environment(t, { HTTPS_PROXY: 'http://proxy.example:3128' });
  assert.equal(code(), 'proxy_not_applied');
  made({ baseUrl: 'http://localhost:8443' });
  made({ fetchOptions: { dispatcher: {} } });
  assert.deepEqual([{ node: '24.0.0' }, { node: '24.0.0', bun: '1' }, { node: '24.0.0', deno: '2' }].map(takesProxies), [false, true, true]);
  process.env.NODE_USE_ENV_PROXY = '1';
  const versions = { '20.20.2': false, '22.20.0': false, '22.21.0': true, '23.11.0': false, '24.0.0': true, '26.1.0': true };
  for (const [version, takes] of Object.entries(versions)) assert.equal(takesProxies({ node: version }), takes, version);
});

test('CONF-3: `fetchOptions.dispatcher` reaches the global fetch, with proxies and all that it does', async (t) => {
  environment(t);
  const server = await wire(t, answer(), answer());
  const proxy = await proxying(t);
  for (const dispatcher of [new ProxyAgent(proxy.url), new Agent()]) {
    t.after(() => dispatcher.destroy());
    const { fetch } = await import('undici');
    assert.equal((await server.client({ fetch, fetchOptions: { dispatcher } }).users.get('usr_1')).id, 'usr_1');
  }
  assert.deepEqual(proxy.asked, [`CONNECT ${new URL(server.url).host}`]);
});

test("RETRY-10: what undici's own ProxyAgent says of a refused tunnel is understood", async (t) => {
  environment(t);
  const { fetch } = await import('undici');
  for (const [status, attempts] of [[407, 1], [502, 3]]) {
    const proxy = await proxying(t, { refusals: Array.from({ length: 3 }, () => `HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`) });
    const server = await wire(t);
    const dispatcher = new ProxyAgent(proxy.url);
    t.after(() => dispatcher.destroy());
    const error = await failure(server.client({ fetch, fetchOptions: { dispatcher } }).users.get('usr_1'));
    assert.deepEqual([error.code, error.outcome, error.attempts], ['proxy_failed', 'not_sent', attempts]);
  }
});

test('RETRY-10: a dispatcher that the fetch cannot take is final, for it is so for ever', async (t) => {
  environment(t);
  const server = await wire(t, answer());
  const dispatch = () => {
    throw Object.assign(new Error('invalid onRequestStart method'), { code: 'UND_ERR_INVALID_ARG' }); // what undici 6 says to undici 7
  };
  const dispatcher = { dispatch };
  assert.equal((await server.client({ fetch: nodeFetch({ proxy: null }), fetchOptions: { dispatcher } }).users.get('usr_1')).id, 'usr_1'); // it has its own
  const error = await failure(server.client({ fetchOptions: { dispatcher } }).users.get('usr_1'));
  assert.deepEqual([error.code, error.outcome, error.attempts], ['invalid_request', 'not_sent', 1]);
});

test("CONF-3: a fetch of one's own gets the URL and what fetch takes; anything but a function is refused", async () => {
  const asked = [];
  const fetch = async (...given) => (asked.push(given), new Response('{"id":"usr_1"}', { headers: { 'content-type': 'application/json' } }));
  await made({ fetch, fetchOptions: { keepalive: true } }).users.get('usr_1');
  const [[url, init], ...more] = asked;
  assert.deepEqual([url, init.method, init.redirect, init.keepalive, init.signal instanceof AbortSignal, more], [`${BASE}/api/v1/users/usr_1`, 'GET', 'manual', true, true, []]);
  for (const thing of [{}, 'fetch', 7, null]) assert.deepEqual(code({ fetch: thing }), 'invalid_option');
});

test('CONF-5: the environment of a CGI program gives no HTTP_PROXY', () => {
  assert.equal(proxyFor('http://localhost', { HTTP_PROXY: 'http://127.0.0.1:1', REQUEST_METHOD: 'GET' }), undefined);
});
