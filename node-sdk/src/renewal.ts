/**
 * What clients that share a token have in common: the token of the moment, and the refresh that is on its way (AUTH-3).
 *
 * Decides who refreshes, who waits and who goes on; no I/O.
 *
 * @module
 */
import * as policy from './_generated/policy-auth.ts';
import { AccessToken } from './access.ts';
import type { Secret, TokenFailure } from './index.ts';

/** Access tokens remembered for `close({ revoke: true })`; older ones have expired, or nearly. */
const OBTAINED_KEPT = 16;

/** A token that lives for `expiresIn` since a moment, or still for `left` of it, and when it is to be renewed (AUTH-2). */
export function lasting(
  value: string,
  since: number,
  facts: { scopes?: ReadonlySet<string> | undefined; refreshToken?: Secret | undefined; expiresIn?: number | undefined; left?: number | undefined },
): AccessToken {
  const { left, ...known } = facts;
  const { expiresIn } = known;
  if (expiresIn === undefined) return new AccessToken(value, known);
  const endsAt = since + (left ?? expiresIn);
  const adviseAt = endsAt - Math.min(policy.AUTH_ADVISORY_WINDOW, expiresIn / 2);
  const mustAt = endsAt - Math.min(policy.AUTH_MANDATORY_WINDOW, expiresIn / 4);
  return new AccessToken(value, { ...known, endsAt, adviseAt, mustAt });
}

/** Whether nobody need think of its successor yet. */
export const fresh = ({ adviseAt }: AccessToken, now: number): boolean => adviseAt === undefined || now < adviseAt;
/** Whether one may go on with it while its successor is fetched. */
export const usable = ({ mustAt }: AccessToken, now: number): boolean => mustAt === undefined || now < mustAt;

/** A token request that has ended; telemetry consumes it. */
export interface RefreshRecord {
  /** `client_credentials` or `refresh_token`. */
  readonly grant: string;
  /** Milliseconds that it took. */
  readonly duration: number;
  /** Code of the token failure, undefined if a token came. */
  readonly code: string | undefined;
}

/** A refresh that is under way. */
export class Flight {
  /** The source that sends the request. */
  readonly owner: object;
  readonly endsAt: number;
  /** Whether the token request may have left. */
  asked = false;
  readonly landing: Promise<AccessToken | TokenFailure>;
  land!: (landed: AccessToken | TokenFailure) => void;

  constructor(owner: object, endsAt: number) {
    this.owner = owner;
    this.endsAt = endsAt;
    this.landing = new Promise((resolve) => (this.land = resolve));
  }
}

/** Who flies, who waits, who goes on. */
export interface Election {
  /** What to wait for; undefined to go on with `usable` at once. */
  readonly flight: Flight | undefined;
  /** What to go on with, at once or if the flight fails. */
  readonly usable: AccessToken | undefined;
  /** Whether the caller is to start the flight. */
  readonly leads: boolean;
}

/** The token of the moment, the refresh token that gets the next, and the flight that fetches it. */
export class Renewal {
  /** The newest that is known; its successor replaces it before anybody else may use it. */
  refreshToken: Secret | undefined;
  /** The token that the server refused last: no store gives it back (AUTH-4). */
  refused: Secret | undefined;
  /** What a store still says, because its successor could not be written. */
  outdated: Secret | undefined;
  /** Whether the store held this grant before: what replaces it there is a later log-in. */
  stored = false;
  flight: Flight | undefined;
  #current: AccessToken | undefined;
  #pauseUntil = -Infinity;
  #obtained: { readonly owner: object; readonly token: AccessToken }[] = [];

  constructor(refreshToken?: Secret) {
    this.refreshToken = refreshToken;
  }

  /** What a caller is to do now (AUTH-2). */
  elect(owner: object, now: number, endsAt: number): Election {
    const current = this.#current;
    if (current !== undefined && fresh(current, now)) return { flight: undefined, usable: current, leads: false };
    const flight = this.flight !== undefined && now <= this.flight.endsAt ? this.flight : undefined; // else it should have landed long ago
    const good = current !== undefined && usable(current, now) ? current : undefined;
    if (good !== undefined && (flight !== undefined || now < this.#pauseUntil)) return { flight: undefined, usable: good, leads: false };
    this.flight = flight ?? new Flight(owner, endsAt);
    return { flight: this.flight, usable: good, leads: flight === undefined };
  }

  /** Takes in what a flight came to, and tells all who wait. */
  land(flight: Flight, landed: AccessToken | TokenFailure, now: number): void {
    if (landed instanceof AccessToken) {
      this.#current = landed;
      this.refreshToken = landed.refreshToken ?? this.refreshToken;
    }
    if (!(landed instanceof AccessToken && fresh(landed, now))) this.#pauseUntil = now + policy.AUTH_ADVISORY_PAUSE; // or an old one that must do for now
    if (this.flight === flight) this.flight = undefined;
    flight.land(landed);
  }

  /** Throws away this very token; a late 401 for one already replaced throws nothing away (AUTH-4). */
  refuse(token: AccessToken): void {
    if (this.#current !== token) return;
    this.#current = undefined;
    this.refused = token.access;
  }

  /** Notes who got a token from the server. */
  remember(owner: object, token: AccessToken): void {
    this.#obtained = [...this.#obtained, { owner, token }].slice(-OBTAINED_KEPT);
  }

  /** The tokens that this owner got, the latest first; nobody goes on with one of them. */
  givenUp(owner: object): AccessToken[] {
    const found = this.#obtained.filter((each) => each.owner === owner).map(({ token }) => token).reverse();
    if (this.#current !== undefined && found.includes(this.#current)) this.#current = undefined;
    return found;
  }
}

const sharing = new WeakMap<object, Map<string, Renewal>>();

/** The renewal that all clients of one store object share for one grant (AUTH-10). */
export function shared(store: object, key: string, origin: string | null, refreshToken: Secret | undefined): Renewal {
  const known = sharing.get(store) ?? new Map<string, Renewal>();
  sharing.set(store, known);
  const name = `${key} ${origin}`;
  const renewal = known.get(name) ?? new Renewal(refreshToken);
  known.set(name, renewal);
  return renewal;
}
