/** Proxies, given or of the environment, against a proxy of our own that can refuse, and against tinyproxy. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { checkedProxy } from '../../dist/proxies.js';
import { answer, failure, thrown } from './support/answers.mjs';
import { selfSigned } from './support/certificate.mjs';
import { SteppingClock } from './support/clock.mjs';
import { folder } from './support/folder.mjs';
import { listening, NO_TINYPROXY, proxying, refusal, tinyproxy } from './support/proxy.mjs';
import { eachUndici } from './support/undici.mjs';
import { environment, wire } from './support/wire.mjs';

const PASSWORD = 'p@ss w0rd';
const CREDENTIALS = 'ann:p%40ss%20w0rd';
const BASIC = 'Basic YW5uOnBAc3MgdzByZA==';
const told = ({ code, outcome, attempts }) => [code, outcome, attempts];
const undicis = await eachUndici();

/** A server over TLS that answers all with a user, and the CA to trust. */
async function https(t) {
  const made = selfSigned();
  const { status, headers, body } = answer();
  const port = await listening(t, createHttps(made, (_, response) => response.writeHead(status, headers).end(body)));
  const ca = join(folder(t), 'ca.pem');
  writeFileSync(ca, made.cert);
  return { url: `https://localhost:${port}`, ca, host: `localhost:${port}`, certificate: made };
}

/** A test of each undici that the package takes; the environment has no proxy but what the test sets. */
function each(name, body, options = {}) {
  for (const [version, { AdminClient, nodeFetch }] of undicis) {
    test(`undici ${version}: ${name}`, options, async (t) => {
      environment(t);
      const client = (baseUrl, fetch, more = {}) => {
        const made = new AdminClient({ baseUrl, token: 't', clock: new SteppingClock(), timeout: 10_000, fetch: nodeFetch(fetch), ...more });
        t.after(() => made.close());
        return made;
      };
      await body(t, { client, nodeFetch });
    });
  }
}

/** A mutation that may not be repeated once it may have acted. */
const createKeyless = (client) => client.users.create({ username: 'a', email: 'a@example.com' }, { idempotencyKey: null });

each('CONF-5: https goes through a tunnel, kept alive and verified as without it; `null` is no proxy', async (t, { client }) => {
  const [server, proxy] = [await https(t), await proxying(t)];
  process.env.HTTPS_PROXY = proxy.url;
  const through = client(server.url, { ca: server.ca });
  const direct = client(server.url, { ca: server.ca, proxy: null });
  process.env.HTTPS_PROXY = 'http://127.0.0.1:1'; // too late: what counts is the moment the fetch was made
  for (const one of [through, through, through, through, direct]) assert.equal((await one.users.get('usr_1')).id, 'usr_1');
  assert.ok(proxy.asked.length <= 2, `${proxy.asked.length} tunnels for four calls`); // undici opens a second one before the first is free
  assert.deepEqual([...new Set(proxy.asked)], [`CONNECT ${server.host}`]);
  const error = await failure(client(server.url, { proxy: proxy.url }).users.get('usr_1'));
  assert.deepEqual(told(error), ['tls_verification_failed', 'not_sent', 1]);
});

each('AUTH-7: http is for loopback, so what would go in the clear to a proxy elsewhere goes straight', async (t, { client }) => {
  const [server, proxy] = [await wire(t, answer(), answer()), await proxying(t)];
  for (const url of [proxy.url, 'http://proxy.example:3128']) {
    process.env.HTTP_PROXY = url;
    assert.equal((await client(server.url).users.get('usr_1')).id, 'usr_1');
  }
  assert.deepEqual(proxy.asked, [`CONNECT ${new URL(server.url).host}`]);
});

each("CONF-5: credentials in the proxy's URL are for the proxy alone", async (t, { client }) => {
  const [server, proxy] = [await wire(t, answer()), await proxying(t)];
  await client(server.url, { proxy: proxy.url.replace('//', `//${CREDENTIALS}@`) }).users.get('usr_1');
  assert.deepEqual(proxy.authorizations, [BASIC]);
  assert.equal(server.requests[0].headers['proxy-authorization'], undefined);
});

each('RETRY-10, AUTH-9: a refused CONNECT has sent nothing and stays refused; its error shows no credential', async (t, { client }) => {
  const refused = ['407 Proxy Authentication Required', '403 Forbidden', '302 Found'];
  const proxy = await proxying(t, { refusals: refused.map(refusal) });
  const records = [];
  const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, (...words) => records.push(words)]));
  for (const status of refused) {
    const one = client('https://localhost:8443', { proxy: proxy.url.replace('//', `//${CREDENTIALS}@`) }, { logger, logLevel: 'debug' });
    const error = await failure(createKeyless(one));
    assert.deepEqual([...told(error), error.retryable], ['proxy_failed', 'not_sent', 1, false]);
    assert.match(error.message, new RegExp(status.slice(0, 3)));
    const shown = inspect([error, error.stack, JSON.stringify(error), records, one], { depth: 9, showHidden: true });
    for (const secret of [PASSWORD, CREDENTIALS, BASIC.slice(6)]) assert.ok(!shown.includes(secret), secret);
  }
});

