/**
 * The driver of the Node SDK, as it is built: every clock asks the runner to sleep. It asserts nothing.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { argumentsOf, errorOf, optionsOf, rawOf, resultOf } from './neutral.mjs';

const DIST = new URL('../../node-sdk/dist/', import.meta.url);
const { mutant } = parseArgs({ options: { mutant: { type: 'string' } } }).values;
if (mutant !== undefined) {
  register('../mutants/node_mutants.mjs', { parentURL: import.meta.url, data: { mutant, dist: DIST.href } });
}

/** A room of the built package. */
async function room(path) {
  if (!existsSync(new URL('index.js', DIST))) throw new Error('The Node SDK is not built: run `npm run build` in node-sdk.');
  return await import(new URL(path, DIST));
}
const { AdminAPIError, AdminClient } = await room('index.js');
const encryption = await room('encryption.js');
const { OPERATIONS } = await room('_generated/operations.js');

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** The runner's time: the last it told, and sleeps that it ends. */
const time = {
  nowMs: 0,
  ids: 0,
  sleeping: new Map(),
  tell(nowMs) {
    this.nowMs = Math.max(this.nowMs, nowMs);
  },
};

/** The clock of one call, so that the runner knows who sleeps (SUITE-2). */
const clockOf = (call, random) => ({
  now: () => time.nowMs,
  monotonic: () => time.nowMs,
  random: () => random,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const aborted = () => reject(signal.reason);
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted, { once: true });
      time.ids += 1;
      time.sleeping.set(time.ids, () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      });
      say({ type: 'sleep', id: time.ids, call, from_ms: time.nowMs, until_ms: time.nowMs + Math.round(ms) });
    }),
});

/** Reads a list or a stream, item by item. */
async function consume(lazy, how, into) {
  if (how === 'first_page') return await lazy;
  for await (const item of lazy) {
    into.push(item);
    if (into.length === how) break;
  }
  return into;
}

const clients = new Map();
/** Call id → the signals of its calls. */
const calls = new Map();

async function call({ call: id, client, operation, args, options, consume: how, raw }) {
  const controller = new AbortController();
  calls.set(id, [...(calls.get(id) ?? []), controller]);
  const { made, random } = clients.get(client);
  const delivered = [];
  const folder = await mkdtemp(join(tmpdir(), 'admin-api-driver-'));
  const target = join(folder, 'downloaded');
  const done = { type: 'done', call: id };
  try {
    const info = OPERATIONS[operation];
    const resource = info.path.reduce((object, property) => object[property], made.withOptions({ clock: clockOf(id, random) }));
    const value = resource[info.method](...argumentsOf(info, args, target, encryption), { ...optionsOf(options), signal: controller.signal });
    if (raw) done.result = rawOf(await value.withResponse());
    else if (['pages', 'items', 'events'].includes(info.kind)) done.result = await resultOf(await consume(value, how, delivered), info);
    else done.result = await resultOf(await value, info, target);
  } catch (error) {
    if (error instanceof AdminAPIError) Object.assign(done, { error: errorOf(error), delivered });
    else if (controller.signal.aborted && error === controller.signal.reason) done.cancelled = true; // told to the runner, which asked for it
    else done.crash = error.stack ?? String(error); // whatever it is, the runner shows it
  }
  await rm(folder, { recursive: true });
  say(done);
}

const take = {
  client({ client, options: { random, ...options }, now_ms }) {
    time.nowMs = now_ms; // another world, another time
    calls.clear();
    try {
      clients.set(client, { made: new AdminClient({ ...optionsOf(options), clock: clockOf(null, random) }), random });
      say({ type: 'ok' });
    } catch (error) {
      if (!(error instanceof AdminAPIError)) throw error;
      say({ type: 'refused', error: errorOf(error) });
    }
  },
  call: (message) => void call(message),
  cancel: ({ call: id }) => calls.get(id).forEach((controller) => controller.abort()),
  slept({ id, now_ms }) {
    time.tell(now_ms);
    time.sleeping.get(id)();
    time.sleeping.delete(id);
  },
  now: ({ now_ms }) => time.tell(now_ms),
  async close({ client }) {
    await clients.get(client).made.close();
    clients.delete(client);
    say({ type: 'ok' });
  },
};

say({ type: 'hello', protocol: 1, driver: 'node', features: ['cancel', 'close'] });
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  await take[message.type](message);
}
