/** Telemetry (LOG-2): what OpenTelemetry is told of calls, by its SDK's in-memory exporters, and what it never is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler, BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { build } from 'esbuild';
import { AdminAPIError, AdminClient } from '../../dist/index.js';
import { openTelemetry } from '../../dist/opentelemetry.js';
import { LOST, wire } from './support/wire.mjs';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const TEMPLATE = '/api/v1/users/{user_id}';
const JSON_TYPE = { 'content-type': 'application/json', 'x-request-id': 'req_1' };
const answer = (document, status = 200, headers = {}) => ({ status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(document) });
const user = (id = 'usr_1') => answer({ id });
const problem = (status, code, headers = {}) => answer({ code, status, detail: 'hunter2', title: 'hunter2' }, status, headers);
const token = (access_token) => answer({ access_token, token_type: 'Bearer', expires_in: 3600, refresh_token: 'r3fresh' });

/** A server, and an OpenTelemetry that keeps what it is told. */
async function watched(t, answers, options = {}) {
  const seen = await wire(t, ...answers);
  const spans = new InMemorySpanExporter();
  const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 });
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)], ...options });
  const meterProvider = new MeterProvider({ readers: [reader] });
  t.after(() => Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]));
  const propagator = new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] });
  const telemetry = openTelemetry({ tracerProvider, meterProvider, propagator });
  const { hostname, port } = new URL(seen.url);
  return {
    seen,
    telemetry,
    tracerProvider,
    server: { 'server.address': hostname, 'server.port': Number(port) },
    client: (more = {}) => seen.client({ telemetry, ...more }),
    spans: () => spans.getFinishedSpans(),
    span() {
      const [only, ...others] = spans.getFinishedSpans();
      assert.equal(others.length, 0);
      return only;
    },
    /** Name of a metric → attributes and value of each of its points; of a histogram its count. */
    async metrics() {
      points.reset();
      await reader.forceFlush();
      const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
      return Object.fromEntries(
        all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ attributes, value }) => [attributes, value.count ?? value])]),
      );
    },
  };
}

const events = (span) => span.events.map(({ name, attributes }) => [name, { ...attributes }]);

test('LOG-2: a call is one CLIENT span, named by method and template, with the attributes of the HTTP conventions', async (t) => {
  const { seen, client, span, server } = await watched(t, [answer({ items: [], next_cursor: null })]);
  await client().users.list({ limit: 5, q: 'somebody' });
  assert.equal(span().name, 'GET /api/v1/users');
  assert.equal(span().kind, SpanKind.CLIENT);
  assert.equal(span().status.code, SpanStatusCode.UNSET);
  assert.deepEqual({ ...span().attributes }, {
    'http.request.method': 'GET', ...server, 'url.full': `${seen.url}/api/v1/users?limit=5&q=REDACTED`, 'url.template': '/api/v1/users',
    'http.response.status_code': 200, 'admin_api.operation': 'users.list', 'admin_api.request_id': 'req_1',
  });
});

test('LOG-2: a retry is an event with attempt, delay and reason, and counted; each attempt is measured', async (t) => {
  const { client, span, server, metrics } = await watched(t, [problem(503, 'service_unavailable'), LOST, user()]);
  const made = client();
  await made.users.get('usr_1');
  const lost = 'connection_lost';
  assert.deepEqual(events(span()), [
    ['admin_api.retry', { 'admin_api.attempt': 1, 'admin_api.delay': 0.5, 'http.response.status_code': 503, 'error.type': '503' }],
    ['admin_api.retry', { 'admin_api.attempt': 2, 'admin_api.delay': 1, 'error.type': lost }],
  ]);
  assert.equal(span().attributes['http.request.resend_count'], 2);
  const found = await metrics();
  const asked = { 'http.request.method': 'GET', ...server, 'url.template': TEMPLATE };
  assert.deepEqual(found['http.client.request.duration'], [
    [{ ...asked, 'http.response.status_code': 503, 'error.type': '503' }, 1],
    [{ ...asked, 'error.type': lost }, 1],
    [{ ...asked, 'http.response.status_code': 200 }, 1],
  ]);
  assert.deepEqual(found['admin_api.client.call.duration'], [[{ 'admin_api.operation': 'users.get', ...server }, 1]]);
  assert.deepEqual(found['admin_api.client.retries'].map(([, count]) => count), [1, 1]);
  assert.deepEqual(found['admin_api.client.retry_budget'], [[server, 500 - 14 - 14 + 14]]);
});

