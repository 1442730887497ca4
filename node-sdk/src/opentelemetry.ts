/**
 * OpenTelemetry for the SDK (LOG-2): a CLIENT span per call, and metrics, by the semantic conventions for HTTP clients.
 *
 * ```ts
 * const client = new AdminClient({ telemetry: openTelemetry() });
 * ```
 *
 * Needs the optional peer `@opentelemetry/api`; what is exported, and where to, is your OpenTelemetry SDK's business.
 *
 * @module
 */
import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, Histogram, MeterProvider, Span, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import { AdminAPIError, Response, VERSION } from './index.ts';
import type { CallTelemetry, Outcome, RefreshRecord, Request, RetryRecord, Telemetry } from './index.ts';
import { shownUrl } from './layers/records.ts';

const SCOPE = '@admin-api/sdk';
const SCHEMA = { schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' };
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);
/** The buckets that the conventions advise for durations of HTTP. */
const SECONDS = { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] };

/** Where it is told; what is left out is the global one. */
export interface OpenTelemetryOptions {
  /** Where spans go. */
  tracerProvider?: TracerProvider | undefined;
  /** Where metrics go. */
  meterProvider?: MeterProvider | undefined;
  /** Writes the context into the headers of each attempt. */
  propagator?: TextMapPropagator | undefined;
}

type Inject = (within: Context, carrier: Record<string, string>) => void;
interface Instruments {
  readonly attempts: Histogram;
  readonly calls: Histogram;
}

/** Spans and metrics of the clients that it is given to, as `telemetry`. */
export function openTelemetry({ tracerProvider, meterProvider, propagator }: OpenTelemetryOptions = {}): Telemetry {
  const tracer = (tracerProvider ?? trace).getTracer(SCOPE, VERSION, SCHEMA);
  const meter = (meterProvider ?? metrics).getMeter(SCOPE, VERSION, SCHEMA);
  const set = (carrier: Record<string, string>, name: string, value: string): void => void (carrier[name] = value);
  const inject: Inject = (within, carrier) =>
    propagator === undefined ? propagation.inject(within, carrier) : propagator.inject(within, carrier, { set });
  const duration = (name: string, description: string): Histogram => meter.createHistogram(name, { unit: 's', description, advice: SECONDS });
  const instruments = {
    attempts: duration('http.client.request.duration', 'Duration of HTTP client requests.'),
    calls: duration('admin_api.client.call.duration', 'Duration of calls, with all their attempts and waits.'),
  };
  const retries = meter.createCounter('admin_api.client.retries', { unit: '{retry}', description: 'Attempts after a failed one.' });
  const refreshes = meter.createCounter('admin_api.client.token_refreshes', { unit: '{refresh}', description: 'Requests for an access token.' });
  const budgets = new Set<{ server: Attributes; left: () => number | undefined }>();
  const gauge = meter.createObservableGauge('admin_api.client.retry_budget', {
    unit: '{unit}',
    description: 'What is left of the retry budget: of several clients of one server, the least.',
  });
  gauge.addCallback((result) => {
    const least = new Map<string, { server: Attributes; left: number }>();
    for (const budget of budgets) {
      const left = budget.left();
      const key = JSON.stringify(budget.server);
      if (left === undefined) budgets.delete(budget);
      else least.set(key, { server: budget.server, left: Math.min(left, least.get(key)?.left ?? left) });
    }
    for (const { server, left } of least.values()) result.observe(left, server);
  });

  return {
    opened(baseUrl, left) {
      budgets.add({ server: serverOf(baseUrl), left });
    },
    began(request) {
      const { name, attributes } = described(request);
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
      return new SpanOfCall(span, request, inject, instruments);
    },
    retried(record: RetryRecord, call) {
      const reason = failure(record.status, record.code);
      retries.add(1, { 'admin_api.operation': operationOf(record.operation), ...reason });
      const happened = { 'admin_api.attempt': record.attempt, 'admin_api.delay': record.delay / 1000, ...reason };
      if (call instanceof SpanOfCall) call.span.addEvent('admin_api.retry', happened);
    },
    refreshed(record: RefreshRecord, call) {
      const ended = { 'admin_api.grant': record.grant, ...failure(undefined, record.code) };
      refreshes.add(1, ended);
      if (!(call instanceof SpanOfCall) || !call.span.isRecording()) return;
      call.span.addEvent('admin_api.token_refresh', { ...ended, 'admin_api.duration': record.duration / 1000 });
    },
  };
}

/** The span of one call, and what is measured of it. */
class SpanOfCall implements CallTelemetry {
  readonly span: Span;
  readonly #context: Context;
  readonly #request: Request;
  readonly #inject: Inject;
  readonly #instruments: Instruments;
  #sent = 0;

