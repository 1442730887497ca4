/** The records: one per call, per attempt and per retry, the same texts and fields as Python's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plain } from '../../dist/layers/records.js';
import { answer, failure, problem, tokenAnswer, user } from './support/answers.mjs';
import { LOST, wire } from './support/wire.mjs';

/** A logger that keeps what it is told: level, text, fields. */
function keeping() {
  const records = [];
  const of = (level) => (text, fields) => void records.push([level, text, fields]);
  return { records, logger: { debug: of('debug'), info: of('info'), warn: of('warn') } };
}

const NDJSON = { 'content-type': 'application/x-ndjson', 'x-request-id': 'req_1' };
const LINE = `${JSON.stringify(user())}\n`;

test('LOG: at info one record per call and one per retry; at debug one per attempt; all of it in fields too', async (t) => {
  const server = await wire(t, problem(503, 'busy', { headers: { 'retry-after': '7' } }), answer());
  const { records, logger } = keeping();
  await server.client({ logger, logLevel: 'debug' }).users.get('usr_1');
  const url = `${server.url}/api/v1/users/usr_1`;
  assert.deepEqual(records.map(([level, text]) => [level, text]), [
    ['debug', `users.get attempt 1: GET ${url} 503 in 0 ms`],
    ['info', 'users.get attempt 1 failed (503), next in 7000 ms'],
    ['debug', `users.get attempt 2: GET ${url} 200 in 0 ms`],
    ['info', 'users.get 200 after 2 attempts in 7000 ms, request id req_1'],
  ]);
  const [[, , { request_headers: sent, response_headers: answered, ...ofAttempt }], [, , ofRetry], , [, , ofCall]] = records;
  assert.deepEqual(ofAttempt, { operation: 'users.get', attempt: 1, method: 'GET', url, status: 503, duration_ms: 0, request_id: 'req_1' });
  assert.deepEqual([sent.authorization, sent.accept, answered['retry-after']], ['REDACTED', 'application/json, application/problem+json', '7']);
  assert.deepEqual(ofRetry, { operation: 'users.get', attempt: 1, status: 503, delay_ms: 7000, request_id: 'req_1' });
  assert.deepEqual(ofCall, { operation: 'users.get', method: 'GET', status: 200, attempts: 2, duration_ms: 7000, request_id: 'req_1' });
});

test('LOG: whatever is in headers, request id and problem code, a record is one short line of visible ASCII', async (t) => {
  const line = 'users.delete 204 after 1 attempts';
  const forged = `x\n${line}\r\u001b[2K\u0085\u2028${line}${'y'.repeat(9000)}`;
  const server = await wire(t, problem(404, forged, { headers: { 'x-request-id': `r\u0085 ${line}`, etag: `"\u009b2K%s%d"` } }));
  const { records, logger } = keeping();
  await failure(server.client({ logger, logLevel: 'debug' }).users.get('usr_1'));
  assert.equal(records.length, 2);
  for (const [, text, fields] of records) {
    for (const each of [text, ...Object.values({ ...fields, ...fields.response_headers }).filter((value) => typeof value === 'string')]) {
      assert.match(each, /^[ -~]{0,2000}$/);
    }
  }
  assert.ok(records[1][1].startsWith(`users.get NotFoundError x\\u000a${line}\\u000d\\u001b[2K\\u0085\\u2028${line}y`));
});

test('LOG: what is not visible ASCII is written as the units of UTF-16, in both languages', () => {
  assert.equal(plain('a\nb\x7f\u00e9\u{1f600}\ud800 ~'), 'a\\u000ab\\u007f\\u00e9\\ud83d\\ude00\\ud800 ~');
});

test('LOG: `console` and its like, which take a first argument for a format, find none in it', async (t) => {
  const server = await wire(t, { status: 204 });
  const { records, logger } = keeping();
  await server.client({ logger, logLevel: 'debug' }).request('GET', '/a%c3%a4%s%/%df%%');
  assert.equal(records.length, 2);
  for (const [, text] of records) {
    assert.match(text, /\/a%C3%A4%25s%25\/%DF%25%25/);
    assert.doesNotMatch(text, /%[sdifjoOc%]/);
  }
});

for (const [how, taken, ending, script] of [
  ['read to its end', 9, 'ended', [LINE, '{"$end":{"count":1}}\n']],
  ['left', 1, 'left', [LINE + LINE]],
  ['broken', 9, 'interrupted', [LINE, LOST]],
  ['unreadable', 9, 'decode_error', ['[]\n']],
]) {
  test(`LOG: the record of a stream that is ${how} comes when it is over, and says so`, async (t) => {
    const server = await wire(t, (_, response) => {
      response.writeHead(200, NDJSON);
      for (const part of script) {
        if (typeof part === 'string') response.write(part);
        else setTimeout(() => part(_, response), 20);
      }
      if (ending === 'ended') response.end();
    });
    const { records, logger } = keeping();
    let seen = 0;
    try {
      for await (const _ of server.client({ logger, maxRetries: 0 }).users.export()) {
        assert.deepEqual(records, []);
        if ((seen += 1) === taken) break;
      }
    } catch (error) {
      assert.ok(['StreamInterruptedError', 'DecodeError'].includes(error.name), error);
    }
    assert.deepEqual(records.map(([, text]) => text), [`users.export 200 ${ending} after 1 attempts in 0 ms, request id req_1`]);
    assert.equal(records[0][2].ending, ending);
  });
}

test('LOG: a call that neither succeeds nor fails has its record too, and so has its attempt', async (t) => {
  const controller = new AbortController();
  const server = await wire(t, () => controller.abort());
  const { records, logger } = keeping();
  await failure(server.client({ logger, logLevel: 'debug' }).users.get('usr_1', { signal: controller.signal }));
  const raising = () => async () => { throw new RangeError('hunter2'); };
  await failure(server.client({ logger, perCall: [raising] }).users.get('usr_1'));
  assert.deepEqual(records.map(([, text]) => text), [
    `users.get attempt 1: GET ${server.url}/api/v1/users/usr_1 cancelled in 0 ms`,
    'users.get cancelled after 1 attempts in 0 ms',
    'users.get RangeError after 0 attempts in 0 ms',
  ]);
});

test('LOG: a logger that throws, or whose promise is rejected, fails no call, and is told of on the console', async (t) => {
  const server = await wire(t, problem(503, 'busy'), answer(), answer(), problem(404, 'not_found'));
  server.tokens.push(tokenAnswer('a'), problem(503, 'busy'));
  const told = t.mock.method(console, 'error', () => undefined);
  const broken = () => { throw new Error('disk full'); };
  const client = server.client({ clientId: 'c', clientSecret: 's', logger: { debug: broken, info: broken, warn: broken }, logLevel: 'debug' });
  assert.equal((await client.users.get('usr_1')).id, 'usr_1');
  const late = async () => { throw new Error('disk full'); };
  const slow = server.client({ logger: { debug: late, info: late, warn: late } });
  assert.equal((await slow.users.get('usr_1')).id, 'usr_1');
  assert.equal((await failure(slow.users.get('usr_1'))).name, 'NotFoundError');
  await new Promise(setImmediate);
  assert.equal(told.mock.callCount(), 4 + 1 + 2);
});
