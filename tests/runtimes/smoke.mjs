// What every runtime must do, over the packed and installed SDK: nothing here knows which runtime it is in.
// The world it talks to, with its users and its faults, is made by test_runtimes.py.

import {
  AdminClient, APIConnectionError, APITimeoutError, ConflictError, InsufficientScopeError, PreconditionFailedError,
  UnprocessableEntityError,
} from '@admin-api/sdk';
import { generateIdentity } from '@admin-api/sdk/encryption';

/** Runs all checks in order; gives one line per check: its name, and what was wrong or null. */
export async function smoke(world) {
  const results = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    if (world.without.includes(name)) continue;
    const bench = benchOf(world, 'smoke');
    let wrong = null;
    try {
      await check(bench, world);
    } catch (error) {
      wrong = `${error?.stack ?? error}${error?.cause === undefined ? '' : `\ncaused by ${error.cause?.stack ?? error.cause}`}`;
    } finally {
      await bench.client.close();
    }
    results.push({ name, wrong });
  }
  return results;
}

/** A client whose waits are written down instead of waited for. */
function benchOf({ baseUrl, tokenUrl, clientSecret }, clientId) {
  const sleeps = [];
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: () => 0,
    sleep: (ms) => Promise.resolve(void sleeps.push(ms)),
  };
  return { client: new AdminClient({ baseUrl, tokenUrl, clientId, clientSecret, clock }), sleeps, clock };
}

