/** Type-checked, never run: what a test may say to the reference server, and what it is told. */
import { startMockServer, type Control, type Entry, type FaultOptions, type World } from '@admin-api/sdk/testing';

async function steer(world: World, control: Control): Promise<void> {
  await world.fault('users.create', { reset: 'after_commit', skip: 1, times: 2 });
  await world.fault('users.list', { respond: { status: 503, headers: { 'Retry-After': '7' }, body: { any: ['thing'] } } });
  await world.fault('*', { drip: { part: 'body', bytes: 1, every_ms: 10 } });
  const undecided: FaultOptions = { hold: true, skip: undefined };
  await world.fault('*', undecided);
  // @ts-expect-error a kind of reset that there is not
  await world.fault('*', { reset: 'later' });
  // @ts-expect-error a misspelt member
  await world.fault('*', { respont: { status: 503 } });
  // @ts-expect-error an answer without a status
  await world.fault('*', { respond: { headers: {} } });
  // @ts-expect-error a channel that there is not
  await world.journal({ channel: 'both' });
  // @ts-expect-error a client without an id
  await control.createWorld({ clients: [{ secret: 's' }] });

  const [entry]: readonly Entry[] = await world.journal({ after: 1 });
  const status: number | null | undefined = entry?.status;
  const header: readonly [string, string] | undefined = entry?.headers[0];
  // @ts-expect-error null if there was no answer
  const wrong: number | undefined = entry?.status;
  void [status, header, wrong];
}

async function own(): Promise<void> {
  await using server = await startMockServer();
  await using world = await server.createWorld({ users: 3, seed: 'dev' });
  await steer(world, server.control);
}

void own;