each('RETRY-10: until the tunnel stands nothing was sent, so even what must not happen twice is tried again', async (t, { client }) => {
  const server = await https(t);
  const opensAndHangsUp = 'HTTP/1.1 200 OK\r\n\r\n';
  for (const first of [refusal('502 Bad Gateway'), refusal('503 Busy'), refusal('429 Slow'), '', 'hello\r\n\r\n', 'HTTP/1.1 200', opensAndHangsUp]) {
    const proxy = await proxying(t, { refusals: [first] });
    const one = client(server.url, { ca: server.ca, proxy: proxy.url });
    const { attempts } = await one.users.create({ username: 'a', email: 'a@example.com' }, { idempotencyKey: null }).withResponse();
    assert.deepEqual([attempts, proxy.asked], [2, [`CONNECT ${server.host}`, `CONNECT ${server.host}`]], JSON.stringify(first));
  }
});

each('RETRY-10: nobody listens where the proxy should be: not sent', async (t, { client }) => {
  const error = await failure(createKeyless(client('https://localhost:8443', { proxy: 'http://127.0.0.1:1' }, { maxRetries: 0 })));
  assert.deepEqual(told(error), ['connect_failed', 'not_sent', 1]);
});

each('RETRY-6: a proxy that says nothing takes no more than the attempt has', async (t, { client }) => {
  const proxy = await proxying(t, { refusals: [null] });
  const began = performance.now();
  const error = await failure(client('https://localhost:8443', { proxy: proxy.url }, { timeout: 100, maxRetries: 0 }).users.get('usr_1'));
  assert.ok(performance.now() - began < 2000);
  assert.deepEqual([error.name, error.code], ['APITimeoutError', 'timeout']);
});

each("CONF-6: the proxy's own certificate is verified, with the CA given", async (t, { client }) => {
  const server = await https(t);
  const known = await proxying(t, { tls: server.certificate });
  const unknown = await proxying(t, { tls: selfSigned() });
  assert.equal((await client(server.url, { ca: server.ca, proxy: known.url }).users.get('usr_1')).id, 'usr_1');
  assert.deepEqual(known.asked, [`CONNECT ${server.host}`]);
  assert.deepEqual(told(await failure(client(server.url, { ca: server.ca, proxy: unknown.url }).users.get('usr_1'))), ['tls_verification_failed', 'not_sent', 1]);
  assert.deepEqual(unknown.asked, []);
});

each('CONF-5: a proxy that cannot be used is an error that shows no credential, at once if it is given, else at the first call', async (t, { client, nodeFetch }) => {
  for (const value of ['socks5://ann:s3cret@127.0.0.1:1080', 'http://ann:s3cret@', 'http://h:99999', 'http://h/path', '']) {
    const error = thrown(() => nodeFetch({ proxy: value }));
    assert.deepEqual([error.name, error.code, /^proxy must be/.test(error.message)], ['ConfigurationError', 'invalid_proxy', true], value);
    assert.ok(!inspect(error).includes('s3cret'));
  }
  process.env.ALL_PROXY = 'socks5://ann:s3cret@127.0.0.1:1080';
  const error = await failure(client('https://localhost:8443').users.get('usr_1'));
  assert.deepEqual([error.name, error.code, error.message.includes('ALL_PROXY')], ['ConfigurationError', 'invalid_proxy', true]);
  assert.ok(!inspect(error).includes('s3cret'));
});

test('AUTH-9: the URL of a proxy shows itself nowhere', () => {
  const proxy = checkedProxy('proxy', `http://${CREDENTIALS}@proxy:3128`);
  assert.equal(proxy.reveal(), `http://${CREDENTIALS}@proxy:3128`);
  assert.ok(!`${inspect(proxy, { showHidden: true })}${JSON.stringify(proxy)}${String(proxy)}`.includes('ann'));
});

each('CONF-5: https and http through a proxy that others wrote', async (t, { client }) => {
  const [server, plain, proxy] = [await https(t), await wire(t, answer(), answer()), await tinyproxy(t)];
  process.env.ALL_PROXY = proxy.url();
  for (const url of [server.url, plain.url]) {
    const one = client(url, { ca: server.ca });
    for (let n = 0; n < 2; n += 1) assert.equal((await one.users.get('usr_1')).id, 'usr_1');
    assert.match(proxy.log(), new RegExp(`CONNECT ${new URL(url).host}`));
  }
}, { skip: NO_TINYPROXY });

each('CONF-5: a proxy that asks for credentials gets those of its URL; without the right ones the call is final', async (t, { client }) => {
  const [server, proxy] = [await https(t), await tinyproxy(t, 'ann:s3cret')];
  assert.equal((await client(server.url, { ca: server.ca, proxy: proxy.url('ann:s3cret') }).users.get('usr_1')).id, 'usr_1');
  const error = await failure(client(server.url, { ca: server.ca, proxy: proxy.url('ann:wr0ng') }).users.get('usr_1'));
  assert.deepEqual(told(error), ['proxy_failed', 'not_sent', 1]);
  assert.ok(!inspect(error).includes('wr0ng'));
}, { skip: NO_TINYPROXY });

each('RETRY-10: what a proxy cannot reach was not sent, and may be there the next time', async (t, { client }) => {
  const proxy = await tinyproxy(t);
  const error = await failure(createKeyless(client('https://localhost:9999', { proxy: proxy.url() })));
  assert.deepEqual([error.outcome, error.attempts], ['not_sent', 3]); // it answers 500, or hangs up before
}, { skip: NO_TINYPROXY });
