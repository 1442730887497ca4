/** Exports and event streams that resume where they broke. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { failure, problem, user } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { wire } from './support/wire.mjs';

const END = (count) => `{"$end":{"count":${count}}}\n`;
const lines = (...numbers) => numbers.map((number) => `${JSON.stringify(user(number))}\n`).join('');
const ids = (items) => items.map(({ id }) => id);
const NDJSON = { 'content-type': 'application/x-ndjson' };
const SSE = { 'content-type': 'text/event-stream' };

/** Sends the pieces, then ends, or loses the connection. */
const streaming = (headers, pieces, { lose = false, hang = false } = {}) => async (_, answer) => {
  answer.writeHead(200, { ...headers, 'x-request-id': 'r1' });
  answer.flushHeaders();
  for (const piece of pieces) await new Promise((resolve) => answer.write(piece, resolve));
  if (hang) return;
  if (!lose) return void answer.end();
  await new Promise(setImmediate);
  answer.socket.destroy();
};
const exported = (...args) => streaming(NDJSON, ...args);
const events = (...args) => streaming(SSE, ...args);
const event = (number) => `id: ${number}\ndata: {"id":"evt_${number}"}\n\n`;
const after = (server) => server.requests.map(({ url }) => new URL(url, server.url).searchParams.get('after'));
const lastIds = (server) => server.requests.map(({ headers }) => headers['last-event-id']);

async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

test('STREAM: items are in order; the last line is not delivered; nothing is sent before it is read', async (t) => {
  const server = await wire(t, exported([lines(1, 2), END(2)]));
  const stream = server.client().users.export();
  assert.equal(server.requests.length, 0);
  assert.deepEqual([ids(await all(stream)), stream.lastId], [['usr_1', 'usr_2'], 'usr_2']);
  assert.deepEqual([server.requests[0].headers.accept, server.requests[0].headers['accept-encoding']], ['application/x-ndjson, application/problem+json', 'identity']);
});

test('STREAM: wherever the connection is lost, resuming with `after` loses nothing, doubles nothing, halves nothing', async (t) => {
  const whole = lines(1, 2, 3);
  for (let at = 0; at < whole.length; at += 41) {
    const delivered = whole.slice(0, at).split('\n').length - 1;
    const rest = [1, 2, 3].slice(delivered);
    const server = await wire(t, exported([whole.slice(0, at)], { lose: true }), exported([lines(...rest), END(3)]));
    assert.deepEqual(ids(await all(server.client().users.export())), ['usr_1', 'usr_2', 'usr_3'], `at ${at}`);
    assert.deepEqual(after(server), [null, delivered === 0 ? null : `usr_${delivered}`]);
  }
});

test('STREAM: EOF before the last line, or a last line without LF, is an interruption; the partial line is dropped', async (t) => {
  const server = await wire(t, exported([lines(1)]), exported([lines(2), END(2).trimEnd()]), exported([END(2)]));
  const clock = new SteppingClock();
  assert.deepEqual(ids(await all(server.client({ clock }).users.export())), ['usr_1', 'usr_2']);
  assert.deepEqual([after(server), clock.sleeps], [[null, 'usr_1', 'usr_2'], [500, 500]]);
});

test('STREAM: the last line is an object whose one member is `$end`; an item that merely mentions it is an item', async (t) => {
  const server = await wire(t, exported([`{"id":"usr_1","$end":{"count":1}}\n{"$end":{},"id":"usr_2"}\n`, END(2)]));
  assert.deepEqual(ids(await all(server.client().users.export())), ['usr_1', 'usr_2']);
});

test('STREAM: LF, CR, CRLF and blank lines, in any chunks, after a BOM', async (t) => {
  const data = Buffer.from(`\uFEFF{"id":"usr_1","x":"ü€😀"}\r\n\r\n{"id":"usr_2"}\r{"id":"usr_3"}\n{"$end":{"count":3}}\n`);
  const server = await wire(t, exported(Array.from(data, (byte) => Buffer.of(byte))));
  const items = await all(server.client().users.export());
  assert.deepEqual([ids(items), items[0].x], [['usr_1', 'usr_2', 'usr_3'], 'ü€😀']);
});

