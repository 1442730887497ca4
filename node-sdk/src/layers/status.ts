/**
 * Turns an outcome that is no success into the error it stands for; the only layer that throws.
 *
 * @module
 */
import { ERRORS_EXCERPT, RETRY_SAFE_METHODS } from '../_generated/policy.ts';
import { retryAfter, transient } from '../backoff.ts';
import { jsonObject } from '../bytes.ts';
import {
  AdminAPIError,
  APIConnectionError,
  APITimeoutError,
  AuthenticationError,
  classFor,
  DeadlineExceededError,
  DecodeError,
  InsufficientScopeError,
} from '../errors.ts';
import { Response, TokenFailure, WireError } from '../exchange.ts';
import type { Call, Layer, Outcome, Request } from '../exchange.ts';
import { KEPT_NO_LONGER, effectOf, outcomeOf } from '../outcome.ts';

const ADVICE: Readonly<Record<number, string>> = {
  401: 'Check the credentials.',
  403: 'Ask for the scope.',
  404: 'Check the id.',
  409: 'See `problem` for why.',
  410: 'Start over.',
  412: 'Get it again, for its etag.',
  422: 'See `errors`.',
  428: "Pass if_match, or if_none_match: '*' to create.",
  429: 'Wait for `retryAfter`.',
};

/** The layer. */
export function status(): Layer {
  return (send) => async (request) => {
    const outcome = await send(request);
    if (outcome instanceof Response && (outcome.status < 300 || outcome.status === 304)) return outcome;
    throw errorFor(request, outcome);
  };
}

/** The error that an outcome stands for. */
export function errorFor(request: Request, outcome: Outcome): AdminAPIError {
  const { call } = request;
  const error =
    outcome instanceof Response ? ofStatus(outcome) : outcome instanceof TokenFailure ? ofToken(call, outcome) : ofWire(call, outcome);
  error.operation = call.operation;
  error.attempts = call.attempts;
  error.idempotencyKey = call.idempotencyKey;
  error.outcome = outcomeOf(call, effectOf(outcome));
  if (error.code === KEPT_NO_LONGER) error.outcome = 'committed';
  const harmless = call.keyed || RETRY_SAFE_METHODS.has(call.method) || ['not_sent', 'refused'].includes(error.outcome);
  error.retryable = transient(outcome, request.method) && harmless;
  if (call.stop === 'retry_budget_exhausted') error.code = call.stop;
  return error;
}

function ofStatus(response: Response): AdminAPIError {
  const problem = problemOf(response);
  const given = problem?.['code'];
  const code = typeof given === 'string' && given !== '' ? given : undefined;
  const error = new (classFor(response.status, code))(message(response, problem), {
    code,
    status: response.status,
    requestId: response.requestId,
    problem,
    retryAfter: retryAfter(response, response.call.clock.now()),
  });
  if (error instanceof InsufficientScopeError) tellScopes(error, response.call, problem?.['missing_scopes']);
  return error;
}

/** What the token has and what it lacks, as the server lists it, else by the document. */
function tellScopes(error: InsufficientScopeError, call: Call, listed?: unknown): InsufficientScopeError {
  const granted = call.token?.scopes;
  error.grantedScopes = granted && [...granted].sort();
  error.missingScopes =
    Array.isArray(listed) && listed.length > 0 ? listed.map(String) : call.scopes.filter((scope) => granted?.has(scope) !== true);
  return error;
}

/** The problem details of an answer (RFC 9457), undefined if it holds none, whatever its content type says. */
function problemOf(response: Response): Readonly<Record<string, unknown>> | undefined {
  return response.isJson ? jsonObject(response.body) : undefined;
}

function message(response: Response, problem: Readonly<Record<string, unknown>> | undefined): string {
  const { call, status, requestId } = response;
  const parts = [`${call.operation}: ${status}`];
  if (problem !== undefined) {
    const told = ['code', 'detail'].map((name) => problem[name]).filter((value) => typeof value === 'string');
    parts.push((told.join(' ') || String(problem['title'] ?? '')).slice(0, ERRORS_EXCERPT));
  } else if (status >= 300 && status < 400) {
    const to = originOf(response.headers.get('location') ?? '');
    parts.push(`A redirect${to === undefined ? '' : ` to ${to}`} is not followed. Check baseUrl.`);
  } else if (!call.sensitive) {
    parts.push(excerpt(response.body));
  }
  parts.push(ADVICE[status] ?? '', requestId === undefined ? '' : `(request id ${requestId})`);
  return parts.filter(Boolean).join(' ');
}

/** The beginning of a body, for people. */
export function excerpt(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, ERRORS_EXCERPT)).slice(0, ERRORS_EXCERPT);
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function ofToken(call: Call, failure: TokenFailure): AdminAPIError {
  const { answer, code } = failure;
  const plain = `${call.operation}: ${failure.message}`;
  if (code === 'deadline_exceeded') return new DeadlineExceededError(plain);
  if (code === InsufficientScopeError.code && answer === undefined) return tellScopes(new InsufficientScopeError(plain), call);
  const text = `${call.operation}: No access token. ${failure.message}`;
  if (answer === undefined) return new (code === 'token_timeout' ? APITimeoutError : AuthenticationError)(text, { code });
  const wire = answer instanceof WireError;
  if (wire && code !== 'refresh_outcome_unknown') return ofWire(call, answer);
  const facts = { code, status: answer.status, requestId: answer.requestId };
  if (wire || failure.final) return new AuthenticationError(text, facts);
  return new (classFor(answer.status, undefined))(text, { ...facts, retryAfter: retryAfter(answer, call.clock.now()) });
}

function ofWire(call: Call, wire: WireError): AdminAPIError {
  const text = `${call.operation}: ${wire.message}`;
  const facts = { code: wire.code, status: wire.status, requestId: wire.requestId };
  const raise = (option: string): string => `${text} Raise \`${option}\` if it is too short.`;
  switch (wire.code) {
    case 'deadline_exceeded': return new DeadlineExceededError(raise('deadline'), facts);
    case 'timeout': return new APITimeoutError(raise('timeout'), facts);
    case 'answer_too_large': return new DecodeError(text, facts);
    default: return new APIConnectionError(text, facts);
  }
}
