/**
 * The errors that the SDK throws (ERR).
 *
 * AdminAPIError
 * ├── APIConnectionError              no answer, or a broken one
 * │   └── APITimeoutError             `timeout` ran out
 * ├── DeadlineExceededError           `deadline` ran out
 * ├── APIStatusError                  any status without a class of its own, 3xx too
 * │   ├── BadRequestError             400
 * │   ├── AuthenticationError         401, and a token that cannot be had
 * │   ├── PermissionDeniedError       403
 * │   │   └── InsufficientScopeError  … for want of a scope
 * │   ├── NotFoundError               404
 * │   ├── ConflictError               409
 * │   ├── GoneError                   410
 * │   ├── PreconditionFailedError     412
 * │   ├── UnprocessableEntityError    422, with `.errors`
 * │   ├── PreconditionRequiredError   428
 * │   ├── RateLimitError              429
 * │   └── InternalServerError         500 and above
 * ├── DecodeError                     an answer that is not what the document says
 * ├── IntegrityError                  content that fails its digest or its cipher
 * │   └── NoMatchingKeyError          … because it is encrypted to somebody else
 * ├── StreamInterruptedError          a stream that could not be resumed
 * └── ConfigurationError              options or arguments that cannot work; nothing was sent
 *
 * @module
 */

/** What became of the call: none of it left the client; the server refused it; it may have acted; it did act. */
export type CallOutcome = 'not_sent' | 'refused' | 'unknown' | 'committed';

/** One member or parameter that was refused (RFC 9457 `errors`). */
export interface FieldError {
  /** What is wrong, for programs. */
  readonly code: string;
  /** What is wrong, for people. */
  readonly detail: string;
  /** JSON Pointer (RFC 6901) into the request body. */
  readonly pointer: string | undefined;
  /** Name of the query, path or header parameter. */
  readonly parameter: string | undefined;
}

/** What is known of a failed call. */
export interface ErrorFacts {
  code?: string | undefined;
  operation?: string | undefined;
  outcome?: CallOutcome;
  retryable?: boolean;
  attempts?: number;
  status?: number | undefined;
  requestId?: string | undefined;
  problem?: Readonly<Record<string, unknown>> | undefined;
  retryAfter?: number | undefined;
  idempotencyKey?: string | undefined;
}

/** Base of all errors of the SDK. Holds no secret. */
export class AdminAPIError extends Error {
  declare readonly name: string;
  /** What went wrong, for programs: the problem's `code` if there is one, else one of the SDK's own. */
  declare code: string;
  /** The operation's name, such as `users.create`. */
  declare operation: string | undefined;
  /** What became of the call, over all its attempts. */
  declare outcome: CallOutcome;
  /** Whether the same call with the same key may succeed later. */
  declare retryable: boolean;
  /** How many attempts were made. */
  declare attempts: number;
  /** HTTP status, undefined if there was no answer. */
  declare readonly status: number | undefined;
  /** The server's request id, for support. */
  declare readonly requestId: string | undefined;
  /** The problem details (RFC 9457), undefined if the answer had none. */
  declare readonly problem: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds that the server asked to wait, undefined if it did not. */
  declare readonly retryAfter: number | undefined;
  /** The key that the call carried; pass it again to repeat the call safely. */
  declare idempotencyKey: string | undefined;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message);
    Object.assign(this, facts);
    this.name = new.target.name;
    this.code ??= (new.target as typeof AdminAPIError).code;
    this.outcome ??= 'not_sent';
    this.retryable ??= false;
    this.attempts ??= 0;
  }

  static readonly code: string = 'admin_api_error';
}

/** There was no answer, or only part of one. */
export class APIConnectionError extends AdminAPIError {
  static override readonly code: string = 'connection_error';
}

/** An attempt did not end within `timeout`, or a stream fell silent. */
export class APITimeoutError extends APIConnectionError {
  static override readonly code: string = 'timeout';
}

/** The call did not end within `deadline`. */
export class DeadlineExceededError extends AdminAPIError {
  static override readonly code: string = 'deadline_exceeded';
}

/** The server answered with an error; the class follows the status. */
export class APIStatusError extends AdminAPIError {
  static override readonly code: string = 'http_error';

