/**
 * Where there is no environment: web pages and workers.
 *
 * @module
 */

/** None: browsers do not let a page set it. */
export const userAgent: string | undefined = undefined;

/** Nothing: there are no variables. */
export function environment(_name: string): string | undefined {
  return undefined;
}

/** Nothing: signals have listeners without number. */
export function share(_signal: AbortSignal): void {}

/** Nothing may be set in place of an option. */
export const OR_SET_BASE_URL: string = '';
export const OR_SET_CREDENTIALS: string = '';

/** Fine: certificates and proxies are the browser's. */
export function checkGlobalFetch(_origins: readonly string[], _fetchOptions: object): void {}
