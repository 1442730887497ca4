/**
 * Calls of what the document does not know (`client.request`). Loaded with the first.
 *
 * @module
 */
import { ConfigurationError } from './index.ts';
import { bodyOf, decodeError } from './operation.ts';
import type { Op } from './operation.ts';
import type { RequestOptions } from './options.ts';
import type { Caller } from './resource.ts';

/** The JSON of the answer, undefined if it has none; a mutation carries an idempotency key. */
export async function send(
  caller: Caller,
  method: string,
  path: string,
  query: Readonly<Record<string, unknown>>,
  body: unknown,
  options: RequestOptions | undefined,
): Promise<unknown> {
  checkPath(path);
  if (!/^(?!connect$)[a-z]+$/i.test(method)) throw new ConfigurationError('method must be an HTTP method.', { code: 'invalid_method' });
  const verb = method.toUpperCase();
  const safe = ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(verb);
  const id = `${verb} ${path.split('?')[0]}`;
  const op: Op<unknown> = { id, method: verb, path, idempotent: !safe, sensitive: true };
  const content = body === undefined ? undefined : bodyOf(body);
  const request = caller.prepare(op, { query, content, options });
  request.call.template = undefined;
  const response = await caller.send(request);
  if (response.body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(response.body));
  } catch {
    throw decodeError(response, 'it is not JSON');
  }
}

/** Throws ConfigurationError for a path that would lead elsewhere, however its dots and slashes are spelled. */
export function checkPath(path: string): void {
  const segments = (path.split('?')[0] ?? '').split('/');
  if (!/^\/[!-~]*$/.test(path) || /[#\\]/.test(path) || segments.some((part) => /^(\.|%2e){1,2}$/i.test(part))) {
    throw new ConfigurationError(
      "path must begin with '/', hold no '.' or '..' segment, '#' or backslash, and be visible ASCII.",
      { code: 'invalid_path' },
    );
  }
}
