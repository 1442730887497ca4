/** Makes the calls that a test asks for, one line of JSON each, with the Node SDK, in real time. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AdminAPIError, AdminClient } from '../../node-sdk/dist/index.js';
import { systemClock } from '../../node-sdk/dist/clock.js';

/** Real time without chance: a backoff takes none, so that what is measured is the wire. */
const now = { ...systemClock, random: () => 0 };

const KINDS = {
  get: (client, options) => client.users.get('usr_1', options),
  create: (client, options) => client.users.create({ username: 'a', email: 'a@example.com', roles: [] }, options),
  send: (client, options) => client.users.create({ username: 'a'.repeat(8_000_000), email: 'a@example.com', roles: [] }, options),
  untyped: (client, options) => client.request('GET', '/api/v1/users/usr_1', {}, options),
  pages: (client, options) => each(client.users.list({}, options)),
  stream: (client, options) => each(client.users.export({}, options)),
  events: (client, options) => each(client.audit.events.stream({}, options)),
  download: (client, options, folder) => client.storage.objects.download('obj_1', { to: join(folder, 'out') }, options),
};

async function each(iterable) {
  for await (const item of iterable) void item;
}

/** An error, as data. */
function told({ constructor, name, code, outcome, attempts, status, requestId, operation, retryable, retryAfter, message }) {
  return { name, code, outcome, attempts, status: status ?? null, request_id: requestId ?? null, operation, retryable, retry_after: retryAfter ?? null, message, named: constructor.name };
}

async function optionsOf({ base_url: baseUrl, token_url: tokenUrl, client_id: clientId, client_secret: clientSecret, token, limits, proxy, ca }) {
  const { timeout, deadline, max_retries: maxRetries, token_timeout: tokenTimeout, max_retry_after: maxRetryAfter } = limits;
  const given = clientId === undefined ? { token: token === 'pending' ? () => new Promise(() => undefined) : 't0ken' } : { clientId, clientSecret };
  const fetch = proxy === undefined && ca === undefined ? {} : { fetch: await ownFetch(ca, proxy) };
  return { baseUrl, tokenUrl, timeout, deadline, maxRetries, tokenTimeout, maxRetryAfter, ...given, ...fetch };
}

/** Loaded only when asked for: undici puts its own dispatcher under the global fetch. */
async function ownFetch(ca, proxy) {
  const { nodeFetch } = await import('../../node-sdk/dist/node.js');
  return nodeFetch({ ca, proxy: proxy ?? null });
}

const peakMb = () => process.resourceUsage().maxRSS / 1024;

async function call(asked, folder) {
  const client = new AdminClient({ ...(await optionsOf(asked)), ...(asked.act === undefined ? { clock: now } : {}) });
  const result = {};
  const reason = { mine: true };
  const controller = new AbortController();
  let done = false;
  let began = performance.now();
  let ended;
  const running = KINDS[asked.kind](client, { signal: controller.signal }, folder)
    .then(undefined, (error) => {
      if (error === reason) result.cancelled = true;
      else if (error instanceof AdminAPIError) result.error = told(error);
      else throw error;
    })
    .finally(() => ((done = true), (ended = performance.now())));
  if (asked.act !== undefined) {
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, asked.act.after_ms))]);
    result.early = done;
    began = performance.now();
    if (asked.act.do === 'cancel') controller.abort(reason);
    else await client.close();
  }
  await running;
  await client.close();
  return { ...result, ms: ended - began };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const peak = peakMb();
  const folder = await mkdtemp(join(tmpdir(), 'bounds-'));
  const result = await call(asked, folder);
  const files = await readdir(folder);
  await rm(folder, { recursive: true });
  console.log(JSON.stringify({ ...result, files, grown_mb: peakMb() - peak }));
}
