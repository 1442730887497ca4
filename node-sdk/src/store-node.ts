/**
 * Tokens in files, for all processes of one user (AUTH-10). The protocol and the format are alike in every language.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { constants, mkdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { link, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as policy from './_generated/policy-auth.ts';
import { ConfigurationError, Secret } from './index.ts';
import type { TokenStore } from './index.ts';

const NONCE_BYTES = 64;
const NOT_OURS: ReadonlySet<unknown> = new Set(['ELOOP', 'EMLINK', 'EACCES', 'EPERM']);
/** A link is not followed and a pipe not waited for; undefined on Windows. */
const PLAIN = ((constants.O_NOFOLLOW as number | undefined) ?? 0) | ((constants.O_NONBLOCK as number | undefined) ?? 0);
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | PLAIN;

/** Keeps tokens in a directory of their own, one file per key. */
export class FileTokenStore implements TokenStore {
  readonly #directory: string;

  /**
   * @param directory - Made with mode 0700 if it is not there. Of one person or service: who can read it can act as them.
   * @throws ConfigurationError if it cannot be made, is somebody else's, or is open to others.
   */
  constructor(directory: string) {
    this.#directory = directory;
    let facts: Stats;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      facts = statSync(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ConfigurationError(`The token store '${directory}' cannot be made: ${code}.`, { code: 'invalid_token_store' });
    }
    if (!facts.isDirectory() || !isPrivate(facts)) throw insecure(directory);
  }

  async load(key: string): Promise<Secret | undefined> {
    const path = this.#path(key, 'json');
    const content = await contentOf(path, policy.AUTH_STORE_MAX_BYTES + 1, isPrivate);
    if (content === undefined || content.bytes.length > policy.AUTH_STORE_MAX_BYTES) return undefined;
    return new Secret(content.bytes.toString('utf8'));
  }

  async save(key: string, secret: Secret | undefined): Promise<void> {
    const path = this.#path(key, 'json');
    if (secret === undefined) return rm(path, { force: true });
    const spare = this.#path(key, `${randomBytes(8).toString('hex')}.tmp`);
    try {
      await create(spare, secret.reveal(), true);
      await rename(spare, path);
    } catch (error) {
      await rm(spare, { force: true });
      throw error;
    }
    if (process.platform === 'win32') return;
    const directory = await open(this.#directory, constants.O_RDONLY); // so that the rename outlives a power cut
    await directory.sync().finally(() => directory.close());
  }

  async lock(key: string, nonce: string, staleAfter: number): Promise<boolean> {
    const path = this.#path(key, 'lock');
    if (await taken(path, nonce)) return true;
    const seen = await lockAt(path);
    if (seen === undefined) return taken(path, nonce); // it was given back just now
    if (!isOlder(seen, staleAfter)) return false;
    const guard = this.#path(key, 'takeover'); // one at a time: two would move each other's new lock aside
    if (!(await taken(guard, nonce))) {
      const other = await lockAt(guard);
      if (other !== undefined && isOlder(other, staleAfter)) await rm(guard, { force: true }); // it died in the midst; the next look may take over
      return false;
    }
    try {
      return await this.#takenOver(key, nonce, staleAfter);
    } finally {
      await rm(guard, { force: true });
    }
  }

  async #takenOver(key: string, nonce: string, staleAfter: number): Promise<boolean> {
    const [path, aside] = [this.#path(key, 'lock'), this.#path(key, `${nonce}.aside`)];
    const seen = await lockAt(path);
    if (seen === undefined) return taken(path, nonce);
    if (!isOlder(seen, staleAfter)) return false; // somebody took it over before us
    try {
      await rename(path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return taken(path, nonce); // its holder was only slow, and has given it back
      throw error;
    }
    const moved = await lockAt(aside);
    if (moved !== undefined && (moved.nonce !== seen.nonce || !isOlder(moved, staleAfter))) {
      await linkedBack(aside, path); // its holder was only slow, and another has it now
      return false;
    }
    await rm(aside, { force: true });
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith(`${key}.`) && name.endsWith('.tmp')) await rm(join(this.#directory, name), { force: true }); // what the dead had begun to write
    }
    return taken(path, nonce);
  }

  async unlock(key: string, nonce: string): Promise<void> {
    const path = this.#path(key, 'lock');
    if ((await lockAt(path))?.nonce === nonce) await rm(path, { force: true });
  }

  #path(key: string, suffix: string): string {
    if (!/^[0-9a-f]{64}$/.test(key)) {
      throw new ConfigurationError("A token store's key is a SHA-256 in hex.", { code: 'invalid_token_store' });
    }
    return join(this.#directory, `${key}.${suffix}`);
  }
}

/** The error of a directory or file that others can read or write, or that is not what it seems. */
function insecure(path: string): ConfigurationError {
  return new ConfigurationError(
    `The token store's '${path}' must be yours alone (chmod go-rwx), no link and nothing but a plain file or directory.`,
    { code: 'insecure_token_store' },
  );
}

function isPrivate({ uid, mode }: Stats): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o077) === 0);
}

/** A lock as it was found. */
interface Lock {
  readonly nonce: string;
  readonly madeAt: number;
}

async function lockAt(path: string): Promise<Lock | undefined> {
  const content = await contentOf(path, NONCE_BYTES, () => true);
  return content && { nonce: content.bytes.toString('latin1'), madeAt: content.facts.mtimeMs };
}

/** By the wall clock, the one that processes share; a lock of the future is of before it was set back. */
function isOlder({ madeAt }: Lock, ms: number): boolean {
  return Math.abs(Date.now() - madeAt) > ms;
}

async function taken(path: string, nonce: string): Promise<boolean> {
  try {
    await create(path, nonce, false);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  return true;
}

async function linkedBack(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
  } catch (error) {
    // a third has taken it meanwhile: the moved one has lost it
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function create(path: string, content: string, durable: boolean): Promise<void> {
  const file = await open(path, NEW, 0o600);
  try {
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}

/** The beginning of a plain file, undefined if there is none. */
async function contentOf(path: string, limit: number, allowed: (facts: Stats) => boolean): Promise<{ bytes: Buffer; facts: Stats } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | PLAIN);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw NOT_OURS.has(code) ? insecure(path) : error;
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile() || !allowed(facts)) throw insecure(path);
    const bytes = Buffer.alloc(Math.min(limit, facts.size + 1));
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, size, bytes.length - size);
      size += bytesRead;
      if (bytesRead === 0 || size === bytes.length) return { bytes: bytes.subarray(0, size), facts };
    }
  } finally {
    await file.close();
  }
}