const CHECKS = {
  async create_with_roles({ client }) {
    const { data, status, headers, auditEventId, requestId, attempts } = await client.users
      .create({ username: 'alice', email: 'alice@example.com', roles: ['admin'] })
      .withResponse();
    equal([201, 'alice', ['admin'], 1], [status, data.username, data.roles, attempts]);
    like(/^evt_/, auditEventId);
    equal(auditEventId, headers.get('audit-event-id'));
    like(/^".+"$/, headers.get('etag'));
    like(/^req_/, requestId);
    like(/r=\d+/, headers.get('ratelimit'));
  },

  async conflict_is_typed({ client }) {
    const error = await thrown(client.users.create({ username: 'alice', email: 'else@example.com' }), ConflictError);
    equal(['username_taken', 409, 'refused'], [error.code, error.status, error.outcome]);
    like(/^usr_/, error.problem.existing_id);
  },

  async invalid_is_typed({ client }) {
    const error = await thrown(client.users.create({ username: '', email: 'x' }), UnprocessableEntityError);
    ok(error.errors.some(({ pointer }) => pointer === '/username'), 'errors name the member');
  },

  async missing_scope_is_named(_, world) {
    const { client } = benchOf(world, 'reader');
    const error = await thrown(client.users.create({ username: 'x', email: 'x@example.com' }), InsufficientScopeError);
    equal(['users:create'], error.missingScopes);
    await client.close();
  },

  async list_pages({ client }, { users }) {
    const seen = [];
    for await (const user of client.users.list({ limit: 2, q: 'pager' })) seen.push(user.username);
    equal(users, seen);
  },

  async export_resumes_where_it_was_cut({ client }, { users }) {
    const seen = [];
    for await (const { username } of client.users.export()) seen.push(username);
    equal(users, seen.slice(0, users.length));
    equal(seen.length, new Set(seen).size);
  },

  async first_events({ client }) {
    const [first] = (await client.audit.events.list({ limit: 1 })).items;
    const events = client.audit.events.stream({ last_event_id: first.id });
    const { username } = await client.users.create({ username: 'eve', email: 'eve@example.com' });
    let last;
    for await (const event of events) {
      ok(last === undefined || event.sequence > last, 'events come in order');
      last = event.sequence;
      if (event.data.targets[0]?.name === username) break;
    }
    like(/^evt_/, events.lastId);
  },

  async retry_after_in_seconds({ client, sleeps }, { userId }) {
    const { attempts } = await client.users.get(userId).withResponse();
    equal([2, [7_000]], [attempts, sleeps]);
  },

  async retry_after_as_a_date({ client, sleeps }) {
    // The world's year is 2030: without the answer's own Date this wait would be far above its ceiling.
    await client.roles.list();
    equal([7_000], sleeps);
  },

  async lost_answer_is_replayed({ client }, { userId }) {
    const { data, headers } = await client.users.update(userId, { display_name: 'Changed once' }).withResponse();
    equal(['Changed once', 'true'], [data.display_name, headers.get('idempotency-replayed')]);
    equal(1, (await client.audit.events.list({ action: 'users.update', target_id: userId })).items.length);
  },

  async redirect_is_not_followed({ client }, { elsewhere }) {
    const error = await thrown(client.config.list({}), Error);
    ok(error instanceof APIConnectionError || (error.status === 302 && error.message.includes(elsewhere)), String(error));
    equal(1, error.attempts);
  },

  async timeout_ends_an_attempt({ client }) {
    const error = await thrown(client.me.get({ timeout: 100, maxRetries: 0 }), APITimeoutError);
    equal(['timeout', 'me.get'], [error.code, error.operation]);
  },

  async signal_ends_a_call({ client }) {
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    const call = client.me.get({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    ok((await thrown(call, Error)) === reason, 'the reason itself is thrown');
  },

  async refused_connection({ clock }, { nobody, effects }) {
    const client = new AdminClient({ baseUrl: nobody, token: 'TOKEN', clock, maxRetries: 1 });
    const error = await thrown(client.users.create({ username: 'x', email: 'x@example.com' }), APIConnectionError);
    equal([effects.refused, 2], [error.outcome, error.attempts]);
    await client.close();
  },

  async unknown_certificate({ clock }, { tlsUrl }) {
    const client = new AdminClient({ baseUrl: tlsUrl, token: 'TOKEN', clock });
    const error = await thrown(client.me.get(), APIConnectionError);
    equal(['tls_verification_failed', 1], [error.code, error.attempts]);
    await client.close();
  },

  async given_ca_is_trusted({ clock }, { tlsUrl, ca, nodeFetch }) {
    const client = new AdminClient({ baseUrl: tlsUrl, token: 'TOKEN', clock, fetch: nodeFetch({ ca }) });
    ok((await client.me.get()).scopes.includes('users:read'), 'an answer came');
    const { recipient } = await generateIdentity();
    const stored = await client.storage.objects.upload(new Uint8Array(3), { name: 'three.bin', encryptTo: [recipient] });
    ok(stored.size > 3, 'bytes came there');
    await client.close();
  },

  async given_proxy_is_used({ clock }, { baseUrl, nobody, nodeFetch }) {
    const client = new AdminClient({ baseUrl, token: 'TOKEN', clock, fetch: nodeFetch({ proxy: nobody }) });
    const error = await thrown(client.roles.list(), APIConnectionError); // an answer would have come past the proxy
    equal(3, error.attempts);
    await client.close();
  },

  async entity_tags_guard_writes({ client }) {
    const { etag } = await client.config.set('smoke.colour', { value: 'red', if_none_match: '*' });
    equal(undefined, await client.config.get('smoke.colour', { if_none_match: etag }));
    equal(2, (await client.config.set('smoke.colour', { value: 'blue', if_match: etag })).version);
    const late = await thrown(client.config.set('smoke.colour', { value: 'green', if_match: etag }), PreconditionFailedError);
    equal('precondition_failed', late.code);
  },

  async encrypted_there_and_back({ client, sleeps }) {
    const plain = new Uint8Array(200_000).map((_, at) => at % 251);
    const identity = await generateIdentity();
    const sent = [];
    const stored = await client.storage.objects.upload(plain, {
      name: 'bytes.bin',
      encryptTo: [identity.recipient],
      onProgress: (moved, total) => sent.push(moved === total),
    });
    ok(stored.size > plain.length, 'ciphertext is longer');
    equal(true, sent.at(-1));
    const parts = [];
    const to = new WritableStream({ write: (part) => void parts.push(part) });
    const got = await client.storage.objects.download(stored.id, { to, identity, expectSha256: stored.sha256 });
    equal([stored.size, stored.sha256, stored.etag], [got.size, got.sha256, got.etag]);
    equal(1, sleeps.length); // its connection broke after 100 000 bytes
    const back = new Uint8Array(await new Blob(parts).arrayBuffer());
    ok(back.length === plain.length && back.every((byte, at) => byte === plain[at]), 'the bytes are the same');
  },

  async paths_are_read_and_written({ client }, { folder }) {
    const { readFile, writeFile } = process.getBuiltinModule('node:fs/promises'); // not imported: bundlers would follow it
    const identity = await generateIdentity();
    await writeFile(`${folder}/there.txt`, 'a file');
    const { id } = await client.storage.objects.upload(`${folder}/there.txt`, { name: 'f', encryptTo: [identity.recipient] });
    await client.storage.objects.download(id, { to: `${folder}/back.txt`, identity });
    equal('a file', await readFile(`${folder}/back.txt`, 'utf8'));
  },

  async closed_client_refuses({ client }) {
    await client.close();
    equal('client_closed', (await thrown(client.me.get(), APIConnectionError)).code);
  },
};

async function thrown(promise, kind) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error(`nothing was thrown, ${kind.name} was expected`);
}

function equal(expected, actual) {
  const [one, other] = [expected, actual].map((each) => JSON.stringify(each));
  if (one !== other) throw new Error(`expected ${one}, got ${other}`);
}

function like(pattern, text) {
  if (!pattern.test(String(text))) throw new Error(`expected ${pattern}, got ${text}`);
}

function ok(truth, what) {
  if (!truth) throw new Error(`not so: ${what}`);
}
