/**
 * Encrypted objects: upload from a spool, download that resumes and is checked before it is seen (FILE).
 *
 * @module
 */
import { deliver } from '#paths';
import { FILES_MAX_SINGLE_UPLOAD } from './_generated/policy-files.ts';
import { backoff } from './backoff.ts';
import type { Identity, Recipient } from './encryption.ts';
import { ConfigurationError, IntegrityError, StreamInterruptedError } from './index.ts';
import type { Response } from './exchange.ts';
import { answerOf, rawOf, sorted } from './operation.ts';
import type { Op, RawResponse } from './operation.ts';
import type { RequestOptions } from './options.ts';
import type { Caller } from './resource.ts';
import { bytesOf, read, Spool, streamFrom } from './spool.ts';
import type { Progress, UploadSource } from './spool.ts';
import { within } from './resuming.ts';

export type { Progress, UploadSource } from './spool.ts';

/** What an upload takes beside the operation's own parameters. */
export interface UploadOptions {
  /** Recipients that can read the object; needed unless `alreadyEncrypted`. */
  encryptTo?: readonly Recipient[] | undefined;
  /** The source is an age file already. */
  alreadyEncrypted?: boolean | undefined;
  /** Called with bytes sent so far and in all. */
  onProgress?: Progress | undefined;
}

/** What a download takes. */
export interface DownloadOptions {
  /** A path (Node), replaced only by the whole; or a stream, which gets the bytes once they are known to be good. */
  to: string | WritableStream<Uint8Array>;
  /** Decrypts; without it the ciphertext is delivered. What `identity()` gives need not be awaited. */
  identity?: Identity | Promise<Identity> | readonly (Identity | Promise<Identity>)[] | undefined;
  /** SHA-256 of the ciphertext, lower-case hex; protects from a swap. */
  expectSha256?: string | undefined;
  /** Called with bytes received so far and in all. */
  onProgress?: Progress | undefined;
}

/** What was downloaded. */
export interface Downloaded {
  /** Bytes of ciphertext. */
  readonly size: number;
  /** Digest of the ciphertext, lower-case hex. */
  readonly sha256: string;
  readonly etag: string | undefined;
  readonly requestId: string | undefined;
}

/**
 * Encrypts once, sends in one request, and sends the very same bytes again if it must.
 *
 * @throws ConfigurationError if neither or both of `encryptTo` and `alreadyEncrypted` are given, or it is no age file.
 * @throws IntegrityError if the server stored something else.
 */
export async function upload<T>(
  caller: Caller,
  op: Op<T>,
  source: UploadSource,
  { encryptTo = [], alreadyEncrypted = false, onProgress, ...params }: UploadOptions,
  options: RequestOptions | undefined,
): Promise<RawResponse<T>> {
  const [cipher] = encryptTo;
  if ((cipher !== undefined) === alreadyEncrypted) {
    throw new ConfigurationError('Give either encryptTo or alreadyEncrypted: true.', { code: 'encryption_required' });
  }
  const spool = new Spool(FILES_MAX_SINGLE_UPLOAD);
  try {
    const plain = bytesOf(source);
    const sealed = cipher === undefined ? plain : read(await cipher.encrypt(streamFrom(plain), encryptTo));
    for await (const chunk of sealed) await spool.write(chunk);
    await spool.checkAge();
    spool.onProgress = onProgress;
    const digest = await spool.digest();
    const { query, headers } = sorted(op, params);
    const given = { ...headers, 'admin-encryption': 'age-v1', 'content-digest': digest };
    const response = await caller.send(caller.prepare(op, { query, headers: given, content: spool, options }));
    same(response.headers.get('content-digest'), digest, response);
    return rawOf(response, answerOf(op, response));
  } finally {
    await spool.close();
  }
}

/**
 * Fetches the ciphertext, going on after a lost connection; checks it, decrypts it, and only then delivers it.
 *
 * @throws IntegrityError if the ciphertext is not what the server or the caller says it is, or was changed.
 * @throws NoMatchingKeyError if it is encrypted to somebody else.
 * @throws StreamInterruptedError if the connection was lost more often than may be tried.
 */
export async function download(
  caller: Caller,
  op: Op<unknown>,
  path: Readonly<Record<string, string>>,
  { to, identity, expectSha256, onProgress }: DownloadOptions,
  options: RequestOptions | undefined,
): Promise<Downloaded> {
  const identities = identity === undefined ? undefined : await Promise.all([identity].flat());
  if (identities?.length === 0) throw new ConfigurationError('identity is empty.', { code: 'invalid_identity' });
  const spool = new Spool();
  try {
    const response = await fetchInto(spool, caller, op, path, onProgress, options);
    same(response.headers.get('repr-digest'), await spool.digest(), response);
    const sha256 = await spool.sha256();
    if (expectSha256 !== undefined && expectSha256.toLowerCase() !== sha256) {
      throw integrity('The object is not the one expected: its SHA-256 differs from expectSha256.', response);
    }
    try {
      const content = await opened(spool, identities);
      if (typeof to === 'string') await deliver(to, content);
      else await pour(content, to);
    } catch (error) {
      throw error instanceof IntegrityError ? ofCall(error, response) : error; // the cipher knows nothing of calls
    }
    const etag = response.headers.get('etag') ?? undefined;
    return { size: spool.length, sha256, etag, requestId: response.requestId };
  } finally {
    await spool.close();
  }
}

