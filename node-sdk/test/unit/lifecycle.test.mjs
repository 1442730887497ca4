/** The life of a client: copies, closing, `await using`, and what is left when nobody closes it (CONF-1). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transpile } from 'typescript';
import { AdminClient } from '../../dist/index.js';
import { answer, failure, page, user } from './support/answers.mjs';
import { wire } from './support/wire.mjs';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;
const NODE_24 = fileURLToPath(new URL('../../../tests/runtimes/node_modules/node24/bin/node', import.meta.url));

test('CONF-1: the close of a client, a copy or its copy is the close of all; twice does no harm', async (t) => {
  for (const which of [0, 1, 2]) {
    const server = await wire(t, answer(), answer(), answer());
    const first = server.client();
    const copy = first.withOptions({ timeout: 1000 });
    const family = [first, copy, copy.withOptions({ maxRetries: 0 })];
    for (const client of family) await client.users.get('usr_1');
    await family[which].close();
    await family[which].close();
    for (const client of family) {
      const error = await failure(client.users.get('usr_1'));
      assert.deepEqual([error.code, error.outcome], ['client_closed', 'not_sent']);
    }
    assert.equal(server.requests.length, 3);
  }
});

test('CONF-1: a copy of a subclass is one, with what it has of its own, and calls by its own limits', async (t) => {
  const server = await wire(t, answer(), answer());
  class Ours extends AdminClient {
    #made = 'here';
    constructor(tenant) {
      super({ baseUrl: server.url, token: 't' });
      this.tenant = tenant;
    }
    greet() {
      return this.tenant;
    }
  }
  const ours = new Ours('blue');
  const copy = ours.withOptions({ timeout: 1000 });
  assert.ok(copy instanceof Ours);
  assert.equal(copy.greet(), 'blue');
  assert.notEqual(copy.users, ours.users);
  await copy.users.get('usr_1');
  await copy.withOptions({}).users.get('usr_1');
  await ours.close();
  assert.equal((await failure(copy.users.get('usr_1'))).code, 'client_closed');
});

const USING = `
import { AdminClient } from ${JSON.stringify(INDEX)};
const fetch = async () => new Response('{"id":"usr_1"}', { headers: { 'content-type': 'application/json' } });
let kept;
try {
  await using client = new AdminClient({ baseUrl: 'http://localhost:1', token: 't', fetch });
  kept = client;
  console.log((await client.users.get('usr_1')).id);
  throw new RangeError('mine');
} catch (error) {
  console.log(error.message);
}
console.log(await kept.users.get('usr_1').catch((error) => error.code));
`;

test('CONF-1: `await using` closes at the end of the block, and keeps the error that ends it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'admin-api-using-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const compiled = join(folder, 'using.mjs');
  writeFileSync(compiled, transpile(USING, { target: 9, module: 99 })); // ES2022 and ESNext: without the syntax
  const plain = join(folder, 'plain.mjs');
  writeFileSync(plain, USING);
  const runs = [[process.execPath, compiled]];
  if (existsSync(NODE_24)) runs.push([NODE_24, compiled], [NODE_24, plain]);
  for (const [program, file] of runs) {
    const { status, stdout, stderr } = spawnSync(program, [file], { encoding: 'utf8', timeout: 20_000 });
    assert.deepEqual([status, stdout, stderr], [0, 'usr_1\nmine\nclient_closed\n', '']);
  }
});

/** Runs a program against the server that never closes its client; what it writes, and how it ends. */
async function life(server, body) {
  const { spawn } = await import('node:child_process');
  const source = `import { AdminClient } from ${JSON.stringify(INDEX)};
    const made = (options = {}) => new AdminClient({ baseUrl: ${JSON.stringify(server.url)}, token: 't', maxRetries: 0, ...options });
    ${body}`;
  const child = spawn(process.execPath, ['--expose-gc', '--trace-warnings', '--unhandled-rejections=strict', '--input-type=module', '--eval', source]);
  let written = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (written += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [code] = await new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  clearTimeout(timer);
  return [code, written];
}

const LINE = `${JSON.stringify(user())}\n`;
const hanging = (_, response) => response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(LINE + LINE);

for (const [what, script, body] of [
  ['a client that nobody closes', [answer()], `await made().users.get('usr_1'); gc();`],
  ['a stream left', [hanging], `for await (const _ of made().users.export()) break; gc();`],
  ['a list left', [page([1, 2], 'more')], `for await (const _ of made().users.list()) break; gc();`],
  ['a call that nobody waits for', [answer()], `void made().users.get('usr_1');`],
  ['an answer with its facts, dropped', [answer()], `void made().users.get('usr_1').withResponse(); gc();`],
  ['a hundred calls at once, with one signal', Array.from({ length: 100 }, () => answer()), `
    const { signal } = new AbortController(), client = made();
    await Promise.all(Array.from({ length: 100 }, () => client.users.get('usr_1', { signal })));`],
  ['a hundred copies', [answer()], `
    let client = made();
    for (let n = 0; n < 100; n += 1) client = client.withOptions({ timeout: 1000 + n });
    await client.users.get('usr_1');`],
]) {
  test(`CONF-1: ${what}: the process ends by itself and says nothing`, async (t) => {
    const server = await wire(t, ...script);
    assert.deepEqual(await life(server, body), [0, '']);
  });
}