test('STREAM: the attempt counter returns to zero with each delivered item', async (t) => {
  const server = await wire(t, ...[1, 2, 3, 4, 5].map((number) => exported([lines(number)])), exported([END(5)]));
  const clock = new SteppingClock();
  assert.equal((await all(server.client({ clock, maxRetries: 1 }).users.export())).length, 5);
  assert.deepEqual(clock.sleeps, [500, 500, 500, 500, 500]);
});

test('STREAM: more than `maxRetries` fruitless reconnects in a row: StreamInterruptedError with the last id', async (t) => {
  const server = await wire(t, exported([lines(1)]), exported([]), exported([]));
  const clock = new SteppingClock();
  const error = await failure(all(server.client({ clock }).users.export()));
  assert.deepEqual([error.name, error.lastId, error.retryable, error.outcome, clock.sleeps], ['StreamInterruptedError', 'usr_1', true, 'unknown', [500, 1000]]);
});

test('STREAM: a reconnect that is answered 503 again and again is fruitless too, and not retried twice over', async (t) => {
  const server = await wire(t, exported([lines(1)]), problem(503, 'busy'), problem(503, 'busy'));
  const error = await failure(all(server.client().users.export()));
  assert.deepEqual([error.name, error.lastId, server.requests.length], ['StreamInterruptedError', 'usr_1', 3]);
});

test('STREAM: a stream that never opened was not interrupted; 410 on a reconnect is final: the gap is told', async (t) => {
  const server = await wire(t, problem(403, 'forbidden'), exported([lines(1)]), problem(410, 'resume_point_gone'));
  const client = server.client();
  assert.equal((await failure(all(client.users.export()))).name, 'PermissionDeniedError');
  const error = await failure(all(client.users.export()));
  assert.deepEqual([error.name, error.code, server.requests.length], ['GoneError', 'resume_point_gone', 3]);
});

test('STREAM: an item that is not JSON, not UTF-8 or no object is a DecodeError; the connection is closed', async (t) => {
  for (const bad of ['{"id":\n', '[1]\n', 'null\n', '7\n', Buffer.from('{"id":"usr_\xff"}\n', 'latin1')]) {
    let hungUp;
    const server = await wire(t, async (request, answer) => {
      hungUp = once(answer, 'close');
      await exported([lines(1), bad], { hang: true })(request, answer);
    });
    const error = await failure(all(server.client().users.export()));
    assert.deepEqual([error.name, error.requestId, error.operation], ['DecodeError', 'r1', 'users.export'], bad);
    await hungUp;
  }
});

test('STREAM: a line over 16 MiB is a DecodeError, and memory stays bounded', async (t) => {
  const server = await wire(t, exported(Array.from({ length: 18 }, () => 'x'.repeat(1_048_576)), { hang: true }));
  const error = await failure(all(server.client().users.export()));
  assert.match(error.message, /a line is longer than 16777216 bytes/);
});

test('STREAM: who stops early, by `break`, `close()` or `await using`, frees the connection at once', async (t) => {
  const stops = [
    async (stream) => { for await (const _ of stream) break; },
    async (stream) => { await stream[Symbol.asyncIterator]().next(); await stream.close(); },
    async (stream) => { await stream[Symbol.asyncIterator]().next(); await stream[Symbol.asyncDispose](); },
  ];
  for (const stop of stops) {
    let hungUp;
    const server = await wire(t, async (request, answer) => {
      hungUp = once(answer, 'close');
      await exported([lines(1, 2)], { hang: true })(request, answer);
    });
    await stop(server.client().users.export());
    await hungUp;
  }
});

