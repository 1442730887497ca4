/**
 * The driver of the Node SDK, as it is built: every clock asks the runner to sleep. It asserts nothing.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const DIST = new URL('../../node-sdk/dist/', import.meta.url);
const { mutant } = parseArgs({ options: { mutant: { type: 'string' } } }).values;
if (mutant !== undefined) register('../mutants/node_mutants.mjs', { parentURL: import.meta.url, data: { mutant, dist: DIST.href } });

/** A room of the built package. */
const room = (path) =>
  import(new URL(path, DIST)).catch((error) => {
    throw error.code === 'ERR_MODULE_NOT_FOUND' ? new Error('node-sdk/dist is not there, or not whole: run `make types`, or `npm run build` in node-sdk.', { cause: error }) : error;
  });
const { AdminAPIError, AdminClient, Page } = await room('index.js');
const { identity, recipient } = await room('encryption.js');
const { OPERATIONS } = await room('_generated/operations.js');

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

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

/** Options by the SDK's names; they are in milliseconds on both sides. */
const optionsOf = (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name.replace(/_ms$/, '')), value]));

const contentOf = ({ pattern, size }) => Buffer.alloc(size, pattern);

/** Positional arguments and parameters from wire names; a TypeError for a name that the operation does not have. */
function argumentsOf(info, given, target) {
  const { content, encrypt_to, already_encrypted, identity: secret, expect_sha256, ...rest } = given;
  const positional = info.positional.map((name) => rest[name]);
  for (const name of info.positional) delete rest[name];
  const params = {};
  for (const [name, value] of Object.entries(rest)) {
    if (!(name in info.arguments)) throw new TypeError(`The operation has no argument ${name}.`);
    params[info.arguments[name]] = value;
  }
  if (info.kind === 'upload') {
    positional.unshift(contentOf(content));
    Object.assign(params, { encryptTo: encrypt_to?.map(recipient), alreadyEncrypted: already_encrypted });
  }
  if (info.kind === 'download') {
    Object.assign(params, { to: target, identity: secret && identity(secret), expectSha256: expect_sha256 });
  }
  const takesParams = ['upload', 'download'].includes(info.kind) || Object.keys(info.arguments).length > 0;
  return takesParams ? [...positional, params] : positional;
}

/** Reads a list or a stream, item by item. */
async function consume(lazy, how, into) {
  if (how === 'first_page') return await lazy;
  for await (const item of lazy) {
    into.push(item);
    if (into.length === how) break;
  }
  return into;
}

/** A result as JSON with wire names; of a download, what was delivered. */
async function resultOf(value, info, target) {
  if (value instanceof Page) return { items: value.items, next_cursor: value.nextCursor };
  if (info.kind !== 'download') return value ?? null;
  const delivered = await readFile(target);
  return { size: delivered.length, sha256: createHash('sha256').update(delivered).digest('hex'), ciphertext_sha256: value.sha256 };
}

function rawOf({ data, status, requestId, auditEventId, attempts, idempotencyKey }) {
  return { data: data ?? null, status, request_id: requestId ?? null, audit_event_id: auditEventId ?? null, attempts, idempotency_key: idempotencyKey ?? null };
}

/** An error by its neutral members. */
function errorOf(error) {
  const found = { class: error.name, retry_after_ms: error.retryAfter === Infinity ? 'infinite' : (error.retryAfter ?? null) };
  for (const name of ['code', 'status', 'operation', 'outcome', 'retryable', 'attempts', 'request_id', 'idempotency_key']) {
    found[name] = error[camel(name)] ?? null;
  }
  for (const name of ['missing_scopes', 'granted_scopes', 'last_id']) {
    if (camel(name) in error) found[name] = error[camel(name)] ?? null;
  }
  if (error.errors?.length > 0) {
    found.errors = error.errors.map(({ pointer = null, parameter = null, code }) => ({ pointer, parameter, code }));
  }
  return found;
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
    const value = resource[info.method](...argumentsOf(info, args, target), { ...optionsOf(options), signal: controller.signal });
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

say({ type: 'hello', protocol: 1, driver: 'node', features: ['cancel'] });
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  await take[message.type](message);
}
