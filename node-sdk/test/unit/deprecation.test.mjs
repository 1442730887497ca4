/** Operations that go away: told of once per process. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;
const SUNSET = 'Fri, 01 Jan 2027 00:00:00 GMT';

/** Runs a program that calls an operation several times; its exit code and standard error. */
function told({ options = [], document = false, headers = {}, before = '' }) {
  const source = `import { AdminClient } from ${JSON.stringify(INDEX)};
    ${before}
    const headers = ${JSON.stringify(headers)};
    const made = () => new AdminClient({ baseUrl: 'http://localhost:1', token: 't', fetch: async () => new Response(null, { status: 204, headers }) });
    const client = made();
    const op = { id: 'old.call', method: 'GET', path: '/old', noContent: true, deprecated: ${document}, sunset: '2027-01-01' };
    const call = (client) => client.me._caller.call(op, {}, {});
    await Promise.all(Array.from({ length: 20 }, () => call(client)));
    await call(client.withOptions({ timeout: 1000 }));
    await call(made());
    await new Promise(setImmediate);`;
  const { status, stderr } = spawnSync(process.execPath, [...options, '--input-type=module', '--eval', source], { encoding: 'utf8', timeout: 20_000 });
  return [status, stderr.replace(/\(node:\d+\)/g, '(node)').split('\n').filter((line) => /deprecated/i.test(line))];
}

const WARNING = '(node) [operation_deprecated] DeprecationWarning: old.call is deprecated. It goes away on 2027-01-01.';

test('LOG-3: a deprecated operation warns once per process with its sunset, by document or by what the server says', () => {
  assert.deepEqual(told({ document: true }), [0, [WARNING]]);
  assert.deepEqual(told({ headers: { deprecation: '@1782864000', sunset: SUNSET } }), [0, [WARNING]]);
});

test("LOG-3: Node's own switches hold", () => {
  assert.deepEqual(told({ document: true, options: ['--no-deprecation'] }), [0, []]);
  const [status, lines] = told({ document: true, options: ['--throw-deprecation'] });
  assert.notEqual(status, 0);
  assert.match(lines.join('\n'), /old\.call is deprecated/);
});

test('LOG-3: where there is no `process.emitWarning`, the console is told', () => {
  assert.deepEqual(told({ document: true, before: 'process.emitWarning = undefined;' }), [0, [WARNING.replace(/^.*Warning: /, '')]]);
});

test('LOG-3: of what a server says only a date is repeated', () => {
  for (const sunset of ['', 'soon', 'Fri, 31 Feb 2027 00:00:00 GMT', `${SUNSET} x`]) {
    assert.deepEqual(told({ headers: { deprecation: '@1', sunset } }), [0, [WARNING.replace(' It goes away on 2027-01-01.', '')]]);
  }
});

test('LOG-3: an operation that stays says nothing', () => {
  assert.deepEqual(told({}), [0, []]);
});

