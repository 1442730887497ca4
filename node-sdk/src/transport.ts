/**
 * The adapter to fetch: a Request becomes an exchange on the wire, and whatever happens becomes a value.
 *
 * Redirects are never followed (AUTH-8).
 *
 * @module
 */
import { wireError } from '#wire';
import { ERRORS_MAX_ANSWER_BODY, ERRORS_MAX_ERROR_BODY } from './_generated/policy.ts';
import { joined } from './bytes.ts';
import { Request, Response, Secret, WireError } from './exchange.ts';
import type { Call, Outcome, Stream } from './exchange.ts';

/** fetch, or what stands in for it. */
export type Fetch = (url: string, init: RequestInit) => Promise<globalThis.Response>;

const CLOSED = new WireError('client_closed', 'final', 'The client is closed.');

// what an attempt on its way is ended with
const CLOSING = new WireError('client_closed', 'maybe_acted', 'The client was closed.');
const TIMED_OUT = new WireError('timeout', 'maybe_acted', 'The attempt did not end in time.');
const TOO_LARGE = new WireError('answer_too_large', 'final', 'The answer is too long. Ask for less at a time.');
const PAST_DEADLINE = new WireError('deadline_exceeded', 'maybe_acted', TIMED_OUT.message);

/** Sends requests over fetch. */
export class Transport {
  readonly #fetch: Fetch;
  readonly #fetchOptions: RequestInit;
  readonly #running = new Set<AbortController>();
  #closed = false;

  constructor(fetch: Fetch, fetchOptions: RequestInit) {
    this.#fetch = fetch;
    this.#fetchOptions = fetchOptions;
  }

  /** One attempt: from connect to the last byte, or to the last header of a streamed success (RETRY-6). */
  readonly send = async (request: Request): Promise<Outcome> => {
    const { call } = request;
    call.signal?.throwIfAborted();
    if (this.#closed) return CLOSED;
    const left = call.left();
    const byDeadline = left !== undefined && left < call.limits.timeout;
    const ms = byDeadline ? left : call.limits.timeout;
    if (ms <= 0) return new WireError('deadline_exceeded', 'final', 'The deadline has passed.');

    const controller = new AbortController();
    const cancelled = (): void => controller.abort();
    const timer = setTimeout(() => controller.abort(byDeadline ? PAST_DEADLINE : TIMED_OUT), ms);
    call.signal?.addEventListener('abort', cancelled, { once: true });
    this.#running.add(controller);
    const release = (): void => {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', cancelled);
      this.#running.delete(controller);
    };

    let answer: globalThis.Response | undefined;
    let handedOver = false;
    try {
      const init = await this.#init(request, controller.signal);
      answer = await this.#fetch(request.url, init);
      if (answer.type === 'opaqueredirect') {
        return new WireError('redirect', 'final', 'A redirect is not followed. Check baseUrl.');
      }
      if (call.streamed && answer.status < 300) {
        clearTimeout(timer);
        handedOver = true;
        return new Response(call, answer.status, answer.headers, NOTHING, streamOf(answer, controller, release, call));
      }
      return new Response(call, answer.status, answer.headers, await bounded(answer, controller));
    } catch (error) {
      call.signal?.throwIfAborted();
      const status = answer?.status;
      const requestId = answer?.headers.get('x-request-id') ?? undefined;
      const ended: unknown = controller.signal.reason;
      if (ended instanceof WireError) return new WireError(ended.code, ended.effect, ended.message, status, requestId);
      return wireError(error, status, requestId);
    } finally {
      if (!handedOver) release();
    }
  };

  /** Ends what is on its way with `client_closed`; nothing can be sent afterwards. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#running) controller.abort(CLOSING);
  }

  async #init({ method, headers: given, content }: Request, signal: AbortSignal): Promise<RequestInit> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(given)) headers[name] = value instanceof Secret ? value.reveal() : value;
    const init: RequestInit & { duplex?: 'half' } = { ...this.#fetchOptions, method, headers, redirect: 'manual', signal };
    if (content === undefined) return init;
    init.body = content instanceof Uint8Array ? content : await content.open();
    if (init.body instanceof ReadableStream) {
      init.duplex = 'half';
      headers['content-length'] = String(content.length); // fetch adds that of bytes itself, and undici refuses to see it twice
    }
    return init;
  }
}

const NOTHING: Uint8Array = /* @__PURE__ */ new Uint8Array();

/**
 * The body, but of an error no more than 1 MiB; then the connection is closed (ERR-2).
 *
 * @throws WireError if it is a success and longer than that may be (ERR-4).
 */
async function bounded(answer: globalThis.Response, controller: AbortController): Promise<Uint8Array> {
  const reader = answer.body?.getReader();
  const most = answer.status < 300 ? ERRORS_MAX_ANSWER_BODY : ERRORS_MAX_ERROR_BODY;
  const parts: Uint8Array[] = [];
  for (let size = 0; size < most; ) {
    const next = await reader?.read();
    if (next?.value === undefined) return joined(parts);
    parts.push(next.value);
    size += next.value.length;
  }
  reader?.cancel().catch(() => undefined); // what the peer still had to say does not matter
  controller.abort(TOO_LARGE);
  if (answer.status < 300) controller.signal.throwIfAborted();
  return joined(parts).subarray(0, most);
}

function streamOf(answer: globalThis.Response, controller: AbortController, release: () => void, call: Call): Stream {
  const reader = answer.body?.getReader();
  let closed = false;
  return {
    async read() {
      try {
        const next = await reader?.read();
        return next?.done === false ? next.value : undefined;
      } catch (error) {
        call.signal?.throwIfAborted();
        if (controller.signal.reason === CLOSING) throw Object.assign(new Error(CLOSED.message), { code: CLOSED.code });
        throw error;
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      release();
      controller.abort();
      await reader?.cancel().catch(() => undefined); // it is gone either way
    },
  };
}
