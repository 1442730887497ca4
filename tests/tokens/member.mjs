/** One of several processes that share a token store: says when it is ready, calls when told to, tells what came of it. */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminAPIError, AdminClient } from '../../node-sdk/dist/index.js';
import { FileTokenStore } from '../../node-sdk/dist/node.js';

const facts = JSON.parse(process.argv[2]);
/** The system's time, until a line says what time it is. */
let told;
const clock = {
  now: () => told ?? Date.now(),
  monotonic: () => told ?? performance.now(),
  random: Math.random,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};
const client = new AdminClient({
  baseUrl: facts.base_url,
  tokenUrl: facts.token_url,
  clientId: facts.client_id,
  refreshToken: facts.refresh_token,
  tokenStore: new FileTokenStore(facts.directory),
  tokenTimeout: facts.token_timeout_ms,
  maxRetries: facts.max_retries,
  clock,
});
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  told = line === '' ? undefined : Number(line);
  try {
    say({ name: (await client.me.get()).name });
  } catch (error) {
    if (!(error instanceof AdminAPIError)) throw error;
    say({ code: error.code, message: error.message });
  }
}
