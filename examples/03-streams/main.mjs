// Large exports and live events: typed, in constant memory, resumed where they broke.

import { AdminClient } from '@admin-api/sdk';

const tell = (what, detail = '') => console.log(`  ${what.padEnd(34)} ${detail}`);

const client = new AdminClient();
const roles = {};
for await (const user of client.users.export()) {
  for (const role of user.roles) roles[role] = (roles[role] ?? 0) + 1;
}
tell('Exported users by role', JSON.stringify(Object.fromEntries(Object.entries(roles).sort())));

const last = (await client.audit.events.list({ sort: '-sequence', limit: 1 })).items[0];
await client.users.create({ username: 'dave', email: 'dave@example.com' });
await client.config.set('feature.beta', { value: true, if_none_match: '*' });

// From the last event known on; in production this loop runs for ever.
const events = client.audit.events.stream({ last_event_id: last.id });
for await (const event of events) {
  tell('Live event', `${Number(event.sequence)} ${event.data.action} on ${event.data.targets[0]?.name}`);
  if (event.data.action === 'config.set') break;
}
tell('Go on later behind', events.lastId);
await client.close();
