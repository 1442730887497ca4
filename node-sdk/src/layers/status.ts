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
  InsufficientScopeError,
} from '../errors.ts';
import { Response, TokenFailure, WireError } from '../exchange.ts';
import type { Call, Layer, Outcome, Request } from '../exchange.ts';
import { effectOf, outcomeOf } from '../outcome.ts';

const ADVICE: Readonly<Record<number, string>> = {
  401: 'Check the token or the client credentials.',
  403: 'Ask for a token with the scope.',
  404: 'Check the id.',
  409: 'See `problem` for what is in the way.',
  410: 'Start over without the cursor or id.',
  412: 'Get the current version and try again with its etag.',
  422: 'See `errors` for the members that were refused.',
  428: "Pass if_match with the etag you know, or if_none_match: '*' to create.",
  429: 'Wait for `retryAfter` milliseconds.',
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
  if (error instanceof InsufficientScopeError) {
    const granted = response.call.tokenScopes;
    error.grantedScopes = granted && [...granted].sort();
    error.missingScopes = missing(response, problem, granted);
  }
  return error;
}

function missing(
  response: Response,
  problem: Readonly<Record<string, unknown>> | undefined,
  granted: ReadonlySet<string> | undefined,
): string[] {
  const listed = problem?.['missing_scopes'];
  if (Array.isArray(listed) && listed.length > 0) return listed.map(String);
  return response.call.scopes.filter((scope) => granted === undefined || !granted.has(scope));
}

/** The problem details of an answer (RFC 9457), undefined if it holds none, whatever its content type says. */
function problemOf(response: Response): Readonly<Record<string, unknown>> | undefined {
  return (response.headers.get('content-type') ?? '').includes('json') ? jsonObject(response.body) : undefined;
}

function message(response: Response, problem: Readonly<Record<string, unknown>> | undefined): string {
  const { call, status, requestId } = response;
  const parts = [`${call.operation}: ${status}`];
  if (problem !== undefined) {
    const told = ['code', 'detail'].map((name) => problem[name]).filter((value) => typeof value === 'string');
    parts.push(told.length > 0 ? told.join(' ') : String(problem['title'] ?? ''));
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
  if (code === 'deadline_exceeded') return new DeadlineExceededError(`${call.operation}: ${failure.message}`);
  const text = `${call.operation}: No access token. ${failure.message}`;
  if (answer instanceof WireError) return ofWire(call, answer);
  if (answer === undefined) {
    return code === 'token_timeout' ? new APITimeoutError(text, { code }) : new AuthenticationError(text, { code });
  }
  const facts = { code, status: answer.status, requestId: answer.requestId };
  if (failure.final) return new AuthenticationError(text, facts);
  return new (classFor(answer.status, undefined))(text, { ...facts, retryAfter: retryAfter(answer, call.clock.now()) });
}

function ofWire(call: Call, wire: WireError): AdminAPIError {
  const text = `${call.operation}: ${wire.message}`;
  const facts = { code: wire.code, status: wire.status, requestId: wire.requestId };
  if (wire.code === 'deadline_exceeded') return new DeadlineExceededError(`${text} Raise \`deadline\` if it is too short.`);
  if (wire.code === 'timeout') return new APITimeoutError(`${text} Raise \`timeout\` if it is too short.`, facts);
  return new APIConnectionError(text, facts);
}
