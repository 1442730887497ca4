/** Lists, page by page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, page, problem } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';
import { wire } from './support/wire.mjs';

const ids = (users) => users.map(({ id }) => id);
const cursors = (server) => server.requests.map(({ url }) => new URL(url, server.url).searchParams.get('cursor'));

async function all(pager) {
  const items = [];
  for await (const item of pager) items.push(item);
  return items;
}

test('PAGE: iterating gives the items of all pages, each page asked for with the cursor of the one before', async (t) => {
  const server = await wire(t, page([1, 2], 'c/1'), page([3], 'c2'), page([4]));
  assert.deepEqual(ids(await all(server.client().users.list({ role: ['admin', 'viewer'], limit: 2 }))), ['usr_1', 'usr_2', 'usr_3', 'usr_4']);
  assert.deepEqual(cursors(server), [null, 'c/1', 'c2']);
  for (const { url } of server.requests) assert.match(url, /role=admin&role=viewer&limit=2/);
});

test('PAGE: making a pager sends nothing; the next page is fetched when the one before has been used', async (t) => {
  const server = await wire(t, page([1, 2], 'c1'), page([3]));
  const pager = server.client().users.list();
  assert.equal(server.requests.length, 0);
  const iterator = pager[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  assert.equal(server.requests.length, 1);
  await iterator.next();
  assert.equal(server.requests.length, 2);
});

test('PAGE: an empty page with a cursor is legal; only a missing cursor is the end', async (t) => {
  const server = await wire(t, page([], 'c1'), page([], 'c2'), page([1]));
  assert.deepEqual(ids(await all(server.client().users.list())), ['usr_1']);
});

test('PAGE: a cursor already used in this pager would loop for ever; the items before it were delivered', async (t) => {
  const server = await wire(t, page([1], 'c1'), page([2], 'c1'));
  const delivered = [];
  const error = await failure((async () => { for await (const { id } of server.client().users.list()) delivered.push(id); })());
  assert.deepEqual([error.name, error.code, error.requestId, delivered, server.requests.length], ['DecodeError', 'cursor_repeated', 'req_1', ['usr_1', 'usr_2'], 2]);
});

test('PAGE: a server that gives back the very cursor one began with is caught before a page comes twice', async (t) => {
  const server = await wire(t, page([1], 'mine'));
  assert.equal((await failure(all(server.client().users.list({ cursor: 'mine' })))).code, 'cursor_repeated');
});

test('PAGE: `pages()` gives pages, `await` the first alone; each starts at the beginning', async (t) => {
  const server = await wire(t, page([1], 'c1'), page([2]), page([1], 'c1'));
  const pager = server.client().users.list();
  const sizes = [];
  for await (const { items, nextCursor, requestId } of pager.pages()) sizes.push([items.length, nextCursor, requestId]);
  assert.deepEqual(sizes, [[1, 'c1', 'req_1'], [1, null, 'req_1']]);
  const first = await pager;
  assert.deepEqual([ids([...first]), first.nextCursor, cursors(server)], [['usr_1'], 'c1', [null, 'c1', null]]);
});

test('CONF, RETRY-6: options of the call hold for each of its pages; deadline and attempts are counted per page', async (t) => {
  const server = await wire(t, problem(503, 'busy'), page([1], 'c1'), problem(503, 'busy'), page([2]));
  const clock = new SteppingClock();
  assert.equal((await all(server.client({ clock }).users.list({}, { maxRetries: 1, deadline: 600, headers: { 'x-mine': 'y' } }))).length, 2);
  assert.deepEqual([clock.sleeps, server.requests.map(({ headers }) => headers['x-mine'])], [[500, 500], ['y', 'y', 'y', 'y']]);
});

test('PAGE: what a later page fails with is thrown when it is asked for; what was delivered stays delivered', async (t) => {
  const server = await wire(t, page([1], 'c1'), problem(410, 'cursor_expired'));
  const iterator = server.client().users.list()[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value.id, 'usr_1');
  assert.deepEqual((({ name, code }) => [name, code])(await failure(iterator.next())), ['GoneError', 'cursor_expired']);
});

test('PAGE: leaving the loop asks for no further page', async (t) => {
  const server = await wire(t, page([1, 2], 'c1'));
  for await (const _ of server.client().users.list()) break;
  assert.equal(server.requests.length, 1);
});
