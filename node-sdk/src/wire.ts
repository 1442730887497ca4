/**
 * What goes wrong on the wire, and what each failure means; mapped here and nowhere else (RETRY-10).
 *
 * @module
 */
import { ConfigurationError } from './errors.ts';
import { WireError } from './exchange.ts';
import type { Effect } from './exchange.ts';

/** What each code of the runtime means; *not sent* is a promise, so what is not known may have acted. */
const NOT_SENT: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT',
  'dns error', 'tcp connect error',
]);
const TLS_VERIFICATION =
  /^(invalid peer certificate|ERR_TLS_CERT_ALTNAME_INVALID|CERT_.*|CRL_.*|.*SELF_SIGNED.*|UNABLE_TO_.*|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED)$/;

/**
 * Alerts by which the peer refuses to speak with us: our certificate, or want of one, or our TLS version. They end a handshake
 * (RFC 8446, section 6.2), so no request was taken; another try meets the same.
 */
const TLS_REFUSED =
  /^ERR_SSL_.*ALERT_(HANDSHAKE_FAILURE|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_.*|UNKNOWN_CA|ACCESS_DENIED|PROTOCOL_VERSION|INSUFFICIENT_SECURITY)$/;

/** Deno has no codes: what it says of a connection that was not made stands for them. A URL holds no space. */
const DENO = /: client error \(Connect\)(?:: (dns error|tcp connect error|invalid peer certificate|proxy authentication required|unsuccessful tunnel)\b)?/;
const DENO_CODES: Readonly<Record<string, string>> = { 'proxy authentication required': 'PROXY_407', 'unsuccessful tunnel': 'ERR_PROXY_TUNNEL' };

/** What Node says of a TLS handshake that the peer hung up in; its code is that of any reset. */
const IN_HANDSHAKE = 'Client network socket disconnected before secure TLS connection was established';

/** What undici's ProxyAgent says of a proxy that opens no tunnel; its code is that of any abortion. */
const REFUSED_TUNNEL = /^Proxy response \((\d{3})\) !== 200 when HTTP Tunneling$/;

const BEFORE_SENT = 'CONNECT_FAILED';

/** The error of a connection that was not made, such that it is seen to be *not sent*. */
export function beforeSent(error: unknown): Error {
  const known = error instanceof Error && wireError(error).effect !== 'maybe_acted';
  if (known) return error;
  return Object.assign(new Error('There is no connection.'), { code: [BEFORE_SENT, ...codesOf(error)].join(' ') });
}

/**
 * Names what went wrong on the wire; holds nothing of the exception but its code and kind.
 *
 * @throws ConfigurationError as it is: what cannot work is no failure of the wire.
 */
export function wireError(error: unknown, status?: number, requestId?: string): WireError {
  if (error instanceof ConfigurationError) throw error;
  const codes = codesOf(error);
  const message = codes.join(', ') || kindOf(error);
  const make = (code: string, effect: Effect): WireError =>
    new WireError(code, effect, `The connection failed: ${message}.`, status, requestId);
  if (codes.some((code) => TLS_VERIFICATION.test(code))) return make('tls_verification_failed', 'final');
  if (codes.some((code) => TLS_REFUSED.test(code))) return make('tls_refused', 'final');
  if (codes.includes('UND_ERR_INVALID_ARG')) return make('invalid_request', 'final'); // such as a dispatcher of another undici
  if (codes.includes('ERR_PROXY_TUNNEL')) return make('proxy_failed', 'not_sent'); // nobody says with which status
  const [proxyStatus] = codes.flatMap((code) => /^PROXY_(\d{3})$/.exec(code)?.[1] ?? []);
  if (proxyStatus !== undefined) return make('proxy_failed', isFinalRefusal(Number(proxyStatus)) ? 'final' : 'not_sent');
  if (codes.length > 0 && codes.every((code) => NOT_SENT.has(code) || code.startsWith(BEFORE_SENT))) return make('connect_failed', 'not_sent');
  return make('connection_lost', 'maybe_acted');
}

/** Whether what a proxy answers to CONNECT stays so: 407 and its like, but not 408, 429 and its own failures. */
function isFinalRefusal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 429;
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
  if (message === IN_HANDSHAKE) return [`${BEFORE_SENT} ${String(code)}`];
  const [, refused] = REFUSED_TUNNEL.exec(String(message)) ?? [];
  if (refused !== undefined) return [`PROXY_${refused}`];
  if (typeof code === 'string') return [code];
  const unmade = DENO.exec(String(message));
  if (unmade !== null) return [DENO_CODES[unmade[1] ?? ''] ?? unmade[1] ?? BEFORE_SENT];
  return codesOf(cause, depth + 1);
}

function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
