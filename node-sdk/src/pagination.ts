/**
 * Lists, page by page (PAGE). Nothing is sent before the first item or page is asked for.
 *
 * @module
 */
import { DecodeError } from './errors.ts';
import { pageOf } from './operation.ts';
import type { Op, Page, Sorted } from './operation.ts';
import type { RequestOptions } from './options.ts';
import type { Caller } from './resource.ts';

/**
 * A list that has not been read yet. `for await` gives items across pages, `pages()` pages, `await` the first page alone.
 * Each starts at the beginning.
 */
export class Pager<T> implements AsyncIterable<T>, PromiseLike<Page<T>> {
  readonly #caller: Caller;
  readonly #op: Op<T>;
  readonly #path: Readonly<Record<string, string>>;
  readonly #given: Sorted;
  readonly #options: RequestOptions | undefined;

  constructor(
    caller: Caller,
    op: Op<T>,
    path: Readonly<Record<string, string>>,
    given: Sorted,
    options: RequestOptions | undefined,
  ) {
    this.#caller = caller;
    this.#op = op;
    this.#path = path;
    this.#given = given;
    this.#options = options;
  }

  /** The first page alone. */
  then<A = Page<T>, B = never>(
    fulfilled?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page(undefined).then(fulfilled, rejected);
  }

  /**
   * All pages, each asked for when the one before has been used.
   *
   * @throws DecodeError if the server gives a cursor that it gave before (`cursor_repeated`): the list would never end.
   */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    const given = this.#given.query[this.#op.page?.cursor ?? ''];
    const used = new Set(typeof given === 'string' ? [given] : []);
    let cursor: string | undefined;
    for (;;) {
      const page = await this.#page(cursor);
      yield page;
      if (page.nextCursor === null) return;
      cursor = page.nextCursor;
      if (used.has(cursor)) {
        throw new DecodeError(`${this.#op.id}: The server gave the same cursor twice.`, {
          code: 'cursor_repeated',
          operation: this.#op.id,
          outcome: 'committed',
          requestId: page.requestId,
        });
      }
      used.add(cursor);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.items;
  }

  async #page(cursor: string | undefined): Promise<Page<T>> {
    const { query, headers } = this.#given;
    const asked = cursor === undefined ? query : { ...query, [this.#op.page?.cursor ?? '']: cursor };
    const request = this.#caller.prepare(this.#op, { path: this.#path, query: asked, headers, options: this.#options });
    return pageOf(this.#op, await this.#caller.send(request));
  }
}
