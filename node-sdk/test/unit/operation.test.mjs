/** An operation as data: its URL, its query, its body, its answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, bodyOf, pageOf, pathOf, queryOf, quoted, sorted } from '../../dist/operation.js';
import { call, JSON_TYPE, response, thrown, user } from './support/answers.mjs';

function refused(act, code) {
  const error = thrown(act);
  assert.deepEqual([error.name, error.code, error.outcome], ['ConfigurationError', code, 'not_sent']);
}

const json = (value) => JSON.parse(new TextDecoder().decode(bodyOf(value)));

test('CONF: a path value that would lead to another resource, or is no string, is refused', () => {
  for (const value of ['', '.', '..', null, undefined, 7, {}]) refused(() => pathOf('/api/v1/users/{user_id}', { user_id: value }), 'invalid_path_value');
});

test('CONF: whatever the value holds, it stays one segment, and no placeholder within it is filled', () => {
  const table = [
    ['usr_1', 'usr_1'], ['a/b', 'a%2Fb'], ['../x', '..%2Fx'], ['a?b#c', 'a%3Fb%23c'], ['%2e%2e', '%252e%252e'],
    ['ü €', '%C3%BC%20%E2%82%AC'], ['a.b~c-d', 'a.b~c-d'], ['{role}', '%7Brole%7D'], ['...', '...'], ["!'()*", '%21%27%28%29%2A'], ['$&', '%24%26'],
  ];
  for (const [value, segment] of table) assert.equal(pathOf('/users/{user_id}/roles/{role}', { user_id: value, role: 'admin' }), `/users/${segment}/roles/admin`);
});

test('CONF: what the server decodes is what was given, for any character', () => {
  const kinds = "/?#%&=+;[]{}.,: \\\"'<>!()*abc019-_~\0\t\n\x7füßé€漢😀\u202e";
  const value = `${kinds}${[...kinds].reverse().join('')}`;
  assert.equal(decodeURIComponent(pathOf('/{id}', { id: value }).slice(1)), value);
  assert.deepEqual([...new URLSearchParams(queryOf({ [value]: value, list: [value, '', 'x'] }))], [[value, value], ['list', value], ['list', ''], ['list', 'x']]);
});

test("CONF: half a surrogate pair has no form on the wire: the caller's mistake, told before anything is sent", () => {
  for (const act of [() => pathOf('/{id}', { id: '\ud800' }), () => queryOf({ q: '\ud800' }), () => queryOf({ '\ud800': 'q' })]) refused(act, 'invalid_text');
  for (const body of [{ q: '\ud800' }, { '\ud800': 'q' }, { q: ['\udc00'] }]) refused(() => bodyOf(body), 'invalid_body');
  assert.deepEqual(json({ q: '\ud83d\ude00' }), { q: '😀' });
});

test('Lists repeat their name, `deepObject` maps are name[key]=value, booleans are lower-case, times are UTC', () => {
  const table = [
    [{}, ''], [{ a: undefined, b: null }, ''], [{ q: 'a b&c=d+e/ü' }, 'q=a%20b%26c%3Dd%2Be%2F%C3%BC'], [{ q: '' }, 'q='],
    [{ limit: 7, dry_run: true, deleted: false }, 'limit=7&dry_run=true&deleted=false'], [{ role: ['a', 'b'] }, 'role=a&role=b'],
    [{ role: ['a'] }, 'role=a'], [{ role: [] }, ''], [{ at: new Date('2026-01-02T03:04:05.678900Z') }, 'at=2026-01-02T03%3A04%3A05.678Z'],
    [{ at: new Date('2026-01-02T01:00:00+02:00') }, 'at=2026-01-01T23%3A00%3A00.000Z'],
    [{ metadata: { 'a b': 'c', d: 'é' } }, 'metadata%5Ba%20b%5D=c&metadata%5Bd%5D=%C3%A9'], [{ metadata: {} }, ''],
  ];
  for (const [values, expected] of table) assert.equal(queryOf(values, ['metadata']), expected);
});

test('CONF: a moment that is none is refused, in the query and in the body, where it would have become null', () => {
  refused(() => queryOf({ at: new Date('never') }), 'invalid_datetime');
  for (const body of [{ at: new Date('never') }, { a: [new Date(NaN)] }]) refused(() => bodyOf(body), 'invalid_datetime');
});

test('RFC 7396: what is undefined is left out, null is null, a Date is its moment in UTC', () => {
  assert.deepEqual(json({ a: undefined, b: null }), { b: null });
  assert.deepEqual(json({ a: 'ü', b: 1, c: 1.5, d: true, e: [1], f: { g: null } }), { a: 'ü', b: 1, c: 1.5, d: true, e: [1], f: { g: null } });
  assert.deepEqual(json({ at: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)) }), { at: '2026-01-02T03:04:05.000Z' });
  assert.deepEqual(json({}), {});
});

test("CONF: a value without a JSON form is the caller's mistake, told before anything is sent", () => {
  const circular = [];
  circular.push(circular);
  for (const value of [NaN, Infinity, -Infinity, { a: [NaN] }, 1n, circular, () => 1, Symbol('x'), [() => 1], new Map([[1, 2]]), new Set([1]), new Uint8Array(2)]) {
    refused(() => bodyOf({ value }), 'invalid_body');
  }
  refused(() => bodyOf(undefined), 'invalid_body');
});

test('DESIGN 3: members go to the query, the headers or the body, as the document says', () => {
  const op = { id: 'x', method: 'PATCH', path: '/x', query: ['dry_run'], headers: { if_match: 'If-Match' }, body: 'application/json' };
  assert.deepEqual(sorted(op, { dry_run: true, if_match: '"e1"', email: null, name: undefined }), {
    query: { dry_run: true }, headers: { 'if-match': '"e1"' }, body: { email: null },
  });
});

test('CONF: an argument that travels as a header is checked like one, before anything is sent', () => {
  const op = { id: 'x', method: 'PATCH', path: '/x', headers: { if_match: 'If-Match' } };
  for (const value of ['"a"\r\nx: y', 'ü', '\0', 7, null, {}]) refused(() => sorted(op, { if_match: value }), 'invalid_header');
});

test('RFC 9651, section 3.3.3: a string escapes its quotes and backslashes', () => {
  assert.deepEqual(['a', 'a"b', 'a\\b'].map(quoted), ['"a"', '"a\\"b"', '"a\\\\b"']);
});

const GET = { id: 'users.get', method: 'GET', path: '/u/{id}' };
const LIST = { ...GET, id: 'users.list', page: { cursor: 'cursor', next_cursor: 'next_cursor', results: 'items' } };

test('An answer may grow: nothing unknown is lost, nothing unknown breaks it', () => {
  const document = user(1, { status: 'frozen', novel: { a: 1 } });
  assert.deepEqual(answerOf(GET, response(call(), 200, { headers: JSON_TYPE, body: JSON.stringify(document) })), document);
});

test('PAGE: a page has the items of the document, and a cursor that may be left out', () => {
  const page = (document) => pageOf(LIST, response(call(), 200, { headers: JSON_TYPE, body: JSON.stringify(document) }));
  const first = page({ items: [user(1), user(2)], next_cursor: 'c', total: 9 });
  assert.deepEqual([[...first].map(({ id }) => id), first.nextCursor], [['usr_1', 'usr_2'], 'c']);
  assert.equal(page({ items: [] }).nextCursor, null);
  for (const lie of [{}, { items: {} }, { items: [], next_cursor: 7 }]) assert.equal(thrown(() => page(lie)).name, 'DecodeError');
});

test('ERR: an answer that is not what the document says is a DecodeError; if it says that it is JSON, the call is committed', () => {
  const table = [
    ['[]', JSON_TYPE, 'committed'], ['{"id": "usr', JSON_TYPE, 'committed'], ['', JSON_TYPE, 'committed'], ['null', JSON_TYPE, 'committed'],
    ['<html>Sign in</html>', { 'content-type': 'text/html' }, 'unknown'], ['{}', { 'content-type': 'text/plain' }, 'unknown'],
    ['{}', {}, 'unknown'], [new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE, 'committed'],
  ];
  for (const [body, headers, outcome] of table) {
    const one = call({ method: 'POST', idempotencyKey: 'k', attempts: 2 });
    const error = thrown(() => answerOf(GET, response(one, 201, { body, headers: { ...headers, 'x-request-id': 'r1' } })));
    const facts = [error.name, error.outcome, error.status, error.requestId, error.idempotencyKey, error.attempts, error.operation, error.retryable];
    assert.deepEqual(facts, ['DecodeError', outcome, 201, 'r1', 'k', 2, 'users.get', false]);
    assert.match(error.message, /no JSON object/);
    assert.equal(error.cause, undefined);
  }
});

test('ERR: at most 500 characters of the body are shown; of operations with secrets (AUTH-9) not one', () => {
  for (const filler of ['x', 'ü', '😀']) {
    const { message } = thrown(() => answerOf(GET, response(call(), 200, { headers: JSON_TYPE, body: filler.repeat(2000) })));
    const count = message.split(filler).length - 1;
    assert.ok(count > 100 && count <= 500, String(count));
  }
  const { message } = thrown(() => answerOf(GET, response(call({ sensitive: true }), 200, { headers: JSON_TYPE, body: '{"secret": "hunter2' })));
  assert.doesNotMatch(message, /hunter2/);
});

test('ERR-3: a page where no body is expected is no success, for something in between may have answered; JSON is let pass', () => {
  const gone = { ...GET, noContent: true };
  const page = { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' };
  assert.deepEqual([thrown(() => answerOf(gone, response(call(), 200, page)))].map(({ name, outcome }) => [name, outcome]), [['DecodeError', 'unknown']]);
  assert.equal(answerOf(gone, response(call(), 200, { headers: JSON_TYPE, body: '{}' })), undefined);
});

test('DESIGN 3: a 204, and a 304 of an operation that may answer it, give undefined', () => {
  assert.equal(answerOf({ ...GET, noContent: true }, response(call(), 204)), undefined);
  assert.equal(answerOf({ ...GET, notModified: true }, response(call(), 304)), undefined);
});