test("RETRY-9: the user's reason ends a stream at once, unwrapped, while it is read and while it waits to reconnect", async (t) => {
  const server = await wire(t, exported([lines(1)], { hang: true }), exported([lines(1)]));
  let controller = new AbortController();
  const stop = async (stream) => { for await (const _ of stream) setImmediate(() => controller.abort('mine')); };
  assert.equal(await failure(stop(server.client().users.export({}, { signal: controller.signal }))), 'mine');
  controller = new AbortController();
  const clock = new SteppingClock();
  clock.sleep = (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  assert.equal(await failure(stop(server.client({ clock }).users.export({}, { signal: controller.signal }))), 'mine');
});

test('CONF: `close()` ends a stream while it is read and while it waits to reconnect', async (t) => {
  const server = await wire(t, exported([lines(1)], { hang: true }), exported([lines(1)]));
  for (const clock of [new SteppingClock(), { ...new SteppingClock(), now: () => 0, monotonic: () => 0, random: () => 1, sleep: () => new Promise(() => undefined) }]) {
    const client = server.client({ clock });
    const error = await failure((async () => { for await (const _ of client.users.export()) setImmediate(() => client.close()); })());
    assert.deepEqual([error.name, error.code], ['APIConnectionError', 'client_closed']);
  }
});

test('CONF: headers and query of the options go with every connection, `maxRetries` counts its reconnects', async (t) => {
  const server = await wire(t, exported([lines(1)]), exported([END(1)]));
  await all(server.client().users.export({}, { headers: { 'x-mine': 'y' }, query: { extra: '1' }, maxRetries: 1 }));
  assert.deepEqual(server.requests.map(({ url, headers }) => [url.includes('extra=1'), headers['x-mine']]), [[true, 'y'], [true, 'y']]);
});

test('STREAM: heartbeats are not delivered; `event: end` ends the stream, and so does a 204', async (t) => {
  const server = await wire(t, events([': hello\n\n', event(1), ': heartbeat\n\n', event(2), 'event: end\n\n']), { status: 204 });
  const client = server.client();
  assert.deepEqual(ids(await all(client.audit.events.stream())), ['evt_1', 'evt_2']);
  assert.deepEqual(await all(client.audit.events.stream()), []);
});

test('STREAM: SSE resumes with Last-Event-ID, the caller\'s at first; an event that never ended is dropped and comes again', async (t) => {
  const server = await wire(t, events([event(1), event(2).slice(0, -1)]), events([event(2), 'event: end\n\n']));
  assert.deepEqual(ids(await all(server.client().audit.events.stream({ last_event_id: '0' }))), ['evt_1', 'evt_2']);
  assert.deepEqual(lastIds(server), ['0', '1']);
});

test("STREAM: `retry:` raises the backoff's floor, never over its cap", async (t) => {
  const server = await wire(t, events(['retry: 3000\n', event(1)]), events(['retry: 99999\n', event(2)]), events(['event: end\n\n']));
  const clock = new SteppingClock();
  await all(server.client({ clock }).audit.events.stream());
  assert.deepEqual(clock.sleeps, [3000, 8000]);
});

test('STREAM: 410 is final, and says what is the oldest; never a silent gap', async (t) => {
  const server = await wire(t, events([event(1)]), problem(410, 'events_expired', { oldest_sequence: '9' }));
  const error = await failure(all(server.client().audit.events.stream()));
  assert.deepEqual([error.name, error.code, error.problem.oldest_sequence], ['GoneError', 'events_expired', '9']);
});

test('RETRY-6: for a streamed answer `timeout` counts to the last header byte; a pause later on breaks nothing', async (t) => {
  const server = await wire(t, async (_, answer) => {
    answer.writeHead(200, NDJSON);
    answer.write(lines(1));
    await new Promise((resolve) => setTimeout(resolve, 60)); // real: what is tested is a timer that must not be running
    answer.end(END(1));
  });
  assert.equal((await all(server.client({ timeout: 30 }).users.export())).length, 1);
});

test('STREAM: liveness counts any byte: a connection without one for so long counts as lost, and the stream resumes', async (t) => {
  const server = await wire(t, events([event(1)], { hang: true }), events([event(2), 'event: end\n\n']));
  const stream = server.client().audit.events.stream();
  stream.liveness = 30;
  assert.deepEqual([ids(await all(stream)), lastIds(server)], [['evt_1', 'evt_2'], [undefined, '1']]);
});

test('STREAM: `idleTimeout` counts items: heartbeats prove the line, not that there is something to read', async (t) => {
  const server = await wire(t, async (_, answer) => {
    answer.writeHead(200, SSE);
    answer.write(event(1));
    const timer = setInterval(() => answer.write(': heartbeat\n\n'), 5);
    answer.on('close', () => clearInterval(timer));
  });
  const clock = new SteppingClock();
  clock.monotonic = () => performance.now(); // heartbeats are real, so what they do not prolong must be too
  const stream = server.client({ clock }).audit.events.stream();
  stream.idleTimeout = 60;
  const error = await failure(all(stream));
  assert.deepEqual([error.name, error.code, error.requestId, stream.lastId], ['APITimeoutError', 'idle_timeout', undefined, '1']);
});
