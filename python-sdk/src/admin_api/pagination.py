"""Lists, page by page (PAGE). Nothing is sent before the first item or page is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import DecodeError
from .operation import Op, Page, page_of
from .options import OMIT, RequestOptions

if TYPE_CHECKING:
    from .resource import AsyncCaller

T = TypeVar("T")


class AsyncPager(Generic[T]):
    """A list that has not been read yet.

    Iterate it for items across pages, call `pages()` for pages, `first_page()` for one. Each starts at the beginning.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        op: Op[T],
        path: Mapping[str, str],
        query: Mapping[str, object],
        options: RequestOptions | None,
    ) -> None:
        self._caller = caller
        self._op = op
        self._path = path
        self._query = query
        self._options = options

    async def first_page(self) -> Page[T]:
        """The first page alone."""
        return await self._page(OMIT)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """All pages, each asked for when the one before has been used.

        Raises:
            DecodeError: The server gave a cursor that it gave before (`cursor_repeated`): the list would never end.
        """
        cursor: object = OMIT
        used: set[object] = {self._query.get(self._op.page.cursor)} if self._op.page else set()
        while True:
            page = await self._page(cursor)
            yield page
            following = page.next_cursor
            if following is None:
                return
            if following in used:
                raise DecodeError(
                    f"{self._op.id}: The server gave the same cursor twice.",
                    code="cursor_repeated",
                    operation=self._op.id,
                    outcome="committed",
                    request_id=page.request_id,
                )
            used.add(following)
            cursor = following

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def _page(self, cursor: object) -> Page[T]:
        assert self._op.page is not None
        query = self._query if cursor is OMIT else {**self._query, self._op.page.cursor: cursor}
        request = self._caller.prepare(self._op, path=self._path, query=query, options=self._options)
        return page_of(self._op, await self._caller.send(request))
