/**
 * A long mixed session of the Node SDK, in which every secret is used and nearly everything goes wrong.
 *
 * Argv: facts as JSON, and a file for what the SDK shows: a line of JSON for each text, `[channel, place, text]`. What is written
 * to stdout and stderr is the SDK's own. With `canary` one secret is leaked on purpose, into that channel.
 *
 * @module
 */
import { chmodSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { AdminAPIError, AdminClient, MemoryTokenStore, Secret } from '../../node-sdk/dist/index.js';
import { generateIdentity, identity, recipient } from '../../node-sdk/dist/encryption.js';
import { FileTokenStore, nodeFetch } from '../../node-sdk/dist/node.js';
import { openTelemetry } from '../../node-sdk/dist/opentelemetry.js';

const require = createRequire(new URL('../../node-sdk/package.json', import.meta.url));
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');

const facts = JSON.parse(process.argv[2]);
const { secrets } = facts;
/** Time that waits for nobody, and no jitter. */
const clock = { now: () => 0, monotonic: () => 0, random: () => 0, sleep: async () => undefined };

const shown = [];
const errors = [];
const answers = [];
/** What came by a layer of one's own, and all that was made. */
const seen = [];
const clients = [];
const show = (channel, place, text) => shown.push([channel, place, text]);

/** All that makes text of an object. */
const textOf = (one) => {
  const texts = [String(one), inspect(one, { depth: Infinity, showHidden: true, maxArrayLength: Infinity }), inspect(one, { getters: true })];
  try {
    texts.push(JSON.stringify(one));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it is part of itself
  }
  try {
    texts.push(inspect(structuredClone(one), { depth: Infinity, showHidden: true }));
  } catch (error) {
    if (error.name !== 'DataCloneError') throw error; // and so nobody sends it on
  }
  return texts.join('\n');
};

/** An error, and those that it came of. */
function showError(error) {
  for (let one = error; one instanceof Error; one = one.cause) show('errors', one.name, `${textOf(one)}\n${one.stack}\n${one.message}`);
}

const passing = (send) => async (request) => {
  const outcome = await send(request);
  seen.push(request, outcome);
  return outcome;
};

const record = (level) => (...values) => show('records', level, values.map((value) => `${value} ${inspect(value, { depth: Infinity })}`).join(' '));
const logger = { debug: record('debug'), info: record('info'), warn: record('warn') };

const spans = new InMemorySpanExporter();
const reader = new PeriodicExportingMetricReader({ exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE), exportIntervalMillis: 1e9 });
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const telemetry = openTelemetry({ tracerProvider, meterProvider: new MeterProvider({ readers: [reader] }) });

/** Spans and metrics as they would be exported. */
async function showTelemetry() {
  for (const { name, kind, attributes, events, status, resource } of spans.getFinishedSpans()) {
    show('telemetry', 'span', inspect({ name, kind, attributes, events, status, resource: resource.attributes }, { depth: Infinity }));
  }
  const { resourceMetrics } = await reader.collect();
  show('telemetry', 'metrics', inspect(resourceMetrics, { depth: Infinity, showHidden: true }));
  await reader.shutdown();
}

/** A client, or the error of making it; every other one logs to the console. */
function clientOf(options) {
  const quiet = clients.length % 2 === 0;
  const given = { baseUrl: facts.base_url, clock, telemetry, maxRetries: 1, perCall: [passing], perAttempt: [passing], ...(quiet && { logger, logLevel: 'debug' }), ...options };
  try {
    clients.push(new AdminClient(given));
    return clients.at(-1);
  } catch (error) {
    errors.push(expected(error));
    return undefined;
  }
}

function expected(error) {
  if (error instanceof AdminAPIError || error?.name === 'AbortError') return error;
  throw error;
}

/** What comes of a call; an error is kept. */
async function call(begin) {
  try {
    const begun = begin();
    let answer;
    if (Symbol.asyncIterator in Object(begun)) answer = await Array.fromAsync?.(begun) ?? (await all(begun));
    else answer = await begun;
    seen.push(begun);
    answers.push(answer);
    return answer;
  } catch (error) {
    errors.push(expected(error));
    return undefined;
  }
}

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

/** All ways to say who calls; the last is kept in a file. */
const ways = () => {
  const confidential = { clientId: facts.client_id, clientSecret: secrets.client };
  const [tokenStore, memory] = [new FileTokenStore(facts.store), new MemoryTokenStore()];
  seen.push(tokenStore, memory);
  return [
    { token: secrets.token },
    { token: () => secrets.token },
    confidential,
    { ...confidential, clientAuth: 'post', tokenStore: memory },
    { ...confidential, refreshToken: secrets.refresh },
    { clientId: facts.public_id, refreshToken: secrets.public_refresh, tokenStore },
  ];
};

/** Everything once, and writes with secrets in them under faults. */
async function use(client, kinds) {
  await call(() => client.me.get());
  await call(() => client.users.list({ limit: 1 }));
  await call(() => client.users.export());
  await call(() => client.scopes());
  await call(() => client.can('config.set'));
  await call(() => client.request('POST', '/api/v1/nowhere', { body: { password: secrets.body } }));
  const made = await call(() => client.tokens.create({ name: 'ci', scopes: ['users:read'] }));
  if (made !== undefined) await call(() => client.tokens.rotate(made.id, {}));
  const value = { value: secrets.body, secret: true, if_none_match: '*' };
  for (const kind of kinds) {
    const slow = facts.slow.includes(kind);
    const written = { headers: { 'X-Request-Id': kind, 'X-Of-Mine': secrets.header }, timeout: slow ? 100 : 5000, maxRetries: slow ? 0 : 1 };
    await call(() => client.users.list({}, { ...written, query: { q: secrets.query } }));
    await call(() => client.tokens.create({ name: 'ci', scopes: ['users:read'] }, written));
    await call(() => client.config.set('smtp.password', value, written));
  }
}

