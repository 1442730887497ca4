"""What a world holds, as the accounts need it: read from the API by a client that is none of the SDKs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from admin_api_mock.control import WorldHandle

#: Id (a key, for config) → what of it is accounted for.
Rows: TypeAlias = dict[str, dict[str, Any]]


@dataclass(slots=True)
class State:
    """All that mutations change. Two are equal if nothing was lost or doubled between them."""

    users: Rows = field(default_factory=dict)
    plugins: Rows = field(default_factory=dict)
    config: Rows = field(default_factory=dict)
    tokens: Rows = field(default_factory=dict)
    objects: Rows = field(default_factory=dict)


class Auditor:
    """Reads a world by plain HTTP, with a token that was there from the start."""

    def __init__(self, world: WorldHandle) -> None:
        self._http = httpx.Client(
            base_url=world.base_url, headers={"Authorization": f"Bearer {world.token}"}, trust_env=False
        )

    def __enter__(self) -> Auditor:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def state(self) -> State:
        """What is there now."""
        users = ("username", "email", "display_name", "roles", "metadata", "status")
        return State(
            users=self._rows("/api/v1/users", users, include_deleted="true"),
            plugins=self._rows("/api/v1/plugins", ("name", "settings", "status")),
            config=self._rows("/api/v1/config", ("value", "secret", "version"), key="key"),
            tokens={
                token_id: {"revoked": row.pop("revoked_at") is not None, **row}
                for token_id, row in self._rows(
                    "/api/v1/tokens", ("name", "replaces", "replaced_by", "revoked_at")
                ).items()
            },
            objects=self._rows("/storage/objects", ("name", "size", "sha256")),
        )

    def events(self) -> list[Mapping[str, Any]]:
        """The whole audit trail, in its order."""
        answer = self._http.get("/api/v1/exports/audit-events").raise_for_status()
        *events, end = [json.loads(line) for line in answer.text.splitlines()]
        assert {"$end": {"count": len(events)}} == end, "the trail was cut"
        return events

    def _rows(self, path: str, members: tuple[str, ...], key: str = "id", **query: str) -> Rows:
        return {item[key]: {name: item[name] for name in members if name in item} for item in self._items(path, query)}

    def _items(self, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = self._http.get(path, params={"limit": "500", **query, **cursor}).raise_for_status().json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}
