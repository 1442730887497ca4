// Create a user and see what was recorded; list with a filter; register a plugin; keep an encrypted object.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, ConflictError } from '@admin-api/sdk';
import { generateIdentity } from '@admin-api/sdk/encryption';

const tell = (what, detail = '') => console.log(`  ${what.padEnd(34)} ${detail}`);

const client = new AdminClient(); // ADMIN_API_BASE_URL, _CLIENT_ID, _CLIENT_SECRET
const me = await client.me.get();
tell('Signed in as', `${me.name} with ${me.scopes.length} scopes`);

// A user, created once however often the network fails; the answer names the audit event that it caused.
const created = await client.users
  .create({ username: 'alice', email: 'alice@example.com', roles: ['admin'] })
  .withResponse();
const alice = created.data;
tell('Created user', `${alice.username} (${alice.id})`);
tell('SSO mappings provisioned', alice.sso_mappings.map((each) => `${each.provider}: ${each.status}`).join(', ') || 'none');

const event = await client.audit.events.get(created.auditEventId);
tell('Recorded in the audit trail', `${event.data.action} by ${event.data.actor.name}, number ${Number(event.sequence)}`);

try {
  await client.users.create({ username: 'alice', email: 'other@example.com' });
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  tell('A duplicate is refused', `${error.code} at ${error.errors[0]?.pointer}, outcome ${error.outcome}`);
}

// A list crosses its pages by itself.
let [users, pages] = [0, 0];
for await (const page of client.users.list({ status: 'active', limit: 50 }).pages()) {
  users += page.items.length;
  pages += 1;
}
tell('Active users', `${users} on ${pages} pages`);
const admins = [];
for await (const user of client.users.list({ role: 'admin' })) admins.push(user.username);
tell('Admins', admins.join(', '));

const plugin = await client.plugins.register({
  name: 'demo-metrics',
  version: '1.4.2',
  source: { type: 'registry', package: 'metrics' },
  settings: { interval: 15 },
});
tell('Registered plugin', `${plugin.name} ${plugin.version}, ${plugin.status}, health ${plugin.health.status}`);

// An object that only the holder of the identity can read: the server sees ciphertext.
const identity = await generateIdentity();
const report = 'Quarterly figures, for two eyes only.\n';
const stored = await client.storage.objects.upload(new TextEncoder().encode(report), {
  name: 'report.txt',
  encryptTo: [identity.recipient],
});
tell('Uploaded object', `${stored.name}, ${report.length} bytes as ${stored.size} of ${stored.encryption}`);
const folder = await mkdtemp(join(tmpdir(), 'admin-api-example-'));
try {
  const path = join(folder, 'report.txt');
  await client.storage.objects.download(stored.id, { to: path, identity, expectSha256: stored.sha256 });
  const back = await readFile(path, 'utf8');
  tell('Downloaded and decrypted', back.trim());
  if (back !== report) throw new Error('What came back is not what was sent.');
} finally {
  await rm(folder, { recursive: true });
}
await client.close();
