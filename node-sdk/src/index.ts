/**
 * The Node SDK of the Admin API.
 *
 * ```ts
 * import { AdminClient } from '@admin-api/sdk';
 *
 * const client = new AdminClient();
 * const user = await client.users.create({ username: 'alice', email: 'alice@example.com', roles: ['admin'] });
 * ```
 *
 * @module
 */
export type { AccessToken, TokenFacts } from './access.ts';
export type { RetryRecord } from './backoff.ts';
export { AdminClient } from './client.ts';
export type { ClientOptions } from './client.ts';
export type { Clock } from './clock.ts';
export type { CredentialOptions } from './credentials.ts';
export type { ClientAuth } from './endpoint.ts';
export {
  AdminAPIError,
  APIConnectionError,
  APIStatusError,
  APITimeoutError,
  AuthenticationError,
  BadRequestError,
  ConfigurationError,
  ConflictError,
  DeadlineExceededError,
  DecodeError,
  GoneError,
  InsufficientScopeError,
  IntegrityError,
  InternalServerError,
  NoMatchingKeyError,
  NotFoundError,
  PermissionDeniedError,
  PreconditionFailedError,
  PreconditionRequiredError,
  RateLimitError,
  StreamInterruptedError,
  UnprocessableEntityError,
} from './errors.ts';
export type { CallOutcome, ErrorFacts, FieldError } from './errors.ts';
export { Call, Request, Response, Secret, TokenFailure, WireError } from './exchange.ts';
export type { Body, Effect, Layer, Outcome, Send, Stream } from './exchange.ts';
export type { Downloaded, DownloadOptions, Progress, UploadOptions, UploadSource } from './files.ts';
export type { Logger, LogLevel } from './layers/logging.ts';
export { Page } from './operation.ts';
export type { Op, Paging, RawResponse, Sorted, Streaming } from './operation.ts';
export type { LimitOptions, Limits, RequestOptions } from './options.ts';
export { Pager } from './pagination.ts';
export type { RefreshRecord } from './renewal.ts';
export { ApiPromise, Caller, Resource } from './resource.ts';
export type { CallerFacts, Parts, Source } from './resource.ts';
export { EventStream, ItemStream } from './streaming.ts';
export { MemoryTokenStore } from './store.ts';
export type { TokenStore } from './store.ts';
export type { CallTelemetry, Listener, Telemetry } from './telemetry.ts';
export type { Fetch } from './transport.ts';
export { VERSION } from './version.ts';
export type * from './_generated/models.ts';
export * from './_generated/resources/index.ts';
