/**
 * Lists, page by page (PAGE). Nothing is sent before the first item or page is asked for.
 *
 * @module
 */
import { DecodeError } from './errors.ts';
import { pageOf } from './operation.ts';
import type { Page } from './operation.ts';
import type { Source } from './resource.ts';

/**
 * A list that has not been read yet. `for await` gives items across pages, `pages()` pages, `await` the first page alone.
 * Each starts at the beginning.
 */
export class Pager<T> implements AsyncIterable<T>, PromiseLike<Page<T>> {
  readonly #source: Source<T>;

  constructor(source: Source<T>) {
    this.#source = source;
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
    const { op, given: asked } = this.#source;
    const given = asked.query[op.page?.cursor ?? ''];
    const used = new Set(typeof given === 'string' ? [given] : []);
    let cursor: string | undefined;
    for (;;) {
      const page = await this.#page(cursor);
      yield page;
      if (page.nextCursor === null) return;
      cursor = page.nextCursor;
      if (used.has(cursor)) {
        throw new DecodeError(`${op.id}: The server gave the same cursor twice.`, {
          code: 'cursor_repeated',
          operation: op.id,
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
    const { caller, op, path, given, options } = this.#source;
    const query = cursor === undefined ? given.query : { ...given.query, [op.page?.cursor ?? '']: cursor };
    return pageOf(op, await caller.send(caller.prepare(op, { path, query, headers: given.headers, options })));
  }
}
