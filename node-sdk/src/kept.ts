/**
 * What a token store's text says, alike in every language (AUTH-10).
 *
 * @module
 */
import { sendable } from './access.ts';
import type { AccessToken } from './access.ts';
import { Secret } from './index.ts';
import { lasting } from './renewal.ts';

/** Of the text. */
const VERSION = 1;
const FAR = 1e15;

/** What a kept token is for; another's is not used, whatever the file is called. */
export interface GrantName {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** In order, each once. */
  readonly scopes: readonly string[];
}

/** Under which key a grant is kept: SHA-256 of endpoint, scopes and client, a line each, in hex. */
export function keyOf({ tokenUrl, clientId, scopes }: GrantName): Promise<string> {
  return sha256([tokenUrl, scopes.join(' '), clientId].join('\n'));
}

/** Which log-in a grant goes back to: SHA-256 of its first refresh token in hex; null for the client's own. */
export async function originOf(refreshToken: Secret | undefined): Promise<string | null> {
  return refreshToken === undefined ? null : sha256(refreshToken.reveal());
}

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The text of a token, the same in every language; `endsAt` is of the wall clock. */
export function written(
  token: AccessToken,
  name: GrantName,
  { origin, refreshToken, endsAt }: { origin: string | null; refreshToken: Secret | undefined; endsAt: number | undefined },
): Secret {
  return new Secret(
    JSON.stringify({
      v: VERSION,
      token_url: name.tokenUrl,
      client_id: name.clientId,
      scopes: name.scopes,
      origin,
      access_token: token.access.reveal(),
      scope: token.scopes === undefined ? null : [...token.scopes].sort().join(' '),
      expires_in: token.expiresIn === undefined ? null : token.expiresIn / 1000,
      expires_at: endsAt === undefined ? null : Math.floor(endsAt / 1000),
      refresh_token: refreshToken?.reveal() ?? null,
    }),
  );
}

/** What a store's text says. */
export interface Kept {
  readonly origin: string | null;
  readonly token: AccessToken;
}

/**
 * The token that a text holds, expired or not; undefined for a text that is broken, foreign or of another grant.
 *
 * Its end is by the wall clock, which may have been set since: it is never later than its whole life from now.
 */
export function read(text: Secret, name: GrantName, { now, monotonic }: { now: number; monotonic: number }): Kept | undefined {
  const document = parsed(text.reveal());
  const ours = { v: VERSION, token_url: name.tokenUrl, client_id: name.clientId };
  if (document === undefined || Object.entries(ours).some(([member, value]) => document[member] !== value)) return undefined;
  const { scopes, origin = null, access_token: access, refresh_token: refresh = null, scope = null } = document;
  if (!Array.isArray(scopes) || scopes.length !== name.scopes.length || scopes.some((each, at) => each !== name.scopes[at])) return undefined;
  if (!sendable(access) || !(refresh === null || sendable(refresh)) || !isText(origin) || !isText(scope)) return undefined;
  const { expires_in: lifetime = null, expires_at: endsAt = null } = document;
  const lasts = isNumber(lifetime) && isNumber(endsAt) && lifetime > 0;
  if (!lasts && !(lifetime === null && endsAt === null)) return undefined;
  const token = lasting(access, monotonic, {
    scopes: scope === null ? undefined : new Set(scope.split(' ').filter(Boolean)),
    refreshToken: refresh === null ? undefined : new Secret(refresh),
    expiresIn: lasts ? lifetime * 1000 : undefined,
    left: lasts ? Math.min(endsAt * 1000 - now, lifetime * 1000) : undefined,
  });
  return { origin, token };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // half of it, or none; the error, which may quote it, goes no further
  }
}

const isText = (value: unknown): value is string | null => value === null || typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) < FAR;
