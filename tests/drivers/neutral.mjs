/**
 * Between the suite's neutral form and the Node SDK: names, options, results, errors. It asserts nothing.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** Options by the SDK's names; they are in milliseconds on both sides. */
export const optionsOf = (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name.replace(/_ms$/, '')), value]));

const contentOf = ({ pattern, size, base64 }) => (base64 === undefined ? Buffer.alloc(size, pattern) : Buffer.from(base64, 'base64'));

/** Methods of the client itself. */
const OF_CLIENT = {
  'client.request': { path: [], method: 'request', kind: 'unary', positional: ['method', 'path'], arguments: { query: 'query', body: 'body' } },
  'client.can': { path: [], method: 'can', kind: 'unary', positional: ['operation'], arguments: {} },
  'client.scopes': { path: [], method: 'scopes', kind: 'unary', positional: [], arguments: {} },
};

/** Where the SDK's method for an operation is, by the generated table. */
export const infoOf = (operation, operations) => OF_CLIENT[operation] ?? operations[operation];

/** Positional arguments and parameters from wire names; a TypeError for a name that the operation does not have. */
export function argumentsOf(info, given, target, { identity, recipient }) {
  const { content, encrypt_to, already_encrypted, identity: secret, expect_sha256, ...rest } = given;
  const positional = info.positional.map((name) => rest[name]);
  for (const name of info.positional) delete rest[name];
  const params = {};
  for (const [name, value] of Object.entries(rest)) {
    if (!(name in info.arguments)) throw new TypeError(`The operation has no argument ${name}.`);
    params[info.arguments[name]] = value;
  }
  if (info.kind === 'upload') {
    positional.unshift(contentOf(content));
    Object.assign(params, { encryptTo: encrypt_to?.map(recipient), alreadyEncrypted: already_encrypted });
  }
  if (info.kind === 'download') {
    Object.assign(params, { to: target, identity: secret && identity(secret), expectSha256: expect_sha256 });
  }
  const takesParams = ['upload', 'download'].includes(info.kind) || Object.keys(info.arguments).length > 0;
  return takesParams ? [...positional, params] : positional;
}

const page = ({ items, nextCursor }) => ({ items, next_cursor: nextCursor });

/** A result as JSON with wire names; of a download, what was delivered. */
export async function resultOf(value, info, target) {
  if (info.kind === 'pages' && Array.isArray(value)) return value.map((each) => ('nextCursor' in each ? page(each) : each));
  if (info.kind === 'pages') return page(value);
  if (info.kind !== 'download') return value ?? null;
  const delivered = await readFile(target);
  return { size: delivered.length, sha256: createHash('sha256').update(delivered).digest('hex'), ciphertext_sha256: value.sha256 };
}

/** An answer with what came beside its data. */
export function rawOf({ data, status, requestId, auditEventId, attempts, idempotencyKey }) {
  return { data: data ?? null, status, request_id: requestId ?? null, audit_event_id: auditEventId ?? null, attempts, idempotency_key: idempotencyKey ?? null };
}

/** An error by its neutral members. */
export function errorOf(error) {
  const found = { class: error.name, retry_after_ms: error.retryAfter === Infinity ? 'infinite' : (error.retryAfter ?? null) };
  for (const name of ['code', 'status', 'operation', 'outcome', 'retryable', 'attempts', 'request_id', 'idempotency_key']) {
    found[name] = error[camel(name)] ?? null;
  }
  for (const name of ['missing_scopes', 'granted_scopes', 'last_id']) {
    if (camel(name) in error) found[name] = error[camel(name)] ?? null;
  }
  if (error.errors?.length > 0) {
    found.errors = error.errors.map(({ pointer = null, parameter = null, code }) => ({ pointer, parameter, code }));
  }
  return found;
}

/** All that an error shows to whoever logs or stores it. */
export function shownBy(error) {
  return [String(error), error.stack, JSON.stringify(error), inspect(error, { depth: Infinity, showHidden: true })];
}
