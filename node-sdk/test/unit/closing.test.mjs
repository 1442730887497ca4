/** After `close()` nothing of the SDK keeps a process alive: a child must end by itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answer, problem, tokenAnswer } from './support/answers.mjs';
import { wire } from './support/wire.mjs';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

/** Runs a program with a client; what it prints, and how it ended. It must end by itself; the limit is the test's own. */
async function program(t, url, body) {
  const source = `import { AdminClient } from ${JSON.stringify(`file://${DIST}/index.js`)};
    import { nodeFetch } from ${JSON.stringify(`file://${DIST}/node.js`)};
    const url = ${JSON.stringify(url)};
    ${body}
    await new Promise(setImmediate);
    // idle connections are the runtime's own, and do not keep it alive: that is seen by its end
    console.log(process.getActiveResourcesInfo().filter((name) => !/^(TTYWrap|PipeWrap|TCPSocketWrap|CloseReq|Immediate)$/.test(name)).join());`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.exitCode ?? child.kill('SIGKILL'));
  let printed = '';
  let printedAt = Infinity;
  child.stdout.on('data', (chunk) => ((printed += chunk), (printedAt = performance.now())));
  const [code] = await once(child, 'close');
  assert.ok(performance.now() - printedAt < 2000, 'it did not end at once'); // a kept-alive connection would last for 4 s
  return [code, printed.trim()];
}

const options = { timeout: 20_000 };

test('CONF: after calls, tokens and a stream left early, `close()` leaves no handle, listener or timer', options, async (t) => {
  const server = await wire(t, answer(), (_, response) => response.writeHead(200).write('{"id":"usr_1"}\n'));
  server.tokens.push(tokenAnswer());
  assert.deepEqual(await program(t, server.url, `
    const client = new AdminClient({ baseUrl: url, clientId: 'c', clientSecret: 's' });
    await client.users.get('usr_1');
    for await (const user of client.users.export()) break;
    await client.close();`), [0, '']);
});

test('CONF: `close()` while a call waits to try again, hangs, or waits for a token leaves no timer of a minute behind', options, async (t) => {
  const busy = problem(503, 'busy', { headers: { 'retry-after': '60' } });
  for (const script of [[busy], [() => undefined]]) {
    const server = await wire(t, ...script);
    assert.deepEqual(await program(t, server.url, `
      const client = new AdminClient({ baseUrl: url, token: 't' });
      const ended = client.users.get('usr_1').catch((error) => error.code);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await client.close();
      if (await ended !== 'client_closed') throw new Error(await ended);`), [0, '']);
  }
  const server = await wire(t);
  server.tokens.push(() => undefined);
  assert.deepEqual(await program(t, server.url, `
    const client = new AdminClient({ baseUrl: url, clientId: 'c', clientSecret: 's' });
    const ended = client.users.get('usr_1').catch((error) => error.code);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await client.close();
    if (await ended !== 'client_closed') throw new Error(await ended);`), [0, '']);
});

test('CONF: connections of `nodeFetch` that are idle keep no process alive', options, async (t) => {
  const server = await wire(t, answer());
  assert.deepEqual(await program(t, server.url, `
    const client = new AdminClient({ baseUrl: url, token: 't', fetch: nodeFetch({ proxy: null }) });
    await client.users.get('usr_1');
    await client.close();`), [0, '']);
});