async function opened(spool: Spool, [cipher, ...others]: readonly Identity[] = []): Promise<AsyncIterable<Uint8Array>> {
  return cipher === undefined ? spool.chunks() : read(await cipher.decrypt(streamFrom(spool.chunks()), [cipher, ...others]));
}

/** Writes to a stream only when all is known to be good: what is decrypted is held until its end was seen. */
async function pour(content: AsyncIterable<Uint8Array>, to: WritableStream<Uint8Array>): Promise<void> {
  const held = new Spool();
  try {
    for await (const chunk of content) await held.write(chunk);
    const writer = to.getWriter();
    for await (const chunk of held.chunks()) await writer.write(chunk);
    await writer.close();
  } finally {
    await held.close();
  }
}

/** Fills the spool; the attempt counter returns to zero with each byte that was not had before. */
async function fetchInto(
  spool: Spool,
  caller: Caller,
  op: Op<unknown>,
  path: Readonly<Record<string, string>>,
  onProgress: Progress | undefined,
  options: RequestOptions | undefined,
): Promise<Response> {
  let fruitless = 0;
  let most = 0;
  let etag: string | undefined;
  for (;;) {
    const headers: Record<string, string> =
      spool.length > 0 && etag !== undefined ? { range: `bytes=${spool.length}-`, 'if-range': etag } : {};
    const request = caller.prepare(op, { path, headers, options });
    const response = await caller.send(request);
    const goesOn = continues(response, spool);
    if (!goesOn) await spool.restart();
    etag = response.headers.get('etag') ?? undefined;
    let reason: string | undefined = 'wrong range';
    let how = 'left';
    try {
      if (goesOn || response.status !== 206) reason = await drain(response, spool, request.call.limits.timeout, onProgress);
      else await response.stream?.close(); // a part that was not asked for is of no use
      how = reason === undefined ? 'ended' : 'interrupted';
    } finally {
      response.onEnd?.(how);
    }
    if (reason === undefined) return response;
    fruitless = spool.length > most ? 1 : fruitless + 1;
    most = Math.max(most, spool.length);
    if (fruitless > request.call.limits.maxRetries) {
      throw new StreamInterruptedError(`${op.id}: The download broke and could not be resumed (${reason}). Try again.`, {
        operation: op.id,
        outcome: 'unknown',
        retryable: true,
        attempts: fruitless,
        requestId: response.requestId,
      });
    }
    // without a strong tag there is nothing to tell by whether the rest would be of the same content
    if (etag === undefined || etag.startsWith('W/')) await spool.restart();
    await caller.pause(backoff(fruitless - 1, caller.clock.random()), options?.signal);
  }
}

/** Whether the answer goes on where the spool ends. */
function continues(response: Response, spool: Spool): boolean {
  const found = /^bytes ([0-9]{1,15})-/.exec(response.headers.get('content-range') ?? '');
  return response.status === 206 && Number(found?.[1]) === spool.length;
}

/** Reads to the end; what broke it off, undefined if nothing did. Silence as long as `timeout` breaks it. */
async function drain(
  response: Response,
  spool: Spool,
  silence: number,
  onProgress: Progress | undefined,
): Promise<string | undefined> {
  const { stream } = response;
  const length = response.headers.get('content-length');
  const total = length === null ? undefined : spool.length + Number(length);
  try {
    for (;;) {
      const chunk = await within(silence, stream?.read() ?? Promise.resolve(undefined));
      if (typeof chunk === 'string') return chunk;
      if (chunk === undefined) return total === undefined || spool.length === total ? undefined : 'cut short';
      await spool.write(chunk);
      onProgress?.(spool.length, total);
    }
  } finally {
    await stream?.close();
  }
}

function same(told: string | null, digest: string, response: Response): void {
  if (told !== null && /^sha-256=:[0-9A-Za-z+/]{43}=:$/.test(told) && told !== digest) {
    throw integrity('The content differs from its digest.', response);
  }
}

function integrity(message: string, response: Response): IntegrityError {
  return ofCall(new IntegrityError(`${response.call.operation}: ${message} (request id ${response.requestId})`), response);
}

/** The error with what is known of the call whose content it is about (ERR-2). */
function ofCall(error: IntegrityError, { call, status, requestId }: Response): IntegrityError {
  const { operation, attempts, idempotencyKey } = call;
  return Object.assign(error, { operation, attempts, idempotencyKey, outcome: 'committed', status, requestId } as const);
}
