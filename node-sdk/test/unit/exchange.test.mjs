/** One exchange as data; a secret shows itself nowhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { AccessToken } from '../../dist/access.js';
import { Secret } from '../../dist/exchange.js';
import { call, request } from './support/answers.mjs';
import { SteppingClock } from './support/clock.mjs';

/** Every way in which a value is usually shown. */
function shown(value) {
  const texts = [inspect(value, { depth: 20, showHidden: true, getters: true }), JSON.stringify(value), String(value), `${value}`];
  texts.push(format('%s %o %O %j %d', value, value, value, value, value), Object.entries(value).join(), Object.prototype.toString.call(value));
  texts.push(inspect(Object.assign(new Error('of it'), { value, cause: value }), { depth: 20 }), JSON.stringify({ ...value }));
  texts.push(String(Reflect.ownKeys(value).map((name) => value[name])), (value.toLocaleString ?? String).call(value));
  return texts.join('\n');
}

test('AUTH-9: no way of printing a secret, or what holds it, shows it', () => {
  const secret = new Secret('hunter2');
  const sent = request(call(), { headers: { authorization: secret } });
  for (const holder of [secret, { secret }, [secret], new Map([['a', secret]]), sent, sent.withHeader('x', secret), new AccessToken('hunter2')]) {
    assert.doesNotMatch(shown(holder), /hunter2/);
  }
  assert.equal(secret.reveal(), 'hunter2');
});

test('AUTH-9: a secret that is cloned into another thread is left behind', () => {
  const copy = structuredClone(new Secret('hunter2'));
  assert.doesNotMatch(shown(copy), /hunter2/);
  assert.equal(copy.reveal, undefined);
});

test('AUTH-9: a secret is put into a text or a header by mistake as REDACTED', () => {
  const secret = new Secret('hunter2');
  assert.equal(`Bearer ${secret}`, 'Bearer Secret(REDACTED)');
  assert.equal(JSON.stringify({ secret }), '{"secret":"REDACTED"}');
});

test('AUTH-9: secrets are compared by what they hold', () => {
  assert.ok(new Secret('a').equals(new Secret('a')));
  assert.ok(!new Secret('a').equals(new Secret('b')));
});

test('STACK: a layer that adds a header leaves the request of the layers above as it was', () => {
  const sent = request(call(), { headers: { a: '1' } });
  const changed = sent.withHeader('b', '2').withHeader('a', '3');
  assert.deepEqual([sent.headers, changed.headers], [{ a: '1' }, { a: '3', b: '2' }]);
  assert.equal(changed.call, sent.call);
});

test('RFC 9110, section 13: which headers make a write conditional', () => {
  const conditional = (name) => request(call(), { headers: { [name]: 'x' } }).conditional;
  assert.deepEqual(['if-match', 'if-none-match', 'if-unmodified-since', 'if-range', 'accept'].map(conditional), [true, true, true, false, false]);
});

test('RETRY-6: the deadline counts from the start of the call', () => {
  const clock = new SteppingClock();
  const one = call({ clock, limits: { deadline: 5000 } });
  clock.advance(2000);
  assert.deepEqual([one.left(), call().left()], [3000, undefined]);
});