test('LOG-2: a token refresh is an event of the call that led it, and counted by grant; the resend after a 401 too', async (t) => {
  const refused = problem(401, 'invalid_token', { 'www-authenticate': 'Bearer error="invalid_token"' });
  const { seen, client, span, metrics } = await watched(t, [refused, user()]);
  seen.tokens.push(token('acc3ss-1'), token('acc3ss-2'));
  await client({ clientId: 'demo', clientSecret: 'demo-secret' }).users.get('usr_1');
  const refresh = ['admin_api.token_refresh', { 'admin_api.grant': 'client_credentials', 'admin_api.duration': 0 }];
  assert.deepEqual(events(span()), [refresh, refresh]);
  assert.equal(span().attributes['http.request.resend_count'], 1);
  assert.equal(span().status.code, SpanStatusCode.UNSET);
  assert.deepEqual((await metrics())['admin_api.client.token_refreshes'], [[{ 'admin_api.grant': 'client_credentials' }, 2]]);
  assert.equal(seen.tokenRequests[0].headers.traceparent, undefined); // AUTH-5: attempt log and transport only
});

test('LOG-2: a refresh that failed tells its code; an attempt that could not begin is not measured', async (t) => {
  const { seen, client, span, metrics } = await watched(t, []);
  seen.tokens.push(answer({ error: 'invalid_client' }, 400));
  await assert.rejects(client({ clientId: 'demo', clientSecret: 'demo-secret' }).users.get('usr_1'), AdminAPIError);
  assert.equal(events(span())[0][1]['error.type'], 'invalid_client');
  assert.equal((await metrics())['http.client.request.duration'], undefined);
});

test('LOG-2: a refresh that no call led is counted all the same', async (t) => {
  const { seen, client, spans, metrics } = await watched(t, []);
  seen.tokens.push(answer({ access_token: 'a', token_type: 'Bearer', scope: 'users:read' }));
  assert.deepEqual(await client({ clientId: 'demo', clientSecret: 'demo-secret' }).scopes(), ['users:read']);
  assert.equal(spans().length, 0);
  assert.equal((await metrics())['admin_api.client.token_refreshes'][0][1], 1);
});

for (const [given, kind, status] of [
  [problem(404, 'not_found'), '404', 404],
  [problem(500, 'internal_error'), '500', 500],
  [{ status: 302, headers: { location: 'https://elsewhere.example/' } }, '302', 302],
  [LOST, 'APIConnectionError', undefined],
]) {
  test(`LOG-2: a failed call is an ERROR with error.type ${kind}, and its outcome`, async (t) => {
    const { client, span, metrics } = await watched(t, [given]);
    const error = await client({ maxRetries: 0 }).users.get('usr_1').then(() => assert.fail('it did not fail'), (thrown) => thrown);
    const { attributes, status: ended } = span();
    assert.deepEqual([attributes['error.type'], attributes['http.response.status_code']], [kind, status]);
    assert.equal(attributes['admin_api.outcome'], error.outcome);
    assert.deepEqual(ended, { code: SpanStatusCode.ERROR, message: error.code });
    assert.equal((await metrics())['admin_api.client.call.duration'][0][0]['error.type'], kind);
  });
}

test('LOG-2: names stay few: an unknown path is no template, an unknown method is HTTP', async (t) => {
  const { client, spans, metrics } = await watched(t, [user(), user()]);
  const made = client();
  await made.request('GET', '/api/v1/undocumented/usr_1?q=x');
  await made.request('PURGE', '/api/v1/undocumented');
  const [first, second] = spans();
  assert.deepEqual([first.name, second.name], ['GET', 'HTTP']);
  assert.equal(first.attributes['admin_api.operation'], 'client.request');
  assert.ok(!('url.template' in first.attributes));
  assert.deepEqual([second.attributes['http.request.method'], second.attributes['http.request.method_original']], ['_OTHER', 'PURGE']);
  assert.ok(!JSON.stringify(await metrics()).includes('undocumented'));
});

for (const how of ['ended', 'left', 'interrupted']) {
  test(`LOG-2: the span of a stream that was ${how} ends then, and says so`, async (t) => {
    const line = `${JSON.stringify({ id: 'usr_1' })}\n`;
    const cut = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write(line, () => response.socket.destroy());
    };
    const whole = { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: `${line}${line}{"$end":{"count":2}}\n` };
    const { client, span, spans } = await watched(t, [how === 'interrupted' ? cut : whole]);
    const items = client({ maxRetries: 0 }).users.export()[Symbol.asyncIterator]();
    await items.next();
    assert.equal(spans().length, 0);
    if (how === 'left') await items.return();
    else if (how === 'ended') while (!(await items.next()).done);
    else await assert.rejects(items.next(), AdminAPIError);
    assert.equal(span().attributes['admin_api.ending'], how);
    assert.equal(span().status.code, how === 'interrupted' ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
    assert.equal(span().attributes['error.type'], how === 'interrupted' ? how : undefined);
  });
}

