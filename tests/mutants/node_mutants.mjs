/**
 * The mutants of mutants.yaml for the Node SDK: a loader hook puts one bug into the text of the built rooms as they are
 * imported. What a bug replaces must stand there exactly once; where it does not, the mutant is stale and the import fails.
 *
 * @module
 */

/** Name → what to replace: room of dist, text, bug. */
const MUTANTS = {
  'single-flight-lost': [['renewal.js', 'this.flight = flight ?? new Flight(owner, endsAt);', 'this.flight = new Flight(owner, endsAt);'], ['renewal.js', 'leads: flight === undefined', 'leads: true']],
  'late-401-refreshes': [['renewal.js', 'if (this.#current !== token)', 'if (this.#current === undefined)']],
  'new-key-per-attempt': [
    ['layers/retry.js', 'await send(request)', 'await send(call.attempts > 1 && call.keyed ? withNewKey(request) : request)'],
    ['layers/retry.js', '/** The layer.', 'const withNewKey = (request) => request.withHeader("idempotency-key", `"${crypto.randomUUID()}"`);\n/** The layer.'],
  ],
  'repeated-without-key': [['backoff.js', 'has(request.method) || request.call.keyed)', 'has(request.method) || true)']],
  'retry-after-ignored': [['backoff.js', 'Math.max(backoff(call.attempts - 1, random), asked ?? 0)', 'backoff(call.attempts - 1, random)']],
  'deadline-ignored': [['backoff.js', 'left !== undefined && (late || delay >= left) ?', 'false ?']],
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
  'conditional-repeated': [['exchange.js', 'some((name) => RETRY_CONDITIONAL_HEADERS.has(name))', 'some(() => false)']],
  'refused-by-403': [['layers/auth.js', '!refused(outcome) ||', '!(refused(outcome) || outcome.status === 403) ||']],
  'expiry-ignored': [['renewal.js', '=> adviseAt === undefined || now < adviseAt;', '=> true;']],
  'date-of-the-clock': [['backoff.js', "httpDate(told('date'), now) ?? now", 'now']],
  'jitter-missing': [['backoff.js', 'return random * Math.min(', 'return Math.min(']],
  'secret-logged': [['layers/records.js', '!(value instanceof Secret) && LOGGING_HEADERS.has(name) ? plain(value) : REDACTED', 'value instanceof Secret ? value.reveal() : value']],
  'query-logged': [['layers/records.js', "LOGGING_QUERY.has(name) ? pair.slice(name.length + 1) : REDACTED", 'pair.slice(name.length + 1)']],
  'empty-page-ends': [['pagination.js', 'if (page.nextCursor === null)', 'if (page.nextCursor === null || page.items.length === 0)']],
  'cursor-repeats': [['pagination.js', 'if (used.has(cursor))', 'if (false)']],
  'end-of-connection-is-end': [['resuming.js', "throw new Broken('The export ended before its last line.');", '']],
  'digest-unchecked': [['files.js', '&& told !== digest)', '&& false)']],
  'if-range-missing': [['files.js', ", 'if-range': etag }", ' }']],
  'null-dropped': [['operation.js', 'json = JSON.stringify(value, plain);', 'json = JSON.stringify(value, (name, member) => (name !== "" && member === null ? undefined : member));']],
  'path-as-it-is': [['operation.js', 'return encoded(value);', 'return value;']],
  'lost-body-forgotten': [['outcome.js', "status < 300)\n        return 'committed';", "status < 300)\n        return 'maybe_acted';"]],
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
