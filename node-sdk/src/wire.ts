/**
 * What goes wrong on the wire, and what each failure means; mapped here and nowhere else (RETRY-10).
 *
 * @module
 */
import { WireError } from './exchange.ts';
import type { Effect } from './exchange.ts';

/** What each code of the runtime means; *not sent* is a promise, so what is not known may have acted. */
const NOT_SENT: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT',
  'dns error', 'tcp connect error',
]);
const TLS_VERIFICATION =
  /^(invalid peer certificate|ERR_TLS_CERT_ALTNAME_INVALID|CERT_.*|CRL_.*|.*SELF_SIGNED.*|UNABLE_TO_.*|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED)$/;

/** Deno has no codes: what it says of a connection that was not made stands for them. A URL holds no space. */
const DENO = /: client error \(Connect\): (dns error|tcp connect error|invalid peer certificate)\b/;

/** Names what went wrong on the wire; holds nothing of the exception but its code and kind. */
export function wireError(error: unknown, status?: number, requestId?: string): WireError {
  const codes = codesOf(error);
  const message = codes.join(', ') || kindOf(error);
  const make = (code: string, effect: Effect): WireError =>
    new WireError(code, effect, `The connection failed: ${message}.`, status, requestId);
  if (codes.some((code) => TLS_VERIFICATION.test(code))) return make('tls_verification_failed', 'final');
  if (codes.length > 0 && codes.every((code) => NOT_SENT.has(code))) return make('connect_failed', 'not_sent');
  return make('connection_lost', 'maybe_acted');
}

/** Codes of an error and its causes; of several addresses tried, the code of each. */
function codesOf(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const { code, cause, errors, message } = error as Partial<Record<'code' | 'cause' | 'errors' | 'message', unknown>>;
  if (Array.isArray(errors) && errors.length > 0) {
    return errors.flatMap((each) => {
      const found = codesOf(each, depth + 1);
      return found.length > 0 ? found : [kindOf(each)]; // one without a code may have sent something
    });
  }
  if (typeof code === 'string') return [code];
  const [, words] = DENO.exec(String(message)) ?? [];
  if (words !== undefined) return [words];
  return codesOf(cause, depth + 1);
}

function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