  /** The members and parameters that were refused, if the problem names any. */
  get errors(): readonly FieldError[] {
    const given = this.problem?.['errors'];
    return Array.isArray(given) ? given.filter(isEntry).map(fieldError) : [];
  }
}

function isEntry(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function fieldError(entry: Record<string, unknown>): FieldError {
  const text = (name: string): string | undefined => {
    const value = entry[name];
    return typeof value === 'string' ? value : undefined;
  };
  return { code: text('code') ?? '', detail: text('detail') ?? '', pointer: text('pointer'), parameter: text('parameter') };
}

/** 400: the request could not be parsed. */
export class BadRequestError extends APIStatusError {
  static override readonly code: string = 'bad_request';
}

/** 401: no valid token; or a token that the token endpoint refused to give. */
export class AuthenticationError extends APIStatusError {
  static override readonly code: string = 'unauthenticated';
}

/** 403: the token is valid and does not allow this. */
export class PermissionDeniedError extends APIStatusError {
  static override readonly code: string = 'permission_denied';
}

/** 403: the token lacks a scope. */
export class InsufficientScopeError extends PermissionDeniedError {
  static override readonly code: string = 'insufficient_scope';
  /** The scopes that the operation needs and the token lacks. */
  missingScopes: readonly string[] = [];
  /** The scopes that the token has, undefined if not known. */
  grantedScopes: readonly string[] | undefined = undefined;
}

/** 404: there is no such thing. */
export class NotFoundError extends APIStatusError {
  static override readonly code: string = 'not_found';
}

/** 409: it conflicts with what is there; `existing_id` in `problem` says with what. */
export class ConflictError extends APIStatusError {
  static override readonly code: string = 'conflict';
}

/** 410: what a cursor or an id pointed at is no longer kept. */
export class GoneError extends APIStatusError {
  static override readonly code: string = 'gone';
}

/** 412: the thing has changed, or exists already. */
export class PreconditionFailedError extends APIStatusError {
  static override readonly code: string = 'precondition_failed';
}

/** 422: the request was parsed and is not valid; `errors` says where. */
export class UnprocessableEntityError extends APIStatusError {
  static override readonly code: string = 'unprocessable';
}

/** 428: the operation wants `if_match` or `if_none_match`. */
export class PreconditionRequiredError extends APIStatusError {
  static override readonly code: string = 'precondition_required';
}

/** 429: too many requests; `retryAfter` says how long to wait. */
export class RateLimitError extends APIStatusError {
  static override readonly code: string = 'rate_limited';
}

/** 500 and above: the server failed. */
export class InternalServerError extends APIStatusError {
  static override readonly code: string = 'server_error';
}

/** The answer is not what the document says it is. */
export class DecodeError extends AdminAPIError {
  static override readonly code: string = 'decode_error';
}

/** Content does not match its digest, or was changed since it was encrypted. */
export class IntegrityError extends AdminAPIError {
  static override readonly code: string = 'integrity_error';
}

/** Content is encrypted, but not to any of the identities given. */
export class NoMatchingKeyError extends IntegrityError {
  static override readonly code: string = 'no_matching_key';
}

/** A stream broke and could not be resumed; `lastId` is the last item delivered. */
export class StreamInterruptedError extends AdminAPIError {
  static override readonly code: string = 'stream_interrupted';
  lastId: string | undefined = undefined;
}

/** Options or arguments that cannot work; nothing was sent. */
export class ConfigurationError extends AdminAPIError {
  static override readonly code: string = 'configuration_error';
}

type StatusErrorClass = new (message: string, facts?: ErrorFacts) => APIStatusError;

const BY_STATUS: Readonly<Record<number, StatusErrorClass>> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  410: GoneError,
  412: PreconditionFailedError,
  422: UnprocessableEntityError,
  428: PreconditionRequiredError,
  429: RateLimitError,
};

/** The class of an error answer, by its status and its problem's code. */
export function classFor(status: number, code: string | undefined): StatusErrorClass {
  if (status === 403 && code === InsufficientScopeError.code) return InsufficientScopeError;
  return status >= 500 ? InternalServerError : (BY_STATUS[status] ?? APIStatusError);
}