test('LOG-2: calls side by side do not share a span, and each has the parent that was current where it was made', async (t) => {
  const { seen, client, spans, tracerProvider } = await watched(t, []);
  for (let number = 0; number < 8; number += 1) seen.answers.push(user());
  const made = client();
  const tracer = tracerProvider.getTracer('test');
  const one = (number) =>
    tracer.startActiveSpan(`parent-${number}`, async (parent) => {
      await made.users.get(`usr_${number}`);
      parent.end();
    });
  await Promise.all(Array.from({ length: 8 }, (_, number) => one(number)));
  const calls = spans().filter(({ kind }) => kind === SpanKind.CLIENT);
  const names = new Map(spans().map((span) => [span.spanContext().spanId, span.name]));
  assert.equal(new Set(calls.map((span) => span.spanContext().spanId)).size, 8);
  for (const { parentSpanContext, attributes } of calls) {
    assert.equal(names.get(parentSpanContext.spanId), `parent-${attributes['url.full'].at(-1)}`);
  }
});

test("LOG-2: each attempt carries the call's traceparent, and baggage; layers of the user's own run within the span", async (t) => {
  const { seen, client, span } = await watched(t, [problem(503, 'service_unavailable'), user()]);
  const current = [];
  const layer = (send) => (request) => (current.push(trace.getActiveSpan()?.spanContext().spanId), send(request));
  const baggage = propagation.setBaggage(context.active(), propagation.createBaggage({ tenant: { value: 'blue' } }));
  await context.with(baggage, async () => client({ perCall: [layer], perAttempt: [layer] }).users.get('usr_1'));
  const { traceId, spanId } = span().spanContext();
  assert.deepEqual(seen.requests.map(({ headers }) => headers.traceparent.slice(0, -2)), [`00-${traceId}-${spanId}-`, `00-${traceId}-${spanId}-`]);
  assert.deepEqual(seen.requests.map(({ headers }) => headers.baggage), ['tenant=blue', 'tenant=blue']);
  assert.deepEqual(current, [spanId, spanId, spanId]);
});

test('LOG-2: what the user set in headers is never overwritten; a foreign traceparent gets no tracestate of ours', async (t) => {
  const { seen, client } = await watched(t, [user()]);
  const own = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await client().users.get('usr_1', { headers: { Traceparent: own } });
  assert.equal(seen.requests[0].headers.traceparent, own);
  assert.equal(seen.requests[0].headers.tracestate, undefined);
});

test('LOG-2: a span that is not recorded is still sent on, as not sampled, and metrics are still taken', async (t) => {
  const { seen, client, spans, metrics } = await watched(t, [problem(503, 'x'), user()], { sampler: new AlwaysOffSampler() });
  await client().users.get('usr_1');
  assert.equal(spans().length, 0);
  assert.equal(parseInt(seen.requests[0].headers.traceparent.slice(-2), 16) & 1, 0);
  assert.equal((await metrics())['http.client.request.duration'].length, 2);
});

test('LOG-2: a call that is cancelled is an ERROR, and so is its attempt', async (t) => {
  const controller = new AbortController();
  const { client, span, metrics } = await watched(t, []);
  const fetch = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      controller.abort();
    });
  await assert.rejects(client({ fetch }).users.get('usr_1', { signal: controller.signal }), { name: 'AbortError' });
  assert.equal(span().attributes['error.type'], 'cancelled');
  assert.equal(span().status.code, SpanStatusCode.ERROR);
  assert.equal((await metrics())['http.client.request.duration'][0][0]['error.type'], 'cancelled');
});

test('LOG-2, AUTH-9: no token, client secret, body, header or query value is in any span, event or metric', async (t) => {
  const page = answer({ items: [], next_cursor: null });
  const html = { status: 502, headers: { 'set-cookie': 's3ssion' }, body: '<html>hunter2' };
  const { seen, client, spans, metrics } = await watched(t, [problem(422, 'validation_failed'), html, user(), page]);
  seen.tokens.push(problem(503, 'service_unavailable'), token('acc3ss'));
  const made = client({ clientId: 'demo', clientSecret: 'd3mo-secret' });
  const given = { username: 'alice', email: 'al1ce@example.com', metadata: { password: 'hunter2' } };
  await assert.rejects(made.users.create(given), AdminAPIError);
  await made.users.create(given, { headers: { 'X-Session': 's3ssion' } });
  await made.users.list({ email: 'al1ce@example.com', q: 'hunter2', role: 'admin' });
  const told = spans().map(({ name, attributes, events: happened, status }) => ({ name, attributes, happened, status }));
  const text = JSON.stringify([told, await metrics()]);
  const secrets = ['d3mo-secret', 'acc3ss', 'r3fresh', 'hunter2', 'al1ce', 's3ssion', 'Bearer', 'Basic'];
  assert.deepEqual(secrets.filter((secret) => text.includes(secret)), []);
  assert.match(text, /role=admin/);
  assert.match(text, /admin_api.token_refresh/);
});

