/**
 * One HTTP exchange as data: Request, Response and WireError, and the Call they belong to. No I/O.
 *
 * Inside the stack an outcome is a value, never an exception: a Response, a WireError, or a TokenFailure when the attempt
 * could not even begin for want of a token (STACK-4). Cancellation alone is thrown, as the signal's own reason.
 *
 * @module
 */
import { RETRY_CONDITIONAL_HEADERS } from './_generated/policy.ts';
import type { AccessToken } from './access.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './options.ts';
import type { Listener } from './telemetry.ts';

/** A string that shows itself nowhere: not in JSON, not in a log. Only the transport reveals it (AUTH-9). */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The string itself. */
  reveal(): string {
    return this.#value;
  }

  /** Whether it is the same secret. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return 'Secret(REDACTED)';
  }

  toJSON(): string {
    return 'REDACTED';
  }
}

/** A request body that can be sent again from its start. */
export interface Body {
  readonly length: number;
  /** All of it from its first byte, as bytes or as a stream that is read once. */
  open(): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>>;
}

/** What the layers share about one call; one per answer, so a page and a reconnect have one each. */
export class Call {
  declare readonly operation: string;
  declare readonly method: string;
  declare readonly limits: Limits;
  declare readonly clock: Clock;
  declare readonly idempotencyKey: string | undefined;
  declare readonly scopes: readonly string[];
  /** Whether the body of a success is left to be read by its consumer. */
  declare readonly streamed: boolean | undefined;
  /** Whether request or answer hold a secret, so that no excerpt may be shown (AUTH-9). */
  declare readonly sensitive: boolean | undefined;
  /** False if the operation is never tried again. */
  declare readonly retries: boolean | undefined;
  /** The caller's own signal. */
  declare readonly signal: AbortSignal | undefined;
  declare readonly startedAt: number;
  declare readonly deadlineAt: number | undefined;
  attempts = 0;
  /** Whether the one resend after a 401 was used (AUTH-4). */
  resent = false;
  /** Whether any attempt may have left the client. */
  reached = false;
  /** Whether any attempt so far may have acted. */
  maybeActed = false;
  /** Whether any attempt so far succeeded, though its answer was lost. */
  committed = false;
  /** What the last retry cost of the budget. */
  spent = 0;
  /** Why no further attempt was made, from `decide`. */
  declare stop: string | undefined;
  /** The token used last, undefined before there was one. */
  declare token: AccessToken | undefined;
  /** Path of the operation in the document, undefined for what the document does not know. */
  declare template: string | undefined;
  /** Who is told of this call, undefined for nobody. */
  declare telemetry: Listener | undefined;

  constructor(facts: {
    operation: string;
    method: string;
    limits: Limits;
    clock: Clock;
    idempotencyKey?: string | undefined;
    scopes?: readonly string[] | undefined;
    streamed?: boolean | undefined;
    sensitive?: boolean | undefined;
    retries?: boolean | undefined;
    signal?: AbortSignal | undefined;
    template?: string | undefined;
  }) {
    this.operation = facts.operation; // one by one: on the way of every call, and Object.assign is slow
    this.method = facts.method;
    this.limits = facts.limits;
    this.clock = facts.clock;
    this.idempotencyKey = facts.idempotencyKey;
    this.scopes = facts.scopes ?? [];
    this.streamed = facts.streamed;
    this.sensitive = facts.sensitive;
    this.retries = facts.retries;
    this.signal = facts.signal;
    this.template = facts.template;
    this.startedAt = this.clock.monotonic();
    this.deadlineAt = this.limits.deadline && this.startedAt + this.limits.deadline;
  }

  /** Milliseconds until the deadline, undefined without one. */
  left(): number | undefined {
    return this.deadlineAt && this.deadlineAt - this.clock.monotonic();
  }

  get keyed(): boolean {
    return this.idempotencyKey !== undefined;
  }
}

/** A request as the layers see it; copied, never changed. */
export class Request {
  declare readonly call: Call;
  declare readonly method: string;
  declare readonly url: string;
  /** By lower-case name; a credential is a Secret. */
  declare readonly headers: Readonly<Record<string, string | Secret>>;
  declare readonly content: Uint8Array<ArrayBuffer> | Body | undefined;

  constructor(
    call: Call,
    method: string,
    url: string,
    headers: Readonly<Record<string, string | Secret>>,
    content: Uint8Array<ArrayBuffer> | Body | undefined,
  ) {
    this.call = call;
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.content = content;
  }

  /** The same request with one header more, or replaced. */
  withHeader(name: string, value: string | Secret): Request {
    return new Request(this.call, this.method, this.url, { ...this.headers, [name]: value }, this.content);
  }

  /** Whether the request is conditional (RFC 9110, section 13): a repeat could meet its own effect. */
  get conditional(): boolean {
    return Object.keys(this.headers).some((name) => RETRY_CONDITIONAL_HEADERS.has(name));
  }
}

/** The unread body of a streamed answer: read by its consumer, closed at the end. */
export interface Stream {
  /** The next bytes, undefined at the end. Throws what broke the connection. */
  read(): Promise<Uint8Array | undefined>;
  /** Frees the connection; may be called at any time. */
  close(): Promise<void>;
}

/** An answer. `body` is read, unless the call is streamed and succeeded; then `stream` is to be read and closed. */
export class Response {
  declare readonly call: Call;
  declare readonly status: number;
  declare readonly headers: Headers;
  declare readonly body: Uint8Array;
  declare readonly stream: Stream | undefined;
  /** Told how the reading of `stream` ended: `ended`, `left`, `interrupted`, or the code of an error (LOG). */
  declare onEnd: ((how: string) => void) | undefined;

  constructor(call: Call, status: number, headers: Headers, body: Uint8Array, stream?: Stream) {
    this.call = call;
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.stream = stream;
  }

  get requestId(): string | undefined {
    return this.headers.get('x-request-id') ?? undefined;
  }

  /** Whether it says so of its body; a page of something between client and server does not. */
  get isJson(): boolean {
    return (this.headers.get('content-type') ?? '').includes('json');
  }
}

/** What a failure says of the request: it never left; it may have acted; it never will (TLS, closed client). */
export type Effect = 'not_sent' | 'maybe_acted' | 'final';

/** There was no whole answer (RETRY-10). */
export class WireError {
  /** `connect_failed`, `timeout`, `deadline_exceeded`, `connection_lost`, `tls_verification_failed` … */
  declare readonly code: string;
  declare readonly effect: Effect;
  declare readonly message: string;
  /** Status of the answer whose body was lost. */
  declare readonly status: number | undefined;
  declare readonly requestId: string | undefined;

  constructor(code: string, effect: Effect, message: string, status?: number, requestId?: string) {
    this.code = code;
    this.effect = effect;
    this.message = message;
    this.status = status;
    this.requestId = requestId;
  }
}

/** The attempt could not begin: no token was to be had (AUTH-5). */
export class TokenFailure {
  /** The OAuth error, `refresh_outcome_unknown`, `token_timeout`, or the code of the wire error. */
  declare readonly code: string;
  declare readonly message: string;
  /** Whether another try is pointless, or could do harm. */
  declare readonly final: boolean;
  declare readonly answer: Response | WireError | undefined;

  constructor(code: string, message: string, final: boolean, answer?: Response | WireError) {
    this.code = code;
    this.message = message;
    this.final = final;
    this.answer = answer;
  }
}

export type Outcome = Response | WireError | TokenFailure;

export type Send = (request: Request) => Promise<Outcome>;

/** A layer takes what it sends with and returns how to send: no base class, no registry. */
export type Layer = (send: Send) => Send;
