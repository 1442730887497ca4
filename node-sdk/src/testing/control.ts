/**
 * What tests steer a running server with: `Control` for the server, `World` for one world of it.
 *
 * @module
 */
import {
  Operations,
  type Channel,
  type ClientCreation,
  type Counts,
  type Entry,
  type Fault,
  type FaultCreation,
  type LogIn,
  type Match,
  type TokenAnswer,
  type TokenCreation,
  type TokenRevocation,
  type WorldCreation,
  type WorldInfo,
} from '../_generated/control.ts';
import { ControlError, TIMEOUT_MS, Wire } from './wire.ts';

/** The client, and the token, that a world is made with if neither is named. */
const DEFAULT_CLIENT: ClientCreation = { id: 'test', secret: 'test-secret' };
const DEFAULT_TOKEN: TokenCreation = { name: 'test' };

/** Options of `Control`. */
export interface ControlOptions {
  /** Path of the server's CA certificate. @defaultValue none: plain HTTP, or a certificate that Node trusts */
  ca?: string | null | undefined;
}

/** Steers a running server. Every call here and on a `World` rejects with a `ControlError` when it is refused or finds no server. */
export class Control {
  /** The server's root URL. */
  readonly url: string;
  readonly #wire: Wire;
  readonly #operations: Operations;

  /** `url` is the server's root URL. */
  constructor(url: string, { ca = null }: ControlOptions = {}) {
    this.#wire = new Wire(url, ca);
    this.#operations = new Operations((call) => this.#wire.send(call));
    this.url = this.#wire.url;
  }

