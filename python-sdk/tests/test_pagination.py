"""Lists, page by page (PAGE)."""

from __future__ import annotations

import pytest

from admin_api import APIStatusError, DecodeError, RequestOptions

from .answers import page, problem
from .conftest import Wire
from .flavours import Flavour


async def ids(flavour: Flavour, pager: object) -> list[str]:
    return [user.id for user in await flavour.collect(pager)]


async def test_items_across_pages(flavour: Flavour, wire: Wire) -> None:
    """PAGE: iterating gives the items of all pages, each page asked for with the cursor of the one before."""
    wire.answers(page([1, 2], "c1"), page([3], "c2"), page([4], None))
    found = await ids(flavour, flavour.client().users.list(role="admin", limit=2))
    assert ["usr_1", "usr_2", "usr_3", "usr_4"] == found
    assert ["role=admin&limit=2", "role=admin&limit=2&cursor=c1", "role=admin&limit=2&cursor=c2"] == [
        request.url.query.decode() for request in wire.requests
    ]


async def test_nothing_is_sent_before_it_is_asked_for(flavour: Flavour, wire: Wire) -> None:
    """PAGE: making a pager sends nothing; the next page is fetched when the one before has been used."""
    wire.answers(page([1, 2], "c1"), page([3], None))
    pager = flavour.client().users.list()
    assert [] == wire.requests
    iterator = aiter(pager) if flavour.is_async else iter(pager)
    for expected, requests in (("usr_1", 1), ("usr_2", 1), ("usr_3", 2)):
        assert expected == (await flavour.take(iterator)).id
        assert requests == len(wire.requests)


async def test_an_empty_page_is_not_the_end(flavour: Flavour, wire: Wire) -> None:
    """PAGE: an empty page with a cursor is legal; only a missing cursor is the end."""
    wire.answers(page([], "c1"), page([1], "c2"), page([], "c3"), page([], None))
    assert ["usr_1"] == await ids(flavour, flavour.client().users.list())
    assert 4 == len(wire.requests)


@pytest.mark.parametrize("cursors", [["c1", "c1"], ["c1", "c2", "c1"], ["c1", "c2", "c3", "c2"]])
async def test_a_cursor_that_was_used_is_an_error(flavour: Flavour, wire: Wire, cursors: list[str]) -> None:
    """PAGE: a cursor already used in this pager would loop for ever; the items before it were delivered."""
    wire.answers(*[page([number], cursor) for number, cursor in enumerate(cursors)])
    delivered: list[str] = []

    async def read() -> None:
        pager = flavour.client().users.list()
        iterator = aiter(pager) if flavour.is_async else iter(pager)
        while True:
            delivered.append((await flavour.take(iterator)).id)

    with pytest.raises(DecodeError) as raised:
        await read()
    assert ("cursor_repeated", "req_1") == (raised.value.code, raised.value.request_id)
    assert len(cursors) == len(delivered) == len(wire.requests)


async def test_the_cursor_one_began_with_counts_as_used(flavour: Flavour, wire: Wire) -> None:
    """PAGE: a server that gives back the very cursor one began with is caught before a page comes twice."""
    wire.answers(page([1], "c1"), page([1], "c1"))
    with pytest.raises(DecodeError, match="cursor"):
        await flavour.collect(flavour.client().users.list(cursor="c1"))
    assert 1 == len(wire.requests)


async def test_pages_and_the_first_page(flavour: Flavour, wire: Wire) -> None:
    """PAGE: `.pages()` gives pages, `.first_page()` the first alone; each starts at the beginning."""
    wire.answers(page([1, 2], "c1"), page([3], None), page([1, 2], "c1"))
    pager = flavour.client().users.list()
    pages = await flavour.collect(pager.pages())
    first = await flavour.settle(pager.first_page())
    assert [(["usr_1", "usr_2"], "c1"), (["usr_3"], None)] == [([u.id for u in one], one.next_cursor) for one in pages]
    assert (["usr_1", "usr_2"], 2, "c1", "req_1") == (
        [user.id for user in first.items],
        len(first),
        first.next_cursor,
        first.request_id,
    )
    assert "cursor" not in wire.requests[2].url.params


async def test_options_go_with_every_page(flavour: Flavour, wire: Wire) -> None:
    """CONF: options of the call hold for each of its pages."""
    wire.answers(page([1], "c1"), page([2], None))
    options = RequestOptions(headers={"X-Trace": "t"}, query={"extra": "1"})
    await flavour.collect(flavour.client().users.list(options=options))
    assert [("t", "1")] * 2 == [(one.headers["x-trace"], one.url.params["extra"]) for one in wire.requests]


async def test_an_error_on_a_later_page(flavour: Flavour, wire: Wire) -> None:
    """PAGE: what a later page fails with is raised when it is asked for; what was delivered stays delivered."""
    wire.answers(page([1], "c1"), problem(410, "cursor_expired"))
    pager = flavour.client().users.list()
    iterator = aiter(pager) if flavour.is_async else iter(pager)
    assert "usr_1" == (await flavour.take(iterator)).id
    with pytest.raises(APIStatusError) as raised:
        await flavour.take(iterator)
    assert "cursor_expired" == raised.value.code
