/** Makes many calls that fail, time out or are cancelled, and tells what is left of them. Run with --expose-gc. */
import { getEventListeners } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as slept } from 'node:timers/promises';
import { AdminAPIError, AdminClient } from '../../node-sdk/dist/index.js';

/** Calls at a time. */
const WORKERS = 16;
const BRIEF = { timeout: 30, maxRetries: 0 };
/** Gives up when asked to wait for a minute. */
const HURRIED = { deadline: 500, maxRetries: 2 };
/** Waits for the minute, and is cancelled then. */
const PATIENT = { maxRetries: 2 };
/** Calls before memory counts. */
const WARM = 240;
const CANCELLED = { mine: true };

const [baseUrl, calls] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'leaks-'));
process.env.TMPDIR = folder;
const began = performance.now();
const lasting = new AbortController();
const client = new AdminClient({ baseUrl, token: 'TOKEN', maxRetries: 0 });
const ended = {};

async function leftEarly(options) {
  for await (const user of client.users.export({}, options)) if (user.id) break;
}

/** Cancels the call once it is on the wire, or waits to be tried again. */
async function cancelled(call) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(CANCELLED), 20);
  try {
    await call({ signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** What a round of calls is made of; the test's world has a fault for each. All but the cancelled share one signal. */
const KINDS = [
  (options) => client.users.get('usr_none', options),
  (options) => client.users.list({}, options),
  (options) => client.roles.list({}, options),
  (options) => client.plugins.list({}, options),
  () => cancelled((options) => client.config.get('key', {}, options)),
  (options) => client.audit.events.get('evt_1', { ...options, ...BRIEF }),
  () => cancelled((options) => client.config.list({}, { ...options, ...PATIENT })),
  (options) => client.config.list({}, { ...options, ...HURRIED }),
  (options) => client.tokens.list({}, options),
  (options) => client.storage.objects.upload(new Uint8Array(1000), { name: 'x', alreadyEncrypted: true }, options),
  (options) => client.storage.objects.download('obj_none', { to: join(folder, 'out') }, options),
  (options) => client.users.delete('usr_none', {}, options),
  leftEarly,
];

async function round(number) {
  let how = 'ended';
  try {
    await KINDS[number % KINDS.length]({ signal: lasting.signal });
  } catch (error) {
    if (error !== CANCELLED && !(error instanceof AdminAPIError)) throw error;
    how = error === CANCELLED ? 'cancelled' : error.code;
  }
  ended[how] = (ended[how] ?? 0) + 1;
}

async function rounds(count) {
  const numbers = Array(Number(count)).keys();
  const worker = async () => {
    for (const number of numbers) await round(number);
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
}

const resources = (kind) => process.getActiveResourcesInfo().filter((name) => kind.test(name)).length;

/** What is in use, once all that can go has gone. */
async function memory() {
  for (let turn = 0; turn < 4; turn += 1) {
    gc();
    await slept(20); // real: what the runtime still has to put away
  }
  return process.memoryUsage().heapUsed;
}

await rounds(WARM);
const before = await memory();
for (const how of Object.keys(ended)) delete ended[how];
await rounds(calls);
const after = await memory();
const told = {
  ended,
  grown_bytes: after - before,
  connections: resources(/^TCPSocketWrap$/),
  timers: resources(/^Timeout$/),
  listeners: getEventListeners(lasting.signal, 'abort').length,
  process_listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
};
await client.close();
told.files = await readdir(folder);
await rm(folder, { recursive: true });
told.timers_closed = resources(/^Timeout$/);
told.seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify(told));
