/** The control plane's client where there is no control plane. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Control } from '@admin-api/sdk/testing';
import { Operations } from '../../dist/_generated/control.js';
import { Wire } from '../../dist/testing/wire.js';

const http = (body, mediaType = 'application/json', status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${mediaType}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A foreign server that answers each connection with the same bytes, then closes; its URL. */
async function answering(context, answer, pause = 0) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', async () => {
      for (const piece of pause ? answer : [answer]) {
        socket.write(piece);
        if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
        if (socket.destroyed) return;
      }
      socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

const FOREIGN = {
  html: http('<h1>It works!</h1>', 'text/html'),
  kind: http('{"worlds": 1}'),
  member: http('{}'),
  array: http('[]'),
  half: http('{"worlds": ['),
  gateway: http('<h1>No</h1>', 'text/html', '502 Bad Gateway'),
  'no code': http('{}', 'application/problem+json', '404 Not Found'),
  redirect: http('', 'text/html', '301 Moved Permanently'),
  ssh: 'SSH-2.0-OpenSSH_9.6\r\n',
};

for (const [name, answer] of Object.entries(FOREIGN)) {
  test(`TESTING: a foreign answer is told: ${name}`, async (context) => {
    const url = await answering(context, answer);
    await assert.rejects(new Control(url).worlds(), { name: 'ControlError', operation: 'worlds.list', code: 'unknown_answer' });
  });
}

for (const answer of ['', http('{"worlds": []}').slice(0, -1)]) {
  test(`TESTING: a connection that is closed is told: after ${answer.length} bytes`, async (context) => {
    const url = await answering(context, answer);
    await assert.rejects(new Control(url).worlds(), { code: 'unreachable', message: /cannot be reached/ });
  });
}

test('TESTING: the timeout is one of the whole answer, not of each of its bytes', async (context) => {
  const wire = new Wire(await answering(context, http('{"worlds": []}'), 20));
  const begin = performance.now();
  await assert.rejects(new Operations((call) => wire.send(call, 100)).worldsList(), { code: 'timed_out' });
  assert.ok(performance.now() - begin < 2_000);
});

test('TESTING: only a root URL is taken', () => {
  for (const url of ['http://localhost:1/w/mine', 'localhost:8443', 'ftp://localhost', '']) {
    assert.throws(() => new Control(url), /root URL/, url);
  }
  assert.equal(new Control('http://localhost:1/').url, 'http://localhost:1');
});
