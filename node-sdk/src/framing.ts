/**
 * Bytes → lines → server-sent events, over any chunk boundary, in constant memory (STREAM). No I/O.
 *
 * @module
 */
import { FRAMING_MAX_LINE_BYTES } from './_generated/policy-framing.ts';
import { joined } from './bytes.ts';

const LF = 10;
const CR = 13;
const BOM = [0xef, 0xbb, 0xbf];

/** A line is longer than `maxLineBytes`. */
export class LineTooLong extends Error {}

/** Cuts a byte stream into lines that end in LF, CR or CRLF; an unfinished one is kept for the next chunk. */
export class Lines {
  readonly #max: number;
  #rest: Uint8Array[] = [];
  #size = 0;
  #afterCr = false;
  #first = true;

  constructor(maxLineBytes: number = FRAMING_MAX_LINE_BYTES) {
    this.#max = maxLineBytes;
  }

  /**
   * The lines that this chunk completes, without their ends.
   *
   * @throws LineTooLong if a line grew over the limit.
   */
  feed(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let from = 0;
    if (this.#afterCr && chunk.length > 0) {
      if (chunk[0] === LF) from = 1; // the second half of a CRLF
      this.#afterCr = false;
    }
    for (let at = end(chunk, from); at >= 0; at = end(chunk, from)) {
      lines.push(this.#line(chunk.subarray(from, at)));
      from = at + 1;
      if (chunk[at] !== CR) continue;
      if (from === chunk.length) this.#afterCr = true;
      else if (chunk[from] === LF) from += 1;
    }
    if (from < chunk.length) {
      this.#size += chunk.length - from;
      this.#check();
      this.#rest.push(chunk.slice(from));
    }
    return lines;
  }

  #line(last: Uint8Array): Uint8Array {
    this.#size += last.length;
    this.#check();
    const bytes = this.#rest.length > 0 ? joined([...this.#rest, last]) : last;
    this.#rest = [];
    this.#size = 0;
    const marked = this.#first && BOM.every((byte, at) => bytes[at] === byte);
    this.#first = false;
    return marked ? bytes.subarray(BOM.length) : bytes;
  }

  #check(): void {
    if (this.#size > this.#max) throw new LineTooLong();
  }
}

/** Where the next line ends, -1 if it does not. */
function end(chunk: Uint8Array, from: number): number {
  const lf = chunk.indexOf(LF, from);
  const cr = chunk.subarray(from, lf < 0 ? undefined : lf).indexOf(CR);
  return cr < 0 ? lf : from + cr;
}

/** An event as it came (WHATWG HTML, section 9.2). */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  /** The last event id, of this event or an earlier one. */
  readonly id: string;
}

/** Puts lines together to events. */
export class ServerSentEvents {
  /** Milliseconds that the server asks to wait before a reconnect. */
  retry: number | undefined;
  #lastId = '';
  #id: string | undefined;
  #event = '';
  #data: string[] = [];
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** The event that this line completes; an `end` needs no data. */
  feed(bytes: Uint8Array): ServerSentEvent | undefined {
    if (bytes.length === 0) return this.#dispatch();
    const line = this.#decoder.decode(bytes);
    if (line.startsWith(':')) return undefined;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.retry = Number(value);
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event = this.#event === '' ? 'message' : this.#event;
    const data = this.#data;
    if (this.#id !== undefined) this.#lastId = this.#id;
    this.#event = '';
    this.#data = [];
    this.#id = undefined;
    return data.length === 0 && event !== 'end' ? undefined : { event, data: data.join('\n'), id: this.#lastId };
  }
}
