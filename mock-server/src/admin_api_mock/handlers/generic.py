"""Plain collections: list, create, get, update and delete made from the document's shape, with no code of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock.audit import Target, changes_between
from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer
from admin_api_mock.mergepatch import merge
from admin_api_mock.pages import page
from admin_api_mock.preconditions import require_match
from admin_api_mock.problems import not_implemented
from admin_api_mock.resources import answer, content_etag, created, gone_or_never

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.document import Document, Node, Operation
    from admin_api_mock.transaction import Handler, Tx

_PREFIX = re.compile(r"\^?([a-z]{2,8})_")
_ITEM_PATH = re.compile(r"(.+)/\{([^/{}]+)\}")
_ABSENT = object()


def handler_of(document: Document, operation: Operation) -> Handler | None:
    """The handler that the operation's method, path and paginated list imply; None if they imply none."""
    item = _ITEM_PATH.fullmatch(operation.path)
    path, parameter = (item[1], item[2]) if item else (operation.path, None)
    operations = document.operations.values()
    listing = next((o for o in operations if o.path == path and o.method == "GET" and o.pagination), None)
    if listing is None:
        return None
    collection = _Collection(document, path, parameter, _item_schema(document, listing))
    return {
        ("GET", False): collection.list,
        ("POST", False): collection.create,
        ("GET", True): collection.get,
        ("PATCH", True): collection.update,
        ("DELETE", True): collection.delete,
    }.get((operation.method, item is not None))


@dataclass(frozen=True, slots=True)
class _Collection:
    """One collection: where it lies, and what its items are made of."""

    document: Document
    path: str
    parameter: str | None
    schema: Node

    def list(self, tx: Tx, ctx: Context) -> Answer:
        filters: dict[str, list[Any]] = {}
        for name, value in ctx.query.items():
            if name in ("limit", "cursor"):
                continue
            if name not in self._properties:
                raise not_implemented(f"The parameter {name}")
            filters[name] = value if isinstance(value, list) else [value]
        key = self._key(ctx)
        return page(ctx, lambda after, limit: tx.store.rows.page(key, filters, after, limit))

    def create(self, tx: Tx, ctx: Context) -> Answer:
        row = {}
        for name, schema in self._properties.items():
            value = ctx.body[name] if name in ctx.body else self._made(name, self.document.schema(schema), tx, ctx)
            if value is not _ABSENT:
                row[name] = value
            elif name in self.schema.get("required", ()):
                raise not_implemented(f"The member {name}, which only code of its own could fill,")
        tx.store.rows.insert(self._key(ctx), row["id"], row)
        self._audit(tx, ctx, row, None, row)
        return created(ctx, row, etag=_etag(ctx, row))

    def get(self, tx: Tx, ctx: Context) -> Answer:
        row = self._row(tx, ctx)
        return answer(row, etag=_etag(ctx, row))

    def update(self, tx: Tx, ctx: Context) -> Answer:
        before = self._row(tx, ctx)
        require_match(ctx.header_params.get("if-match"), content_etag(before))
        row = merge(before, ctx.body)
        # Null deletes a member; one that must be there is there as null.
        row |= {name: None for name in before if name not in row and name in self.schema.get("required", ())}
        if row != before and "updated_at" in self._properties:
            row["updated_at"] = format_instant(tx.now_ms)
        tx.store.rows.replace(self._key(ctx), row["id"], row)
        self._audit(tx, ctx, row, before, row)
        return answer(row, etag=_etag(ctx, row))

    def delete(self, tx: Tx, ctx: Context) -> Answer:
        row = self._row(tx, ctx)
        require_match(ctx.header_params.get("if-match"), content_etag(row))
        tx.store.rows.delete(self._key(ctx), row["id"])
        self._audit(tx, ctx, row, row, None)
        return Answer(204) if ctx.operation.success.status == "204" else answer(row)

    @property
    def _properties(self) -> Mapping[str, Node]:
        properties: Mapping[str, Node] = self.schema.get("properties", {})
        return properties

    def _key(self, ctx: Context) -> str:
        """The collection's name among rows; a nested one is one per parent."""
        parents = [value for name, value in sorted(ctx.path.items()) if name != self.parameter]
        return orjson.dumps([self.path, *parents]).decode()

    def _row(self, tx: Tx, ctx: Context) -> dict[str, Any]:
        assert self.parameter is not None, "an item's path ends in its parameter"
        row = tx.store.rows.get(self._key(ctx), ctx.path[self.parameter])
        if row is None:
            raise gone_or_never(self._noun)
        return row

    def _made(self, name: str, schema: Node, tx: Tx, ctx: Context) -> Any:
        """What a member is that the caller did not give; _ABSENT if nothing says so."""
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if name == "id":
            prefix = _PREFIX.match(schema.get("pattern", ""))
            return tx.world.ids.new(prefix[1] if prefix else self._noun[:3])
        if name in ("created_at", "updated_at"):
            return format_instant(tx.now_ms)
        if name == "created_by":
            return ctx.caller.id
        for keyword in ("default", "const"):
            if keyword in schema:
                return schema[keyword]
        if "null" in kinds:
            return None
        return [] if "array" in kinds else {} if "object" in kinds else _ABSENT

    def _audit(
        self,
        tx: Tx,
        ctx: Context,
        row: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        if ctx.operation.audit is not None:
            name = row.get("name")
            target = Target(self._noun, row["id"], name if isinstance(name, str) else None)
            tx.audit(target, changes=changes_between(before, after))

    @property
    def _noun(self) -> str:
        """`/api/v1/access-groups` holds `access_group`s."""
        last = self.path.rsplit("/", 1)[-1]
        return re.sub(r"[^a-z_]", "_", last.removesuffix("s").lower()) or "item"


def _item_schema(document: Document, listing: Operation) -> Node:
    """The schema of what the list's items are, from the page's schema and x-pagination's `results`."""
    assert listing.pagination is not None
    media = next(iter(listing.success.content.values()))
    schema = document.schema(media.schema)
    for name in str(listing.pagination["results"]).removeprefix("$response.").split("."):
        schema = document.schema(schema["properties"][name])
    return document.schema(schema["items"])


def _etag(ctx: Context, row: Mapping[str, Any]) -> str | None:
    return content_etag(row) if "ETag" in ctx.operation.success.headers else None
