/**
 * The command `admin-api-mock`, started and stopped.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { WorldCreation } from '../_generated/control.ts';
import { Control, type World } from './control.ts';

const START_MS = 20_000;
const END_MS = 20_000;

/** Options of `startMockServer`. */
export interface MockServerOptions {
  /** The command, with what comes before its arguments. @defaultValue `['admin-api-mock']` */
  command?: readonly string[];
  /** Its arguments. @defaultValue a free port, no TLS */
  args?: readonly string[];
}

/** A running reference server. `await using` ends it; at the latest it ends with this process. */
export interface MockServer extends AsyncDisposable {
  readonly url: string;
  /** Path of its CA certificate, null without TLS. */
  readonly ca: string | null;
  readonly tokenUrl: string;
  readonly pid: number;
  /** The control plane. */
  readonly control: Control;
  /** A new world, as `Control.createWorld`. */
  createWorld(creation?: WorldCreation): Promise<World>;
  /** Ends it, by its pid. */
  stop(): Promise<void>;
}

/** Starts the server's command and waits until it listens. Rejects if it does not come up. */
export async function startMockServer({
  command = ['admin-api-mock'],
  args = ['--port', '0', '--no-tls'],
}: MockServerOptions = {}): Promise<MockServer> {
  const [program = 'admin-api-mock', ...before] = command;
  const child = spawn(program, [...before, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = (): void => void child.kill();
  process.once('exit', kill); // whoever forgets to stop it leaves nothing behind
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`));
  }).finally(() => process.off('exit', kill));
  const stop = async (): Promise<void> => {
    child.ref();
    kill();
    const force = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(force);
    child.stdout.destroy();
  };
  const ready = await readyLine(program, child.stdout, ended).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  // A test that ends without `stop` must not wait for the server.
  unref(child);
  const control = new Control(ready.url, { ca: ready.ca });
  return {
    url: ready.url,
    ca: ready.ca,
    tokenUrl: ready.token_url,
    pid: ready.pid,
    control,
    createWorld: (creation) => control.createWorld(creation),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Ready {
  readonly url: string;
  readonly ca: string | null;
  readonly token_url: string;
  readonly pid: number;
}

/** The first line that the command prints. */
async function readyLine(program: string, stdout: Readable, ended: Promise<string>): Promise<Ready> {
  const lines = createInterface({ input: stdout });
  let alarm: ReturnType<typeof setTimeout> | undefined;
  const first = await Promise.race([
    new Promise<{ line: string }>((resolve) => lines.once('line', (line) => resolve({ line }))),
    ended,
    new Promise<string>((resolve) => {
      alarm = setTimeout(resolve, START_MS, `it said nothing for ${START_MS} ms`);
    }),
  ]);
  clearTimeout(alarm);
  lines.close();
  if (typeof first === 'string') throw new Error(`${program} did not start: ${first}`);
  const ready = readyIn(first.line);
  if (ready === undefined) throw new Error(`${program} did not say where it is, but ${JSON.stringify(first.line)}`);
  return ready;
}

function readyIn(line: string): Ready | undefined {
  try {
    const told = JSON.parse(line) as Ready | null;
    return typeof told?.url === 'string' && typeof told.pid === 'number' ? told : undefined;
  } catch {
    return undefined; // another program's words
  }
}

function unref(child: ChildProcess): void {
  child.unref();
  (child.stdout as (Readable & { unref?: () => void }) | null)?.unref?.();
}
