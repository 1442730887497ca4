/** Grants as a client makes them, with a scripted endpoint. */
import { Response, TokenFailure } from '../../../dist/exchange.js';
import { grantOf } from '../../../dist/grants.js';
import { DEFAULT_LIMITS } from '../../../dist/options.js';
import { call } from './answers.mjs';
import { SteppingClock } from './clock.mjs';
import { sender } from './wire.mjs';

/** An answer of the token endpoint. */
export const answered = (status, document) => (request) =>
  new Response(request.call, status, new Headers({ 'x-request-id': 'r1' }), new TextEncoder().encode(typeof document === 'string' ? document : JSON.stringify(document)));
export const land = (token, expires_in = 3600, members = {}) => answered(200, { access_token: token, token_type: 'Bearer', expires_in, ...members });
export const fail = (status, error) => answered(status, error === undefined ? '<html>' : { error });

/** A token source with a scripted endpoint, a clock and what it warned of; of a refresh token if one is given. */
export async function source(script, options = {}) {
  const clock = options.clock ?? new SteppingClock();
  const warnings = [];
  const send = sender(...script);
  const tokens = await grantOf({
    send, tokenUrl: 'http://localhost/oauth/token', clientId: 'demo', clientSecret: 'demo-secret', clientAuth: 'basic', scopes: [], limits: DEFAULT_LIMITS,
    clock, userAgent: 'test', warn: (message) => warnings.push(message), ...options,
  });
  const get = (facts = {}) => tokens.token(call({ clock, ...facts }));
  const value = async (facts) => {
    const token = await get(facts);
    return token instanceof TokenFailure ? token.code : token.access.reveal();
  };
  return { clock, warnings, send, tokens, get, value };
}

/** The form that a token request carries. */
export const formOf = async ({ content }) => Object.fromEntries(new URLSearchParams(new TextDecoder().decode(await content.open())));
