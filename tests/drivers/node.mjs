/**
 * The driver of the Node SDK, as it is built: every clock asks the runner to sleep. It asserts nothing.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire, register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { argumentsOf, errorOf, infoOf, optionsOf, rawOf, resultOf, shownBy } from './neutral.mjs';

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
const { openTelemetry } = await room('opentelemetry.js');
const peer = createRequire(new URL('../package.json', DIST));
const { BasicTracerProvider } = peer('@opentelemetry/sdk-trace-base');
const { W3CTraceContextPropagator } = peer('@opentelemetry/core');
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

/** A function that gives a value a call, the last for ever. */
const oneByOne = ([...left]) => () => (left.length > 1 ? left.shift() : left[0]);

/** A layer of the user's own that tells the runner what comes by. */
const passing = (slot) => (send) => async (request) => {
  const outcome = await send(request);
  const { operation, attempts } = request.call;
  say({ type: 'passage', slot, operation, attempt: attempts, authorized: 'authorization' in request.headers, status: outcome.status ?? null });
  return outcome;
};

const record = (level) => (text, fields = {}) => say({ type: 'log', level, text, fields });
const logger = { debug: record('debug'), info: record('info'), warn: record('warning') };

/** Spans go to the runner as they end. */
const ends = {
  onStart: () => undefined,
  onEnd: ({ name, status, attributes, events }) =>
    say({ type: 'span', name, failed: status.code === 2 ? (status.message ?? '') : null, attributes, events: events.map((event) => ({ name: event.name, attributes: event.attributes })) }),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};

/** Options of a client with what the case names in place of what it stands for. */
function clientOptions({ ids, token_function, log, slots, telemetry, ...rest }) {
  return {
    ...optionsOf(rest),
    ...(ids && { newId: oneByOne(ids) }),
    ...(token_function && { token: oneByOne(token_function) }),
    ...(log && { logger, logLevel: log }),
    ...(telemetry && { telemetry: openTelemetry({ tracerProvider: new BasicTracerProvider({ spanProcessors: [ends] }), propagator: new W3CTraceContextPropagator() }) }),
    ...(slots && { perCall: [passing('per_call')], perAttempt: [passing('per_attempt')] }),
  };
}

/** Reads a list or a stream, item by item. */
async function consume(lazy, how, into) {
  if (how === 'first_page') return await lazy;
  for await (const item of how === 'pages' ? lazy.pages() : lazy) {
    into.push(item);
    if (into.length === how) break;
  }
  return into;
}

const clients = new Map();
/** Call id → the signals of its calls. */
const calls = new Map();

async function call({ call: id, client, operation, args, options, consume: how, raw, idle_timeout_ms, liveness_ms }) {
  const controller = new AbortController();
  calls.set(id, [...(calls.get(id) ?? []), controller]);
  const { made, random } = clients.get(client);
  const delivered = [];
  const folder = await mkdtemp(join(tmpdir(), 'admin-api-driver-'));
  const target = join(folder, 'downloaded');
  const done = { type: 'done', call: id };
  try {
    const info = infoOf(operation, OPERATIONS);
    const resource = info.path.reduce((object, property) => object[property], made.withOptions({ clock: clockOf(id, random) }));
    const value = resource[info.method](...argumentsOf(info, args, target, encryption), { ...optionsOf(options), signal: controller.signal });
    if (idle_timeout_ms !== undefined) value.idleTimeout = idle_timeout_ms;
    if (liveness_ms !== undefined) value.liveness = liveness_ms;
    if (raw) done.result = rawOf(await value.withResponse());
    else if (['pages', 'items', 'events'].includes(info.kind)) done.result = await resultOf(await consume(value, how, delivered), info);
    else done.result = await resultOf(await value, info, target);
  } catch (error) {
    if (error instanceof AdminAPIError) Object.assign(done, { error: errorOf(error), delivered, shown: shownBy(error) });
    else if (controller.signal.aborted && error === controller.signal.reason) done.cancelled = true; // told to the runner, which asked for it
    else done.crash = error.stack ?? String(error); // whatever it is, the runner shows it
  }
  await rm(folder, { recursive: true });
  say(done);
}

const take = {
  client({ client, options: { random, env = {}, ...options }, now_ms }) {
    time.nowMs = now_ms; // another world, another time
    calls.clear();
    Object.assign(process.env, env);
    try {
      clients.set(client, { made: new AdminClient({ ...clientOptions(options), clock: clockOf(null, random) }), random });
      say({ type: 'ok' });
    } catch (error) {
      if (!(error instanceof AdminAPIError)) throw error;
      say({ type: 'refused', error: errorOf(error), shown: shownBy(error) });
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
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
  async close({ client, revoke }) {
    await clients.get(client).made.close({ revoke });
    say({ type: 'ok' });
  },
};

say({ type: 'hello', protocol: 1, driver: 'node', features: ['cancel', 'close', 'prefetch'] });
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  await take[message.type](message);
}
