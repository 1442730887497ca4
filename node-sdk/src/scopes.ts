/**
 * What the token may do, asked before it is tried (AUTH-6). Loaded when first asked.
 *
 * @module
 */
import { OPERATIONS } from './_generated/operations.ts';
import type { MeResource } from './_generated/resources/me.ts';
import { Call, ConfigurationError, Request, Response } from './index.ts';
import type { Caller, Send } from './index.ts';

/** What a client asks with. */
export interface Asker {
  readonly caller: Caller;
  /** How a token is had, and nothing sent with it: through errors and retries. */
  readonly asking: (nothing: Send) => Send;
}

/** The scopes of the token, in order: from the token endpoint's answer, else of `me.get`, once per token. */
export async function granted({ caller, asking }: Asker, me: MeResource): Promise<readonly string[]> {
  const { limits, clock } = caller;
  const call = new Call({ operation: 'me.get', method: 'GET', limits, clock });
  // where the wire would be: that the token was had is all
  const nothing: Send = () => Promise.resolve(new Response(call, 204, new Headers(), new Uint8Array()));
  await asking(nothing)(new Request(call, 'GET', '', {}, undefined));
  const { token } = call;
  const scopes = token?.scopes ?? new Set((await me.get()).scopes);
  if (token !== undefined) token.scopes = scopes;
  return [...scopes].sort();
}

/**
 * Whether the token has the scopes that an operation needs, by the document.
 *
 * @throws ConfigurationError if there is no such operation.
 */
export async function can(asker: Asker, me: MeResource, operation: string): Promise<boolean> {
  if (!Object.hasOwn(OPERATIONS, operation)) {
    throw new ConfigurationError(`There is no operation '${operation}'.`, { code: 'unknown_operation' });
  }
  const has = await granted(asker, me);
  return (OPERATIONS[operation]?.scopes ?? []).every((scope) => has.includes(scope));
}