/** A telemetry of which one hook throws. */
const failing = (hook) =>
  new Proxy({}, {
    get: (_, name) => (...given) => {
      if (name === hook) throw new RangeError('hunter2');
      if (name === 'within') return given[0]();
      return name === 'headers' ? {} : failing(hook);
    },
  });

for (const hook of ['opened', 'began', 'within', 'headers', 'attempted', 'retried', 'ended', 'refreshed']) {
  test(`LOG-2: a telemetry whose \`${hook}\` throws fails no call; the first time is a warning that names its kind`, async (t) => {
    const warnings = [];
    const logger = { debug() {}, info() {}, warn: (message) => warnings.push(message) };
    const seen = await wire(t, problem(503, 'service_unavailable'), user(), user());
    seen.tokens.push(token('a'));
    const client = seen.client({ clientId: 'demo', clientSecret: 'demo-secret', telemetry: failing(hook), logger });
    await client.users.get('usr_1');
    await client.users.get('usr_1');
    assert.equal(seen.requests.length, 3);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /RangeError/);
    assert.doesNotMatch(warnings[0], /hunter2/);
  });
}

test('LOG-2: what a layer of the user throws at once is no failure of the telemetry, and the layer runs once', async (t) => {
  const { client, span } = await watched(t, []);
  let runs = 0;
  const layer = () => () => {
    runs += 1;
    throw new RangeError('of the user');
  };
  await assert.rejects(client({ perCall: [layer] }).users.get('usr_1'), RangeError);
  assert.equal(runs, 1);
  assert.equal(span().attributes['error.type'], 'RangeError');
});

test('LOG-2: a header that would split the request is not sent, nor is one that is the SDK\'s own', async (t) => {
  const warnings = [];
  const logger = { debug() {}, info() {}, warn: (message) => warnings.push(message) };
  for (const headers of [{ 'x-trace': 'a\r\nb: c' }, { authorization: 'Bearer other' }]) {
    const seen = await wire(t, user());
    const call = { within: (work) => work(), headers: () => headers, attempted() {}, ended() {} };
    await seen.client({ telemetry: { opened() {}, began: () => call, retried() {}, refreshed() {} }, logger }).users.get('usr_1');
    assert.equal(seen.requests[0].headers.authorization, 'Bearer TOKEN');
    assert.equal(seen.requests[0].headers['x-trace'], undefined);
  }
  assert.equal(warnings.length, 2);
});

test('LOG-2: the gauge forgets a client that is gone', () => {
  const script = `
    import { AdminClient } from '@admin-api/sdk';
    let left;
    const telemetry = { opened: (_, budget) => (left = budget), began() {}, retried() {}, refreshed() {} };
    const fetch = async () => Response.json({ id: 'usr_1' });
    await (async () => void (await new AdminClient({ baseUrl: 'http://localhost', token: 't', fetch, telemetry }).users.get('usr_1')))();
    const before = left();
    for (let round = 0; round < 50 && left() !== undefined; round += 1) {
      await new Promise(setImmediate);
      globalThis.gc();
    }
    console.log(before, left());
  `;
  const cwd = new URL('../..', import.meta.url);
  assert.equal(execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { cwd, encoding: 'utf8' }), '500 undefined\n');
});

test('LOG-2: without providers of its own it is told to the global ones, or to nobody', () => {
  const script = `
    import { AdminClient } from '@admin-api/sdk';
    import { openTelemetry } from '@admin-api/sdk/opentelemetry';
    const fetch = async () => Response.json({ id: 'usr_1' });
    console.log(await new AdminClient({ baseUrl: 'http://localhost', token: 't', fetch, telemetry: openTelemetry() }).users.get('usr_1'));
  `;
  const cwd = new URL('../..', import.meta.url);
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' }), "{ id: 'usr_1' }\n");
});

test('LOG-2: no bundler meets OpenTelemetry unasked, and what tells it is loaded on demand', async () => {
  const entry = { contents: "export { AdminClient } from '@admin-api/sdk'", resolveDir: fileURLToPath(new URL('../..', import.meta.url)) };
  const { metafile } = await build({ stdin: entry, bundle: true, splitting: true, metafile: true, write: false, outdir: 'out', format: 'esm', platform: 'browser' });
  const rooms = Object.keys(metafile.inputs);
  assert.deepEqual(rooms.filter((room) => /opentelemetry/.test(room)), []);
  const inner = rooms.find((room) => room.endsWith('dist/layers/telemetry.js'));
  const importers = Object.entries(metafile.inputs).flatMap(([room, { imports }]) => imports.filter(({ path }) => path === inner).map(({ kind }) => [basename(room), kind]));
  assert.deepEqual(importers, [['client.js', 'dynamic-import']]);
});
