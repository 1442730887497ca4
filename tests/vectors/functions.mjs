/**
 * The pure functions of the built Node SDK by their neutral names: `[function, inputs]` as JSON lines in, neutral answers out. It
 * asserts nothing.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { backoff, Budget, costOf, decide, httpDate, retryAfter } from '../../node-sdk/dist/backoff.js';
import { landedToken } from '../../node-sdk/dist/endpoint.js';
import { ConfigurationError } from '../../node-sdk/dist/errors.js';
import { Call, Request, Response, Secret, TokenFailure, WireError } from '../../node-sdk/dist/exchange.js';
import { Lines, LineTooLong, ServerSentEvents } from '../../node-sdk/dist/framing.js';
import { keyOf, originOf, read, written } from '../../node-sdk/dist/kept.js';
import { shown, shownUrl } from '../../node-sdk/dist/layers/records.js';
import { errorFor } from '../../node-sdk/dist/layers/status.js';
import { bodyOf, pathOf, queryOf, quoted } from '../../node-sdk/dist/operation.js';
import { checkOptions, DEFAULT_LIMITS, override } from '../../node-sdk/dist/options.js';
import { note } from '../../node-sdk/dist/outcome.js';
import { proxyFor } from '../../node-sdk/dist/proxies.js';
import { Caller } from '../../node-sdk/dist/resource.js';
import { Spool } from '../../node-sdk/dist/spool.js';
import { checkPath } from '../../node-sdk/dist/untyped.js';

/** A clock that moves when it is told to. */
const standingClock = (wall = 0) => ({ elapsed: 0, now: () => wall, random: () => 0, sleep: async () => {}, monotonic() { return this.elapsed; } });

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const camelNames = (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name), value]));
const ms = (value) => (value === Infinity ? 'infinite' : value === undefined ? null : Math.round(value * 1e6) / 1e6);

/** Headers as fetch shows them: the bytes of the wire, one character each. */
const headersOf = (given) => {
  const pairs = Array.isArray(given) ? given : Object.entries(given);
  return new Headers(pairs.map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]));
};

const callOf = ({ key, method }, more = {}) => new Call({ operation: 'op', method, limits: DEFAULT_LIMITS, clock: standingClock(), idempotencyKey: key ? 'k' : undefined, ...more });

function outcomeOf(call, given) {
  if ('final' in given) return new TokenFailure(given.code, 'message', given.final, given.answer && outcomeOf(call, given.answer));
  if ('effect' in given) return new WireError(given.code, given.effect, 'message', given.status);
  return new Response(call, given.status, headersOf(given.headers ?? {}), new TextEncoder().encode(given.text ?? ''));
}

/** A value of the user's: `$date`, `$number` and `$omit` stand for what JSON has no form for. */
function valueOf(given) {
  if (Array.isArray(given)) return given.map(valueOf);
  if (typeof given !== 'object' || given === null) return given;
  if ('$date' in given) return new Date(given.$date);
  if ('$number' in given) return { nan: NaN, inf: Infinity, '-inf': -Infinity }[given.$number];
  if ('$omit' in given) return undefined;
  return Object.fromEntries(Object.entries(given).map(([name, member]) => [name, valueOf(member)]));
}

function decided({ came, headers, now, conditional, attempts, max_retries, max_retry_after, deadline, elapsed, acted_before, random, ...given }) {
  const clock = standingClock(now);
  const limits = override(DEFAULT_LIMITS, { maxRetries: max_retries, maxRetryAfter: max_retry_after, deadline });
  const call = callOf(given, { clock, limits, retries: given.retries });
  call.attempts = attempts;
  clock.elapsed = elapsed;
  const request = new Request(call, given.method, 'http://localhost/', conditional === null ? {} : { [conditional]: '"e1"' }, undefined);
  const outcome = outcomeOf(call, headers === undefined ? came : { ...came, headers });
  const found = decide(request, outcome, { actedBefore: acted_before, now, random });
  return found.retry ? ms(found.delay) : found.reason;
}

function budgeted({ steps }) {
  const budget = new Budget();
  const told = steps.map((step) => ('spend' in step ? budget.spend(step.spend) : (budget.refund(step.refund) ?? null)));
  return { left: budget.left, told };
}

function failed({ earlier, last, now, ...given }) {
  const call = callOf(given, { clock: standingClock(now) });
  const outcomes = [...earlier, last].map((each) => outcomeOf(call, each));
  for (const outcome of outcomes) {
    call.attempts += 1;
    note(call, outcome);
  }
  const error = errorFor(new Request(call, given.method, 'http://localhost/', {}, undefined), outcomes.at(-1));
  const { name, code, outcome, retryable, status = null, attempts, retryAfter: asked } = error;
  return { class: name, code, outcome, retryable, status, attempts, retry_after: ms(asked) };
}

const chunksOf = ({ chunks }) => chunks.map((chunk) => Uint8Array.from(Buffer.from(chunk, 'hex')));

function linesOf(given) {
  const lines = new Lines(given.max_line_bytes);
  return chunksOf(given).flatMap((chunk) => lines.feed(chunk));
}

function eventsOf(given) {
  const events = new ServerSentEvents();
  const found = linesOf(given).map((line) => events.feed(line)).filter((event) => event !== undefined);
  return { events: found.map(({ event, data, id }) => ({ event, data, id })), retry: ms(events.retry) };
}

