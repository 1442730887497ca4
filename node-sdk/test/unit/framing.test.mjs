/** Bytes → lines → events, whatever the chunks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lines, LineTooLong, ServerSentEvents } from '../../dist/framing.js';

const bytes = (text) => new TextEncoder().encode(text);

/** The data whole, cut in two and in three at every place, and in single bytes. */
function* splits(data) {
  yield [data];
  for (let i = 0; i <= data.length; i += 1) {
    yield [data.subarray(0, i), data.subarray(i)];
    for (let j = i; j <= data.length; j += 1) yield [data.subarray(0, i), data.subarray(i, j), data.subarray(j)];
  }
  yield Array.from(data, (_, i) => data.subarray(i, i + 1));
}

const fedBytes = (chunks, max) => {
  const lines = new Lines(max);
  return chunks.flatMap((chunk) => lines.feed(chunk));
};
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const fed = (chunks, max) => fedBytes(chunks, max).map((line) => decoder.decode(line));

test('STREAM: lines end in LF, CR or CRLF, whatever the chunks; only a first BOM is dropped', () => {
  const table = [
    ['a\nb\n', ['a', 'b']], ['a\r\nb\r\n', ['a', 'b']], ['a\rb\r', ['a', 'b']], ['a\n\rb\r\n\nc\n', ['a', '', 'b', '', 'c']],
    ['\n\n', ['', '']], ['\r\r\n\r', ['', '', '']], ['\r\n\r\n', ['', '']], ['\uFEFFa\n\uFEFFb\n', ['a', '\uFEFFb']],
    ['\uFEFF\n', ['']], ['a\nhalf', ['a']], ['half', []], ['', []], ['ü€😀\n', ['ü€😀']], ['\0\v\f\x1c\u2028\n', ['\0\v\f\x1c\u2028']],
  ];
  for (const [data, expected] of table) {
    for (const chunks of splits(bytes(data))) assert.deepEqual(fed(chunks), expected, JSON.stringify(data));
  }
});

test('STREAM: chunked or whole, the lines are the same', () => {
  let state = 7;
  const random = (below) => ((state = (state * 48_271) % 2_147_483_647), state % below); // the same run every time
  for (let round = 0; round < 300; round += 1) {
    const pieces = Array.from({ length: random(12) }, () => bytes(Array.from({ length: random(6) }, () => 'ab\r\n'[random(4)]).join('')));
    assert.deepEqual(fed(pieces), fed([Buffer.concat(pieces)]), JSON.stringify(pieces.map((piece) => String.fromCharCode(...piece))));
  }
});

test('STREAM: a line longer than `max_line_bytes` is refused, at whatever boundary it grows too long', () => {
  for (const data of ['12345\n', '1234\n12345\n', '12345', '\n12345', '12345\n1\n']) {
    for (const chunks of splits(bytes(data))) assert.throws(() => fed(chunks, 4), LineTooLong);
  }
});

test('STREAM: the limit itself is allowed, and many lines may be longer together', () => {
  for (const chunks of splits(bytes('1234\n1234\n\n1234\n'))) assert.deepEqual(fed(chunks, 4), ['1234', '1234', '', '1234']);
});

test('WHATWG HTML, section 9.2: fields, comments, several data lines, ids that stay; an unended event is dropped', () => {
  const one = (event, data, id) => ({ event, data, id });
  const table = [
    ['data: a\n\n', [one('message', 'a', '')]], ['data:a\n\n', [one('message', 'a', '')]], ['data:  a\n\n', [one('message', ' a', '')]],
    ['data\n\n', [one('message', '', '')]], ['data: a\ndata: b\n\n', [one('message', 'a\nb', '')]], ['event: x\ndata: a\n\n', [one('x', 'a', '')]],
    ['id: 1\ndata: a\n\ndata: b\n\n', [one('message', 'a', '1'), one('message', 'b', '1')]],
    ['id: 1\ndata: a\n\nid\ndata: b\n\n', [one('message', 'a', '1'), one('message', 'b', '')]],
    ['id: a\0b\ndata: a\n\n', [one('message', 'a', '')]], [': heartbeat\n\ndata: a\n\n', [one('message', 'a', '')]],
    ['event: x\n\ndata: a\n\n', [one('message', 'a', '')]], ['id: 7\n\ndata: a\n\n', [one('message', 'a', '7')]],
    ['event: end\n\n', [one('end', '', '')]], ['unknown: x\nDATA: x\n data: x\ndata: a\n\n', [one('message', 'a', '')]], ['data: a\n', []],
    ['data: a:b: c\r\n\r\n', [one('message', 'a:b: c', '')]], ['\uFEFFdata: a\r\r', [one('message', 'a', '')]],
  ];
  for (const [data, expected] of table) {
    for (const chunks of splits(bytes(data))) {
      const events = new ServerSentEvents();
      const found = fedBytes(chunks).map((line) => events.feed(line)).filter((event) => event !== undefined);
      assert.deepEqual(found, expected, JSON.stringify(data));
    }
  }
});

test('STREAM: `retry:` is milliseconds in ASCII digits, all else is ignored', () => {
  const table = [['retry: 1500', 1500], ['retry:0', 0], ['retry: -1', undefined], ['retry: 1.5', undefined], ['retry: ٥', undefined], ['retry', undefined], ['retry: 1e3', undefined]];
  for (const [line, ms] of table) {
    const events = new ServerSentEvents();
    events.feed(bytes(line));
    assert.equal(events.retry, ms, line);
  }
});
