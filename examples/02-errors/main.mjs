// Errors say what happened, what became of the call, and whether to try again.

import { AdminAPIError, AdminClient, NotFoundError, UnprocessableEntityError } from '@admin-api/sdk';

const tell = (what, detail = '') => console.log(`  ${what.padEnd(34)} ${detail}`);

const client = new AdminClient();
try {
  await client.users.get('usr_00000000000000000000000000');
} catch (error) {
  if (!(error instanceof NotFoundError)) throw error;
  tell(error.name, `${error.status} ${error.code}, request id ${error.requestId}`);
}

try {
  await client.users.create({ username: 'bob', email: 'not an address', roles: ['emperor'] });
} catch (error) {
  if (!(error instanceof UnprocessableEntityError)) throw error;
  tell(error.name, error.errors.map((each) => `${each.pointer}: ${each.code}`).join(', '));
}

// Whatever the error, `outcome` says whether it is safe to go on.
try {
  await client.users.list({ limit: 1000 });
} catch (error) {
  if (!(error instanceof AdminAPIError)) throw error;
  tell(error.name, `outcome ${error.outcome}, retryable ${error.retryable}`);
}

// The same key twice is one write: the second answer is the first one, replayed.
const key = { idempotencyKey: 'example-02-carol' };
const create = () => client.users.create({ username: 'carol', email: 'carol@example.com' }, key).withResponse();
const first = await create();
const again = await create();
const same = first.data.id === again.data.id;
tell('One key, one write', `${same}, replayed ${again.headers.get('idempotency-replayed')}`);
await client.close();
