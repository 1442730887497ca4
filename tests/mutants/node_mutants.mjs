/**
 * The mutants of mutants.yaml for the Node SDK: a loader hook puts one bug into the text of the built rooms as they are
 * imported. What a bug replaces must stand there exactly once; where it does not, the mutant is stale and the import fails.
 *
 * @module
 */

/** Name → what to replace: room of dist, text, bug. */
const MUTANTS = {
  'single-flight-lost': [['grants.js', 'this.#flight ??= this.#fly(now);', 'this.#flight = this.#fly(now);']],
  'late-401-refreshes': [['grants.js', 'if (this.#current === token)', 'if (this.#current !== undefined)']],
  'new-key-per-attempt': [
    ['layers/retry.js', 'await send(request)', 'await send(call.attempts > 1 && call.keyed ? withNewKey(request) : request)'],
    ['layers/retry.js', '/** The layer.', 'const withNewKey = (request) => request.withHeader("idempotency-key", `"${crypto.randomUUID()}"`);\n/** The layer.'],
  ],
  'repeated-without-key': [['backoff.js', 'has(request.method) || request.call.keyed)', 'has(request.method) || true)']],
  'retry-after-ignored': [['backoff.js', 'Math.max(backoff(call.attempts - 1, random), asked ?? 0)', 'backoff(call.attempts - 1, random)']],
  'deadline-ignored': [['backoff.js', 'left !== undefined && delay >= left ?', 'false ?']],
  'budget-endless': [['backoff.js', 'this.left -= cost;', '']],
  'redirect-followed': [['transport.js', "redirect: 'manual'", "redirect: 'follow'"]],
  'page-doubled-after-failure': [
    ['operation.js', 'return new Page(items,', 'return new Page(response.call.attempts > 1 ? [...items, ...items] : items,'],
  ],
  'export-starts-over': [['resuming.js', 'query: lastId === undefined ? query :', 'query: true ? query :']],
  'events-start-over': [['resuming.js', 'headers: lastId === undefined ? headers :', 'headers: true ? headers :']],
  'encrypted-again': [
    ['files.js', 'const digest = await spool.digest();', `const digest = await spool.digest();
        spool.again = async () => {
          const other = new Spool(FILES_MAX_SINGLE_UPLOAD);
          for await (const chunk of read(await cipher.encrypt(streamFrom(bytesOf(source)), encryptTo))) await other.write(chunk);
          return other;
        };`],
    ['layers/retry.js', 'await send(request)', 'await send(call.attempts > 1 && request.content?.again ? await encryptedAgain(request) : request)'],
    ['layers/retry.js', '/** The layer.', `const encryptedAgain = async (request) => {
      const other = await request.content.again();
      const headers = { ...request.headers, 'content-digest': await other.digest(), 'content-length': String(other.length) };
      return new request.constructor(request.call, request.method, request.url, headers, other);
    };
    /** The layer.`],
  ],
  'outcome-forgets': [['outcome.js', 'return call.maybeActed && ', "return last === 'maybe_acted' && "]],
};

let edits = [];

/** Takes the mutant's name; throws if there is none of it. */
export function initialize({ mutant, dist }) {
  if (!Object.hasOwn(MUTANTS, mutant)) throw new Error(`There is no mutant ${mutant}.`);
  edits = MUTANTS[mutant].map(([room, text, bug]) => ({ url: new URL(room, dist).href, text, bug }));
}

/** Puts the bug in; throws if what it replaces is not there exactly once. */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const meant = edits.filter((edit) => edit.url === url);
  if (meant.length === 0) return loaded;
  let source = String(loaded.source instanceof Uint8Array ? new TextDecoder().decode(loaded.source) : loaded.source);
  for (const { text, bug } of meant) {
    if (source.split(text).length !== 2) throw new Error(`Stale mutant: ${url} does not hold exactly once: ${text}`);
    source = source.replace(text, () => bug);
  }
  return { ...loaded, source };
}
