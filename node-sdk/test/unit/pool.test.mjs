/** Connections: kept, left when the server closed them, and the race with a server that closes what it thinks idle. */
import assert from 'node:assert/strict';
import { createServer as createTcp } from 'node:net';
import { test } from 'node:test';
import { AdminClient } from '../../dist/index.js';
import { nodeFetch } from '../../dist/node.js';
import { answer, failure, problem } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { listening } from './support/proxy.mjs';
import { environment } from './support/wire.mjs';

const settings = { keyed: undefined, keyless: { idempotencyKey: null } };
const create = (client, options) => client.users.create({ username: 'a', email: 'a@example.com' }, options);
const asBytes = ({ status, headers, body }) =>
  `HTTP/1.1 ${status} x\r\n${Object.entries({ ...headers, 'content-length': Buffer.byteLength(body) }).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;

/** A server of raw sockets: `handle(socket, number of the request on it, head)` once a whole request is there. */
async function server(t, handle) {
  const seen = { connections: 0, heads: [], url: '' };
  const port = await listening(t, createTcp((socket) => {
    seen.connections += 1;
    let [received, count] = ['', 0];
    socket.on('error', () => undefined).on('data', (chunk) => {
      received += chunk;
      const [head, body] = received.split('\r\n\r\n');
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (body === undefined || body.length < length) return;
      received = '';
      count += 1;
      seen.heads.push(head);
      handle(socket, count, head);
    });
    t.after(() => socket.destroy());
  }));
  seen.url = `http://127.0.0.1:${port}`;
  return seen;
}

/** A test of the global fetch and of ours. */
function each(name, body) {
  for (const [kind, fetch] of [['global fetch', undefined], ['nodeFetch', () => nodeFetch({ proxy: null })]]) {
    test(`${kind}: ${name}`, async (t) => {
      environment(t);
      const client = (baseUrl, more = {}) => {
        let keys = 0;
        const made = new AdminClient({ baseUrl, token: 't', clock: new SteppingClock(), newId: () => `key-${(keys += 1)}`, timeout: 10_000, fetch: fetch?.(), ...more });
        t.after(() => made.close());
        return made;
      };
      await body(t, client);
    });
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 10)); // real: the runtime is to see what the kernel knows already

each('CONF-3: one call after the other uses one connection, whatever the server answers', async (t, client) => {
  for (const found of [answer(), problem(404, 'not_found')]) {
    const seen = await server(t, (socket) => socket.write(asBytes(found)));
    const one = client(seen.url);
    for (let n = 0; n < 4; n += 1) {
      await one.users.get('usr_1').catch((error) => assert.equal(error.status, 404));
      await turn();
    }
    assert.deepEqual([seen.connections, seen.heads.length], [1, 4]);
  }
});

each('CONF-3: a connection that was closed in between costs neither a retry nor an error, even without a key', async (t, client) => {
  const seen = await server(t, (socket) => socket.end(asBytes(answer())));
  const one = client(seen.url, { maxRetries: 0 });
  for (let n = 0; n < 3; n += 1) {
    await create(one, settings.keyless);
    await turn();
  }
  assert.deepEqual([seen.connections, seen.heads.length], [3, 3]);
});

each('RETRY-2: a server that closes while a request is on its way may have acted: a key is sent again, a mutation without one is not', async (t, client) => {
  for (const [what, options] of Object.entries({ read: undefined, ...settings })) {
    const seen = await server(t, (socket, count) => (count === 1 ? socket.write(asBytes(answer())) : socket.end()));
    const one = client(seen.url);
    await one.users.get('usr_0');
    await turn();
    const call = what === 'read' ? one.users.get('usr_1') : create(one, options);
    const keys = () => seen.heads.flatMap((head) => /^idempotency-key: "(.*)"/im.exec(head)?.[1] ?? []);
    if (what === 'keyless') {
      const error = await failure(call);
      assert.deepEqual([error.code, error.outcome, error.attempts, seen.heads.length], ['connection_lost', 'unknown', 1, 2]);
    } else {
      assert.equal((await call.withResponse()).attempts, 2);
      assert.deepEqual([seen.connections, seen.heads.length, keys()], [2, 3, what === 'keyed' ? ['key-1', 'key-1'] : []]);
    }
  }
});

each('RETRY-10: a connection that is refused, and a host that has no address, have sent nothing', async (t, client) => {
  const free = createTcp();
  const port = await listening(t, free);
  await new Promise((resolve) => free.close(resolve));
  for (const url of [`http://127.0.0.1:${port}`, 'https://nobody.invalid']) {
    const error = await failure(create(client(url), settings.keyless));
    assert.deepEqual([error.code, error.outcome, error.attempts], ['connect_failed', 'not_sent', 3]);
  }
});

each('RETRY-10: a reset once the request left may have acted, and has, if its answer had begun', async (t, client) => {
  const before = await server(t, (socket) => socket.resetAndDestroy());
  const error = await failure(create(client(before.url), settings.keyless));
  assert.deepEqual([error.code, error.outcome, error.status, error.attempts], ['connection_lost', 'unknown', undefined, 1]);
  const head = 'HTTP/1.1 201 Created\r\ncontent-length: 20000000\r\n\r\n';
  const within = await server(t, (socket) => socket.write(head + ' '.repeat(15_000_000), () => socket.resetAndDestroy())); // more than sockets hold
  const lost = await failure(create(client(within.url), settings.keyless));
  assert.deepEqual([lost.code, lost.outcome, lost.status, lost.attempts], ['connection_lost', 'committed', 201, 1]);
});
