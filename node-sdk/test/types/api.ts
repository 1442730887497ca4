/** What the types of the public API promise. Checked by tsc only, never run; an expected error that is none fails. */
import type {
  AdminClient,
  ApiPromise,
  AuditEvent,
  ConfigEntry,
  EventStream,
  ItemStream,
  Page,
  Pager,
  RawResponse,
  RequestOptions,
  StorageObject,
  User,
  UserStatus,
} from '@admin-api/sdk';
import { AdminAPIError, APIStatusError, ConflictError } from '@admin-api/sdk';
import type { Recipient } from '@admin-api/sdk/encryption';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if the types are the same. */
declare function same<A, B>(..._: Equal<A, B> extends true ? [] : [never]): void;

declare const client: AdminClient;

// What a call gives is named, not spelled out.
const creating = client.users.create({ username: 'alice', email: 'alice@example.com', roles: ['admin'] });
same<typeof creating, ApiPromise<User>>();
same<Awaited<typeof creating>, User>();
same<Awaited<ReturnType<typeof creating.withResponse>>, RawResponse<User>>();
const listing = client.users.list({ role: 'admin', limit: 100 });
same<typeof listing, Pager<User>>();
same<Awaited<typeof listing>, Page<User>>();
const exporting = client.users.export();
same<typeof exporting, ItemStream<User>>();
const streaming = client.audit.events.stream({ last_event_id: 'evt_1' });
same<typeof streaming, EventStream<AuditEvent>>();

// A read that may answer 304 says so only if it was asked to.
const read = client.config.get('sso.providers');
same<Awaited<typeof read>, ConfigEntry>();
const cached = client.config.get('sso.providers', { if_none_match: '"e1"' });
same<Awaited<typeof cached>, ConfigEntry | undefined>();

// Parameters may be undefined, members that take null may be null, and nothing else fits.
declare const maybe: string | undefined;
void client.users.list({ q: maybe, status: undefined });
void client.users.update('usr_1', { email: null, display_name: maybe, if_match: maybe });
// @ts-expect-error a name that is none
void client.users.create({ username: 'a', email: 'a@example.com', roles: [], rolez: [] });
// @ts-expect-error a member that is missing
void client.users.create({ username: 'a' });
// @ts-expect-error a username cannot be deleted
void client.users.create({ username: null, email: 'a@example.com', roles: [] });
// @ts-expect-error a path value is needed
void client.users.get();

// A moment may be given as a Date, and comes as text.
void client.users.list({ created_after: new Date(), created_before: '2026-01-01T00:00:00Z' });
declare const user: User;
same<typeof user.created_at, string>();

// Enums are open: what is known is offered, what is new is no error; comparing works on what is known.
void client.users.list({ status: 'suspended' });
void client.users.list({ status: 'novel' });
const status: UserStatus = user.status;
const known: UserStatus = 'active';
export const isActive: boolean = status === known;
same<Extract<UserStatus, 'active' | 'suspended'>, 'active' | 'suspended'>();

// Options are the last argument, and know what they are.
const options: RequestOptions = { timeout: 2_000, deadline: null, idempotencyKey: null, signal: AbortSignal.timeout(5), headers: { a: 'b' } };
void client.users.get('usr_1', options);
// @ts-expect-error options are never mixed with members
void client.users.list({ timeout: 5 });
// @ts-expect-error durations are numbers of milliseconds
void client.users.get('usr_1', { timeout: '2s' });

// Errors narrow by class.
export function told(error: unknown): string | undefined {
  if (error instanceof ConflictError) return error.errors[0]?.pointer;
  if (error instanceof APIStatusError) return error.requestId;
  if (error instanceof AdminAPIError) same<typeof error.outcome, 'not_sent' | 'refused' | 'unknown' | 'committed'>();
  return undefined;
}

// An upload says how it is encrypted, to whom; its answer is the object.
declare const to: Recipient;
const uploading = client.storage.objects.upload(new Blob(['x']), { name: 'x', encryptTo: [to] });
same<Awaited<typeof uploading>, StorageObject>();
// @ts-expect-error a source must be given
void client.storage.objects.upload({ name: 'x' });
