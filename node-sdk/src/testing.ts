/**
 * The reference server for your own tests: `admin-api-mock`, started and stopped.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Options of `startMockServer`. */
export interface MockServerOptions {
  /** The command, with what comes before its arguments. @defaultValue `['admin-api-mock']` */
  command?: readonly string[];
  /** Its arguments. @defaultValue a free port, no TLS */
  args?: readonly string[];
}

/** A running reference server. */
export interface MockServer extends AsyncDisposable {
  readonly url: string;
  /** Path of its CA certificate, null without TLS. */
  readonly ca: string | null;
  readonly tokenUrl: string;
  readonly pid: number;
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
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code) => resolve(`exit code ${code}`));
  });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    new Promise<{ line: string }>((resolve) => lines.once('line', (line) => resolve({ line }))),
    ended,
  ]);
  lines.close();
  if (typeof first === 'string') throw new Error(`${program} did not start: ${first}`);
  const ready = JSON.parse(first.line) as { url: string; ca: string | null; token_url: string; pid: number };
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    child.stdout.destroy();
  };
  return { url: ready.url, ca: ready.ca, tokenUrl: ready.token_url, pid: ready.pid, stop, [Symbol.asyncDispose]: stop };
}