  /**
   * A new world. If neither `clients` nor `tokens` are given, it has a client and a token with all scopes.
   *
   * @param creation - What it begins with: `id`, `seed`, `now`, `users`, `clients`, `tokens`, `config` …
   */
  async createWorld(creation: WorldCreation = {}): Promise<World> {
    const bare = creation.clients === undefined && creation.tokens === undefined;
    const whole = bare ? { ...creation, clients: [DEFAULT_CLIENT], tokens: [DEFAULT_TOKEN] } : creation;
    return new World(this.#wire, await this.#operations.worldsCreate(whole), whole);
  }

  /** A world that is there already. */
  async world(worldId: string = 'root'): Promise<World> {
    return new World(this.#wire, await this.#operations.worldsGet(worldId));
  }

  /** All worlds. */
  async worlds(): Promise<World[]> {
    const { worlds } = await this.#operations.worldsList();
    return worlds.map((told) => new World(this.#wire, told));
  }
}

/** One world. `await using` deletes it at the end. */
export class World implements AsyncDisposable {
  readonly id: string;
  /** What a client takes as its `baseUrl`. */
  readonly baseUrl: string;
  readonly tokenUrl: string;
  readonly #wire: Wire;
  readonly #operations: Operations;
  readonly #creation: WorldCreation;
  #told: WorldInfo;
  #deleted = false;

  /** Made by `Control` alone. */
  constructor(wire: Wire, told: WorldInfo, creation: WorldCreation = {}) {
    this.#wire = wire;
    this.#operations = new Operations((call) => wire.send(call));
    this.#creation = creation;
    this.#told = told;
    this.id = told.id;
    this.baseUrl = told.base_url;
    this.tokenUrl = told.token_url;
  }

  /** All that creating it told, e.g. `users`: the ids in the order given. */
  get told(): WorldInfo {
    return this.#told;
  }

  /** Id of the first client that the world was created with. */
  get clientId(): string {
    return this.#client().id;
  }

  /** Its secret. */
  get clientSecret(): string {
    return this.#client().secret ?? this.#without('a client that has a secret');
  }

  /** The first personal token that the world was created with. */
  get token(): string {
    return this.#told.tokens?.[0]?.token ?? this.#without('a token');
  }

  /** Makes the world anew from the body that created it. */
  async reset(): Promise<void> {
    this.#told = await this.#operations.worldsReset(this.id);
  }

  /** Forgets the world. `not_found` if it is gone already. */
  async delete(): Promise<void> {
    await this.#operations.worldsDelete(this.id);
    this.#deleted = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#deleted) await this.delete();
  }

  /** How many rows each collection has. */
  async state(): Promise<Counts> {
    return this.#operations.worldsState(this.id);
  }

  /** World time in milliseconds since the epoch. */
  async nowMs(): Promise<number> {
    return (await this.#operations.clockGet(this.id)).now_ms;
  }

  /** Moves world time by `byMs` milliseconds; gives the new now. */
  async advance(byMs: number): Promise<number> {
    return (await this.#operations.clockStep(this.id, { advance_ms: byMs })).now_ms;
  }

  /** Moves world time to `instantMs` unless that is past; gives the new now. */
  async until(instantMs: number): Promise<number> {
    return (await this.#operations.clockStep(this.id, { until_ms: instantMs })).now_ms;
  }

  /** Attempts as the server saw them, with a greater `seq` than `after`. */
  async journal(query: { after?: number | undefined; channel?: Channel | undefined } = {}): Promise<readonly Entry[]> {
    return (await this.#operations.journalRead(this.id, query)).entries;
  }

  /**
   * The matching entries, as soon as there are `count` (1). Rejects with `wait_timed_out` after `timeout` milliseconds of
   * real time (10 000).
   */
  async wait(match: Match, { count = 1, timeout = 10_000 }: WaitOptions = {}): Promise<readonly Entry[]> {
    const patient = new Operations((call) => this.#wire.send(call, timeout + TIMEOUT_MS));
    return (await patient.journalWait(this.id, { match, count, timeout_ms: timeout })).entries;
  }

  /** Forgets all entries. */
  async clearJournal(): Promise<void> {
    await this.#operations.journalClear(this.id);
  }

  /** Sets a fault: `{ respond }`, `{ reset: 'after_commit' }`, `{ hold: true }` …, with `skip` and `times`; gives its id. */
  async fault(operation: string, how: FaultOptions): Promise<string> {
    return (await this.#operations.faultsCreate(this.id, { ...how, operation })).id;
  }

  /** The faults that are set, with what is left of them. */
  async faults(): Promise<readonly Fault[]> {
    return (await this.#operations.faultsList(this.id)).faults;
  }

  /** Lets go what a fault keeps, and whoever would still come. */
  async release(faultId: string): Promise<void> {
    await this.#operations.faultsRelease(this.id, faultId);
  }

  /** Removes one fault, letting go what it keeps. */
  async removeFault(faultId: string): Promise<void> {
    await this.#operations.faultsDelete(this.id, faultId);
  }

  /** Removes all faults. */
  async clearFaults(): Promise<void> {
    await this.#operations.faultsClear(this.id);
  }

  /** Revokes a client's tokens, one token, or (neither given) all; `refresh`: their renewal, too. Gives how many. */
  async revokeTokens({ clientId, tokenId, refresh }: RevokeOptions = {}): Promise<number> {
    const which: TokenRevocation =
      clientId !== undefined ? { client_id: clientId } : tokenId !== undefined ? { token_id: tokenId } : { all: true };
    return (await this.#operations.tokensRevoke(this.id, { ...which, refresh })).revoked;
  }

  /** The token answer a client has after a log-in (`{ user: 'ada', scopes }`), with a first refresh token. */
  async logIn(clientId: string, how: Omit<LogIn, 'client_id'> = {}): Promise<TokenAnswer> {
    return this.#operations.tokensLogIn(this.id, { ...how, client_id: clientId });
  }

  /** Signs tokens with a new key; `retire` ends the old ones. Gives the ids of the published keys, the new one first. */
  async rotateKeys({ retire = false }: { retire?: boolean | undefined } = {}): Promise<readonly string[]> {
    return (await this.#operations.keysRotate(this.id, { retire })).published;
  }

  /** The stored ciphertext of an object. */
  async objectBytes(objectId: string): Promise<Uint8Array> {
    return this.#operations.objectsGet(this.id, objectId);
  }

  #client(): ClientCreation {
    return this.#creation.clients?.[0] ?? this.#without('a client');
  }

  #without(what: string): never {
    const detail = `The world ${JSON.stringify(this.id)} was not created here with ${what}.`;
    throw new ControlError('worlds.create', undefined, { code: 'no_credentials', detail });
  }
}

/** How `World.fault` breaks something, and when: `skip` matching requests are left alone, `times` are broken. */
export type FaultOptions = Omit<FaultCreation, 'operation'>;

/** Options of `World.wait`. */
export interface WaitOptions {
  /** So many entries. @defaultValue 1 */
  count?: number | undefined;
  /** For so many milliseconds of real time. @defaultValue 10 000 */
  timeout?: number | undefined;
}

/** Options of `World.revokeTokens`. */
export interface RevokeOptions {
  clientId?: string | undefined;
  tokenId?: string | undefined;
  refresh?: boolean | undefined;
}
