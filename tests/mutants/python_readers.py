"""Mutants of what the Python SDK reads, writes down and sends: pages, streams, files, records, bodies, paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mutating import Flavour, named, room, shared, wrap


def _secret_logged(flavour: Flavour) -> None:
    def show(shown: Callable[..., Any]) -> Callable[..., Any]:
        def all_shown(headers: Mapping[str, Any]) -> dict[str, str]:
            return {name: getattr(value, "reveal", lambda v=value: v)() for name, value in headers.items()}

        return all_shown

    wrap(shared("layers.records"), "shown", show)


def _query_logged(flavour: Flavour) -> None:
    wrap(shared("layers.records"), "shown_url", lambda shown_url: lambda url: url)


def _empty_page_ends(flavour: Flavour) -> None:
    def change(page: Any) -> None:
        page.next_cursor = page.next_cursor if page.items else None

    _on_every_page(flavour, change)


def _cursor_repeats(flavour: Flavour) -> None:
    class Unlike(str):
        """A cursor that is like no other."""

        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            return self is other

    def change(page: Any) -> None:
        page.next_cursor = page.next_cursor and Unlike(page.next_cursor)

    _on_every_page(flavour, change)


def _on_every_page(flavour: Flavour, change: Callable[[Any], None]) -> None:
    def changing(page_of: Callable[..., Any]) -> Callable[..., Any]:
        def changed(op: Any, response: Any) -> Any:
            page = page_of(op, response)
            change(page)
            return page

        return changed

    wrap(room("pagination", flavour), "page_of", changing)


def _end_of_connection_is_end(flavour: Flavour) -> None:
    reader = getattr(room("streaming", flavour), named("ItemReader", flavour))
    wrap(reader, "_is_whole", lambda is_whole: lambda self, response: True)


def _digest_unchecked(flavour: Flavour) -> None:
    wrap(room("files", flavour), "_same", lambda same: lambda *facts: None)


def _if_range_missing(flavour: Flavour) -> None:
    def wrapping(prepare: Callable[..., Any]) -> Callable[..., Any]:
        def without(self: Any, *args: Any, **named: Any) -> Any:
            request = prepare(self, *args, **named)
            request.headers.pop("if-range", None)
            return request

        return without

    wrap(getattr(room("resource", flavour), named("Caller", flavour)), "prepare", wrapping)


def _null_dropped(flavour: Flavour) -> None:
    def wrapping(body_of: Callable[..., Any]) -> Callable[..., Any]:
        return lambda values: body_of({name: value for name, value in values.items() if value is not None})

    wrap(room("resource", flavour), "body_of", wrapping)


def _path_as_it_is(flavour: Flavour) -> None:
    def wrapping(path_of: Callable[..., Any]) -> Callable[..., Any]:
        def plain(template: str, values: Mapping[str, str]) -> str:
            path = path_of(template, dict.fromkeys(values, "place"))
            for value in values.values():
                path = path.replace("place", value, 1)
            return path

        return plain

    wrap(room("resource", flavour), "path_of", wrapping)


def _lost_body_forgotten(flavour: Flavour) -> None:
    outcome = shared("outcome")

    def wrapping(effect_of: Callable[..., Any]) -> Callable[..., Any]:
        return lambda found: "maybe_acted" if effect_of(found) == "committed" else effect_of(found)

    wrap(outcome, "effect_of", wrapping)


MUTANTS: Mapping[str, Callable[[Flavour], None]] = {
    "secret-logged": _secret_logged,
    "query-logged": _query_logged,
    "empty-page-ends": _empty_page_ends,
    "cursor-repeats": _cursor_repeats,
    "end-of-connection-is-end": _end_of_connection_is_end,
    "digest-unchecked": _digest_unchecked,
    "if-range-missing": _if_range_missing,
    "null-dropped": _null_dropped,
    "path-as-it-is": _path_as_it_is,
    "lost-body-forgotten": _lost_body_forgotten,
}
