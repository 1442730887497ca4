/** What servers answer in these tests, and the calls, requests and responses of the layers below. */
import { Call, Request, Response } from '../../../dist/exchange.js';
import { DEFAULT_LIMITS } from '../../../dist/options.js';
import { SteppingClock } from './clock.mjs';

export const REQUEST_ID = 'req_1';
export const JSON_TYPE = { 'content-type': 'application/json' };

/** A user as the document has it. */
export function user(number = 1, changes = {}) {
  return {
    id: `usr_${number}`,
    username: `user${number}`,
    email: `user${number}@example.com`,
    roles: ['viewer'],
    status: 'active',
    created_at: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}

/** A JSON answer on the wire. */
export function answer(status = 200, document = user(), headers = {}) {
  return { status, headers: { ...JSON_TYPE, 'x-request-id': REQUEST_ID, ...headers }, body: JSON.stringify(document) };
}

/** An error answer with problem details. */
export function problem(status, code, { headers = {}, ...members } = {}) {
  const document = { type: `urn:x:${code}`, title: code.replaceAll('_', ' '), status, code, detail: `Detail of ${code}.`, ...members };
  return answer(status, document, { 'content-type': 'application/problem+json', ...headers });
}

/** A page of users. */
export function page(numbers, nextCursor = null) {
  return answer(200, { items: numbers.map((number) => user(number)), next_cursor: nextCursor });
}

/** What the token endpoint answers. */
export function tokenAnswer(token = 'access-1', members = { expires_in: 3600 }) {
  return answer(200, { access_token: token, token_type: 'Bearer', ...members });
}

/** A call that has made so many attempts. */
export function call({ attempts = 1, limits = {}, ...facts } = {}) {
  const made = new Call({ operation: 'users.get', method: 'GET', clock: new SteppingClock(), ...facts, limits: { ...DEFAULT_LIMITS, ...limits } });
  made.attempts = attempts;
  return made;
}

/** A request of a call. */
export function request(of, { headers = {}, content, url = 'http://localhost:8099/api/v1/users/usr_1' } = {}) {
  return new Request(of, of.method, url, headers, content);
}

/** A response of a call. */
export function response(of, status, { headers = {}, body = '', stream } = {}) {
  return new Response(of, status, new Headers(headers), typeof body === 'string' ? new TextEncoder().encode(body) : body, stream);
}

/** The error that a promise is rejected with; fails if it is fulfilled. */
export async function failure(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
}

/** The error that a function throws; fails if it throws none. */
export function thrown(act) {
  let value;
  try {
    value = act();
  } catch (error) {
    return error;
  }
  throw new Error(`expected a throw, got ${String(value)}`);
}
