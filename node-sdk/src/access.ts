/**
 * An access token, and what is known of it.
 *
 * @module
 */
import { Secret } from './exchange.ts';

/** What is known of a token; times are of the monotonic clock. */
export interface TokenFacts {
  /** What it may do, undefined if not known. */
  scopes?: ReadonlySet<string> | undefined;
  /** The refresh token that came with it. */
  refreshToken?: Secret | undefined;
  /** How long it was given to live, undefined if that is not known. */
  expiresIn?: number | undefined;
  /** When it stops working, undefined if that is not known. */
  endsAt?: number | undefined;
  /** From then on one caller refreshes it, the rest go on with it; undefined if it never expires. */
  adviseAt?: number | undefined;
  /** From then on all wait for its successor. */
  mustAt?: number | undefined;
}

/** An access token. */
export class AccessToken {
  /** The token itself. */
  declare readonly access: Secret;
  /** The whole Authorization header. */
  declare readonly value: Secret;
  declare scopes: ReadonlySet<string> | undefined;
  declare readonly refreshToken: Secret | undefined;
  declare readonly expiresIn: number | undefined;
  declare readonly endsAt: number | undefined;
  declare readonly adviseAt: number | undefined;
  declare readonly mustAt: number | undefined;

  constructor(value: string, facts: TokenFacts = {}) {
    this.access = new Secret(value);
    this.value = new Secret(`Bearer ${value}`);
    Object.assign(this, facts);
  }
}

/** Whether a token can stand in a header (RFC 6750, section 2.1, and leniently all visible ASCII). */
export function sendable(token: unknown): token is string {
  return typeof token === 'string' && /^[!-~]+$/.test(token);
}
