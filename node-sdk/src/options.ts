/**
 * Options: of a client's limits and of one call.
 *
 * @module
 */
import * as policy from './_generated/policy.ts';
import { ConfigurationError } from './errors.ts';

/** Options of one call; what is left out comes from the client. Durations are in milliseconds. */
export interface RequestOptions {
  /** How long one attempt may take, from connect to the last byte of the answer. */
  timeout?: number | undefined;
  /** How long the call may take with all attempts and waits. `null` is no limit. */
  deadline?: number | null | undefined;
  /** How many attempts may follow the first. */
  maxRetries?: number | undefined;
  /** The key of a mutation, 1 to 255 visible ASCII characters; `null` sends none; else one is made. */
  idempotencyKey?: string | null | undefined;
  /** Headers to add or, with the same name, to replace. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Query parameters to add. */
  query?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined;
  /** Ends the call at once; what is thrown is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** The client's own limits, which a call's options override. */
export interface Limits {
  readonly timeout: number;
  readonly deadline: number | undefined;
  readonly maxRetries: number;
  readonly maxRetryAfter: number;
  readonly tokenTimeout: number;
}

/** What may be said of limits. */
export interface LimitOptions {
  /** How long one attempt may take, in milliseconds. @defaultValue 30 000 */
  timeout?: number | undefined;
  /** How long a call may take with all attempts and waits, in milliseconds; `null` is no limit. @defaultValue none */
  deadline?: number | null | undefined;
  /** Attempts that may follow the first. @defaultValue 2 */
  maxRetries?: number | undefined;
  /** A longer `Retry-After` fails at once; in milliseconds. @defaultValue 60 000 */
  maxRetryAfter?: number | undefined;
}

export const DEFAULT_LIMITS: Limits = {
  timeout: policy.LIMITS_TIMEOUT,
  deadline: undefined,
  maxRetries: policy.LIMITS_MAX_RETRIES,
  maxRetryAfter: policy.LIMITS_MAX_RETRY_AFTER,
  tokenTimeout: policy.LIMITS_TOKEN_TIMEOUT,
};

/**
 * Limits with what is given in place.
 *
 * @throws ConfigurationError for a limit that is no positive number.
 */
export function override(limits: Limits, given: LimitOptions & { tokenTimeout?: number | undefined }): Limits {
  const { timeout, deadline, maxRetries, maxRetryAfter, tokenTimeout } = given;
  check('timeout', timeout);
  check('deadline', deadline ?? undefined);
  check('maxRetryAfter', maxRetryAfter);
  check('tokenTimeout', tokenTimeout);
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0)) {
    throw new ConfigurationError('maxRetries must be a whole number of at least 0.', { code: 'invalid_option' });
  }
  return {
    timeout: timeout ?? limits.timeout,
    deadline: deadline === undefined ? limits.deadline : (deadline ?? undefined),
    maxRetries: maxRetries ?? limits.maxRetries,
    maxRetryAfter: maxRetryAfter ?? limits.maxRetryAfter,
    tokenTimeout: tokenTimeout ?? limits.tokenTimeout,
  };
}

function check(name: string, value: number | undefined): void {
  if (value !== undefined && !(typeof value === 'number' && value > 0 && value <= policy.LIMITS_LONGEST)) {
    throw new ConfigurationError(`${name} must be a number of milliseconds above 0, at most ${policy.LIMITS_LONGEST}.`, { code: 'invalid_option' });
  }
}

/** Throws ConfigurationError for options that cannot be sent; a header's value may be secret and is not quoted. */
export function checkOptions({ idempotencyKey, headers }: RequestOptions): void {
  const given = idempotencyKey ?? undefined;
  if (given !== undefined && !(typeof given === 'string' && /^[!-~]{1,255}$/.test(given))) {
    throw new ConfigurationError('idempotencyKey must be 1 to 255 visible ASCII characters.', { code: 'invalid_option' });
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new ConfigurationError("A header's name must be an RFC 9110 token.", { code: 'invalid_header' });
    }
    checkHeader(name, value);
    if (/^(authorization|content-length|transfer-encoding|host|connection)$/i.test(name)) {
      throw new ConfigurationError(`Header ${name} is set by the SDK alone.`, { code: 'invalid_header' });
    }
  }
}

/** Throws ConfigurationError for a value that would split the request or cannot be sent. */
export function checkHeader(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || !/^[\t -~]*$/.test(value)) {
    throw new ConfigurationError(`The value of header ${name} must be visible ASCII text.`, { code: 'invalid_header' });
  }
}
