/**
 * The measured clients in Node, one per process: so many calls for each line on standard input, their CPU seconds on output.
 *
 *     node subjects.mjs SUBJECT SHAPE URL USER_ID PAGE_ITEMS
 *
 * Logging and options are what a user has who sets nothing. The bare fetch sends what the SDK sends, byte for byte.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** Opens the connection again if it expired while others were measured, and warms what the processor caches. */
const WARM_UP_CALLS = 20;
const TIMEOUT_MS = 30_000;

const [subject, shape, url, userId, pageItems] = process.argv.slice(2);
const limit = Number(pageItems);

/** The SDK as its users have it: the built package. */
async function sdk(options) {
  const { AdminClient } = await import('../../node-sdk/dist/index.js');
  const { users } = new AdminClient({ baseUrl: url, token: 'TOKEN', ...options });
  return shape === 'get' ? () => users.get(userId) : () => users.list({ limit });
}

/** With OpenTelemetry on, and nobody it exports to. */
async function measured() {
  const { openTelemetry } = await import('../../node-sdk/dist/opentelemetry.js');
  return sdk({ telemetry: openTelemetry() });
}

/** The URL and headers of the SDK's own request. */
async function sent() {
  let request;
  const call = await sdk({
    fetch: (at, { headers }) => {
      request = { at, headers };
      return globalThis.fetch(at, { headers });
    },
  });
  await call();
  return request;
}

async function bareFetch() {
  const { at, headers } = await sent();
  return async () => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
    try {
      const answer = await fetch(at, { headers, signal: controller.signal });
      return await answer.json();
    } finally {
      clearTimeout(timer);
    }
  };
}

async function openai() {
  const { default: OpenAI } = await import('openai');
  const { models } = new OpenAI({ apiKey: 'TOKEN', baseURL: `${url}/openai` });
  return shape === 'get' ? () => models.retrieve('model-1') : () => models.list();
}

const SUBJECTS = { 'admin-api': sdk, fetch: bareFetch, 'with telemetry': measured, openai };

/** A client that did not understand the answer must not win by it. */
function check(answer) {
  if (shape === 'get') assert.ok([userId, 'model-1'].includes(answer.id), JSON.stringify(answer));
  else assert.equal((answer.items ?? answer.data).length, limit);
}

const call = await SUBJECTS[subject]();
check(await call());
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const calls = Number(line);
  for (let i = 0; i < WARM_UP_CALLS; i++) await call();
  const began = process.cpuUsage();
  for (let i = 0; i < calls; i++) await call();
  const { user, system } = process.cpuUsage(began);
  console.log(JSON.stringify((user + system) / 1e6 / calls));
}
process.exit(); // an idle keep-alive connection would hold the process open for seconds
