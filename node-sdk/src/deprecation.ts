/**
 * Warns of deprecated operations, once per process: what the document says, and what a server of a later one does (LOG-3).
 *
 * Loaded with the first warning.
 *
 * @module
 */
interface Process {
  readonly emitWarning?: (text: string, options: { type: string; code: string }) => void;
}

const warned = new Set<string>();

/**
 * Warns as the runtime does: Node's `--no-deprecation`, `--trace-deprecation` and `--throw-deprecation` hold.
 *
 * @param sunset - When it goes away: the document's date, or the header `Sunset` (RFC 8594).
 */
export function warn(operation: string, sunset: string | null | undefined): void {
  if (warned.has(operation)) return;
  warned.add(operation);
  const date = dateOf(sunset ?? '');
  const text = `${operation} is deprecated.${date === undefined ? '' : ` It goes away on ${date}.`}`;
  const { process } = globalThis as { process?: Process };
  if (process?.emitWarning === undefined) console.warn(text);
  else process.emitWarning(text, { type: 'DeprecationWarning', code: 'operation_deprecated' });
}

function dateOf(text: string): string | undefined {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return text;
  const [, dated = ''] = /^[A-Z][a-z]{2}, (\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)$/.exec(text) ?? [];
  const at = new Date(dated);
  return at.toUTCString().slice(5) === dated ? at.toISOString().slice(0, 10) : undefined; // a day too many is another day
}