async function digestOf(given) {
  const spool = new Spool();
  for (const chunk of chunksOf(given)) await spool.write(chunk);
  try {
    return { field: await spool.digest(), hex: await spool.sha256(), size: spool.length };
  } finally {
    await spool.close();
  }
}

function prepared({ base_url, method, template, idempotent, deep, content_type, path, query, headers, options = {}, ...given }) {
  const send = (request) => {
    throw new Error(`${request.method} ${request.url} is not sent`);
  };
  const { signal: closing } = new AbortController();
  const caller = new Caller({ send, baseUrl: base_url, limits: DEFAULT_LIMITS, clock: standingClock(), newId: () => 'made', userAgent: 'us', closing });
  const op = { id: 'op', method, path: template, idempotent, deep, body: content_type };
  const content = 'body' in given ? bodyOf(valueOf(given.body)) : undefined;
  const request = caller.prepare(op, { path, query: valueOf(query), headers, content, options: camelNames(valueOf(options)) });
  const own = ['user-agent', 'accept-encoding']; // PARITY-6
  const sent = [...new Headers(request.headers)].filter(([name]) => !own.includes(name));
  const text = request.content === undefined ? null : new TextDecoder().decode(request.content);
  return { method: request.method, url: request.url, headers: Object.fromEntries(sent), content: text };
}

function landed({ came, asked_at, asked }) {
  const token = landedToken(outcomeOf(callOf({ method: 'POST', key: false }), came), asked_at, asked);
  if (token instanceof TokenFailure) return { failure: token.code, final: token.final };
  const scopes = token.scopes === undefined ? null : [...token.scopes].sort();
  return { header: token.value.reveal(), scopes, advise_at: ms(token.adviseAt), must_at: ms(token.mustAt) };
}

/** What a text says, and that the same is written of it again. */
function keptOf({ text, now, monotonic, token_url, client_id, scopes }) {
  const name = { tokenUrl: token_url, clientId: client_id, scopes };
  const kept = read(new Secret(text), name, { now, monotonic });
  if (kept === undefined) return null;
  const { token, origin } = kept;
  const endsAt = token.endsAt === undefined ? undefined : now + token.endsAt - monotonic;
  return {
    access_token: token.access.reveal(),
    refresh_token: token.refreshToken?.reveal() ?? null,
    origin,
    scopes: token.scopes === undefined ? null : [...token.scopes].sort(),
    advise_at: ms(token.adviseAt),
    must_at: ms(token.mustAt),
    ends_at: ms(token.endsAt),
    again: JSON.parse(written(token, name, { origin, refreshToken: token.refreshToken, endsAt }).reveal()),
  };
}

function optionsOf({ options }) {
  const given = camelNames(valueOf(options));
  checkOptions(given);
  override(DEFAULT_LIMITS, given);
  return typeof given.idempotencyKey === 'string' ? { 'idempotency-key': quoted(given.idempotencyKey) } : {};
}

function limitsOf({ options }) {
  const { timeout, deadline, maxRetries, maxRetryAfter, tokenTimeout } = override(DEFAULT_LIMITS, camelNames(valueOf(options)));
  return { timeout, deadline: deadline ?? null, max_retries: maxRetries, max_retry_after: maxRetryAfter, token_timeout: tokenTimeout };
}

const FUNCTIONS = {
  http_date: ({ text, now }) => ms(httpDate(text, now)),
  retry_after: ({ headers, now }) => ms(retryAfter(new Response(callOf({ method: 'GET', key: false }), 503, headersOf(headers), new Uint8Array()), now)),
  backoff: ({ retry, random }) => ms(backoff(retry, random)),
  decide: decided,
  cost: ({ came }) => costOf(outcomeOf(callOf({ method: 'POST', key: true }), came)),
  budget: budgeted,
  outcome: (given) => failed(given).outcome,
  error: failed,
  lines: (given) => linesOf(given).map((line) => Buffer.from(line).toString('hex')),
  events: eventsOf,
  digest: digestOf,
  shown: ({ headers, secrets = {} }) => shown([...Object.entries(headers), ...Object.entries(secrets).map(([name, value]) => [name, new Secret(value)])]),
  shown_url: ({ url }) => shownUrl(url),
  path: ({ template, values }) => pathOf(template, values),
  untyped_path: ({ path }) => checkPath(path) ?? null,
  query: ({ values, deep }) => queryOf(valueOf(values), deep),
  body: ({ value }) => new TextDecoder().decode(bodyOf(valueOf(value))),
  request: prepared,
  options: optionsOf,
  limits: limitsOf,
  token: landed,
  store_key: ({ token_url: tokenUrl, client_id: clientId, scopes }) => keyOf({ tokenUrl, clientId, scopes }),
  store_origin: ({ refresh_token }) => originOf(refresh_token === null ? undefined : new Secret(refresh_token)),
  kept: keptOf,
  proxy: ({ url, environment, no_proxy: NO_PROXY, proxy: HTTPS_PROXY }) =>
    proxyFor(url, { ...environment, ...(NO_PROXY === undefined ? {} : { NO_PROXY }), ...(HTTPS_PROXY === undefined ? {} : { HTTPS_PROXY }) })?.reveal() ?? null,
};

/** What the function gives, or the code with which it refuses; what is neither is told as a crash. */
async function answer(name, given) {
  try {
    return { gives: await FUNCTIONS[name](given) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { refuses: error.code };
    if (error instanceof LineTooLong) return { refuses: 'line_too_long' };
    return { crash: String(error.stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(await answer(...JSON.parse(line)))}\n`);