  constructor(span: Span, request: Request, inject: Inject, instruments: Instruments) {
    this.span = span;
    this.#context = trace.setSpan(context.active(), span);
    this.#request = request;
    this.#inject = inject;
    this.#instruments = instruments;
  }

  within<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  headers(request: Request): Readonly<Record<string, string>> {
    this.#sent += 1;
    const carrier: Record<string, string> = {};
    this.#inject(this.#context, carrier);
    if ('traceparent' in request.headers) delete carrier['tracestate']; // which tells of the other one (W3C Trace Context, section 3.3)
    return carrier;
  }

  attempted(request: Request, outcome: Outcome | { readonly thrown: unknown }, ms: number): void {
    this.#instruments.attempts.record(ms / 1000, { ...measured(request), ...attemptResult(request, outcome) });
  }

  ended(outcome: Response | { readonly thrown: unknown }, ms: number, ending?: string): void {
    const { span } = this;
    const { call, url } = this.#request;
    const result = callResult(this.#request, outcome, ending);
    const kind = result['error.type'];
    const failed = kind === undefined ? {} : { 'error.type': kind };
    this.#instruments.calls.record(ms / 1000, { 'admin_api.operation': operationOf(call.operation), ...serverOf(url), ...failed });
    if (span.isRecording()) {
      if (this.#sent > 1) result['http.request.resend_count'] = this.#sent - 1;
      span.setAttributes(result);
      const error = 'thrown' in outcome ? outcome.thrown : undefined;
      const message = error instanceof AdminAPIError ? { message: error.code } : {};
      if (kind !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, ...message });
    }
    span.end();
  }
}

/** The operation's id; all that the document does not know is one, so that names stay few. */
function operationOf(operation: string): string {
  return operation.includes(' ') ? 'client.request' : operation;
}

/** Address and port of a server. */
function serverOf(url: string): Attributes {
  const { hostname, port, protocol } = new URL(url);
  return { 'server.address': hostname.replace(/^\[|\]$/g, ''), 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) };
}

/** What a metric tells of a request: nothing that has many values. */
function measured({ method, url, call }: Request): Attributes {
  const template = call.template === undefined ? {} : { 'url.template': call.template };
  return { 'http.request.method': METHODS.has(method) ? method : '_OTHER', ...serverOf(url), ...template };
}

/** Name and first attributes of a span, those that samplers may look at. */
function described(request: Request): { name: string; attributes: Attributes } {
  const { method, url, call } = request;
  const attributes = { ...measured(request), 'url.full': shownUrl(url), 'admin_api.operation': operationOf(call.operation) };
  const known = METHODS.has(method);
  const shown = known ? method : 'HTTP';
  return {
    name: call.template === undefined ? shown : `${shown} ${call.template}`,
    attributes: known ? attributes : { ...attributes, 'http.request.method_original': method },
  };
}

/** Why something failed; nothing if it did not. */
function failure(status: number | undefined, code: string | undefined): Attributes {
  if (status !== undefined) return { 'http.response.status_code': status, 'error.type': String(status) };
  return code === undefined ? {} : { 'error.type': code };
}

/** How an attempt ended. */
function attemptResult(request: Request, outcome: Outcome | { readonly thrown: unknown }): Attributes {
  if ('thrown' in outcome) return { 'error.type': kindOf(request, outcome.thrown) };
  if (!(outcome instanceof Response)) return failure(undefined, outcome.code);
  const { status } = outcome;
  return status >= 400 ? failure(status, undefined) : { 'http.response.status_code': status };
}

/** How a call ended: with a status, or with one of our errors, or with what was thrown within it. */
function callResult(request: Request, outcome: Response | { readonly thrown: unknown }, ending: string | undefined): Attributes {
  const found: Attributes = {};
  const known = 'thrown' in outcome ? outcome.thrown : outcome;
  if (known instanceof AdminAPIError) {
    found['error.type'] = known.status === undefined ? known.name : String(known.status);
    found['admin_api.outcome'] = known.outcome;
  } else if ('thrown' in outcome) {
    found['error.type'] = kindOf(request, outcome.thrown);
  }
  if (known instanceof Response || known instanceof AdminAPIError) {
    if (known.status !== undefined) found['http.response.status_code'] = known.status;
    if (known.requestId !== undefined) found['admin_api.request_id'] = known.requestId;
  }
  if (ending !== undefined) {
    found['admin_api.ending'] = ending;
    if (!['ended', 'left'].includes(ending)) found['error.type'] = ending;
  }
  return found;
}

/** What is called that was thrown and is none of ours. */
function kindOf({ call }: Request, thrown: unknown): string {
  if (call.signal?.aborted === true && thrown === call.signal.reason) return 'cancelled';
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