/** An object for one identity, asked for with it and with another. */
async function files(client) {
  const [ours, other] = [await identity(secrets.identity), await generateIdentity()];
  seen.push(ours, other);
  const made = await call(() => client.storage.objects.upload(new TextEncoder().encode('of ours'), { name: 'kept', encryptTo: [ours.recipient] }));
  const to = join(mkdtempSync(join(tmpdir(), 'secrecy-')), 'kept');
  for (const who of [other, ours]) await call(() => client.storage.objects.download(made.id, { to, identity: who }));
  await call(() => client.storage.objects.download(made.id, { to, expectSha256: '0'.repeat(64) }));
  await call(() => identity(`${secrets.identity}X`));
  await call(() => recipient(secrets.identity));
}

/** A stream that breaks, a deadline, a call that is cancelled on its way, and one that its client is closed under. */
async function ends() {
  const stalled = { headers: { 'X-Request-Id': 'stall' }, timeout: 20_000, maxRetries: 0 };
  const client = clientOf({ clientId: facts.client_id, clientSecret: secrets.client });
  await call(() => client.me.get());
  await call(() => client.users.export({}, { headers: { 'X-Request-Id': 'cut' } }));
  await call(() => client.users.list({}, { headers: stalled.headers, deadline: 100 }));
  const controller = new AbortController();
  const cancelled = call(() => client.users.get('usr_1', { ...stalled, signal: controller.signal }));
  const closed = call(() => client.users.get('usr_1', stalled));
  await wait(50);
  controller.abort();
  await cancelled;
  await client.close();
  await closed;
}

/** Options that cannot work, endpoints that refuse and proxies that are not there, for each way to call. */
async function misfortunes() {
  for (const wrong of [{ timeout: -1 }, { baseUrl: 'http://elsewhere.example' }, { clientAuth: 'both' }]) {
    for (const way of ways()) clientOf({ ...way, ...wrong });
  }
  clientOf({ token: `${secrets.token}\n` });
  clientOf({ token: secrets.token, clientSecret: secrets.client });
  for (const baseUrl of facts.refusing) {
    for (const way of ways()) {
      const client = clientOf({ ...way, baseUrl, tokenStore: undefined });
      await call(() => client.me.get());
    }
  }
  for (const proxy of facts.proxies) {
    let fetch;
    try {
      fetch = nodeFetch({ proxy });
    } catch (error) {
      errors.push(expected(error));
      continue;
    }
    seen.push(fetch);
    for (const way of ways()) {
      const client = clientOf({ ...way, fetch });
      await call(() => client.me.get());
    }
  }
  process.env.http_proxy = facts.proxies[0];
  for (const way of ways()) clientOf(way);
  delete process.env.http_proxy;
  const bad = clientOf({ token: () => `${secrets.token}\n` });
  await call(() => bad.me.get());
  const [kept] = readdirSync(facts.store).filter((name) => name.endsWith('.json'));
  chmodSync(join(facts.store, kept), 0o644);
  const of = clientOf(ways().at(-1));
  await call(() => of.me.get());
  chmodSync(join(facts.store, kept), 0o600);
}

/** What a careless SDK would do, so that it is seen to be seen. */
function leak(channel) {
  const secret = secrets.token;
  if (channel === 'objects') show('objects', 'Loud', textOf(new (class Loud { token = secret; })()));
  else if (channel === 'records') logger.warn(`with ${new Secret('hidden')}`, { loud: secret });
  else if (channel === 'errors') showError(new AdminAPIError('Careless.', { problem: { detail: secret } }));
  else if (channel === 'telemetry') tracerProvider.getTracer('loud').startSpan('loud', { attributes: { secret } }).end();
  else if (channel === 'warnings') process.emitWarning(secret);
  else process[channel].write(`${secret}\n`);
}

if (facts.canary === null) {
  for (const way of ways()) {
    const every = way.clientId !== undefined && way.clientAuth === undefined;
    await use(clientOf(way), every ? facts.kinds : facts.kinds.slice(0, 1));
  }
  const narrow = clientOf({ clientId: 'narrow', clientSecret: secrets.narrow, preflight: true });
  await call(() => narrow.tokens.create({ name: 'ci', scopes: ['users:read'] }));
  await files(clients[0]);
  await ends();
  await misfortunes();
  for (const error of errors) showError(error);
  for (const client of clients) await client.close({ revoke: true });
  for (const one of [...clients, ...seen]) show('objects', Object(one).constructor?.name ?? typeof one, textOf(one));
} else {
  leak(facts.canary);
  await wait(0); // a warning is written in the next turn
}
await showTelemetry();
show('met', '', JSON.stringify([...new Set(errors.map(({ name }) => name))]));
writeFileSync(process.argv[3], shown.map((each) => `${JSON.stringify(each)}\n`).join(''));
