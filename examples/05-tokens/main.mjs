// Tokens are asked for once, kept where other processes find them, and given back at the end.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, InsufficientScopeError } from '@admin-api/sdk';
import { FileTokenStore } from '@admin-api/sdk/node';

const tell = (what, detail = '') => console.log(`  ${what.padEnd(34)} ${detail}`);

const directory = mkdtempSync(join(tmpdir(), 'tokens-')); // yours would stay: it is for the next run, and for other processes
const service = {
  clientId: process.env.ADMIN_API_CLIENT_ID,
  clientSecret: process.env.ADMIN_API_CLIENT_SECRET,
  scopes: ['users:read', 'audit:read'],
  tokenStore: new FileTokenStore(directory),
};
const careful = new AdminClient({ ...service, preflight: true });
tell('What the token may do', (await careful.scopes()).join(', '));
tell('May it create users?', await careful.can('users.create'));

// With preflight, what the token cannot do is refused before it is sent.
try {
  await careful.users.create({ username: 'dora', email: 'dora@example.com' });
} catch (error) {
  if (!(error instanceof InsufficientScopeError)) throw error;
  tell(error.name, `missing ${error.missingScopes.join(', ')}, outcome ${error.outcome}`);
}
await careful.close();

// Another process, or the next run: the same directory, and no token request.
const next = new AdminClient(service);
tell('With the token of the store', (await next.me.get()).name);
await next.close();

const tidy = new AdminClient({ ...service, tokenStore: undefined });
await tidy.me.get();
await tidy.close({ revoke: true });
tell('Its own token was given back');
rmSync(directory, { recursive: true });
