"""The other side of a measured call: a server that answers the same bytes to the same path and costs next to nothing.

Run as a process of its own, so that the client is all that the client's process measures. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import sys

PAGE_ITEMS = 20
USER_ID = "usr_01K7Y0MMMVFK0VVTYMAY5FAXVP"

USER = {
    "id": USER_ID,
    "username": "mei.jansen",
    "email": "mei.jansen@example.com",
    "display_name": "Mei Jansen",
    "external_id": "hr-1000",
    "roles": ["admin", "auditor"],
    "metadata": {"team": "violet", "cost_center": "4711"},
    "status": "active",
    "sso_mappings": [
        {
            "provider": "corp",
            "issuer": "https://sso.example.com",
            "subject": "mei.jansen",
            "status": "linked",
            "provisioned_at": "2025-10-19T10:35:59.003Z",
        }
    ],
    "last_login_at": "2026-11-06T11:35:59.003Z",
    "created_at": "2025-10-19T10:35:59.003Z",
    "created_by": "system",
    "updated_at": "2025-10-19T10:35:59.003Z",
    "deleted_at": None,
    "purge_at": None,
}
# The peers' own documents, smaller than ours: what they cost is not held against them for their size.
OPENAI_MODEL = {"id": "model-1", "object": "model", "created": 1760000000, "owned_by": "system"}
ANTHROPIC_MODEL = {"id": "model-1", "type": "model", "display_name": "Model 1", "created_at": "2025-10-19T10:35:59Z"}

DOCUMENTS: dict[str, object] = {
    f"/api/v1/users/{USER_ID}": USER,
    "/api/v1/users": {"items": [USER] * PAGE_ITEMS, "next_cursor": None},
    "/openai/models/model-1": OPENAI_MODEL,
    "/openai/models": {"object": "list", "data": [OPENAI_MODEL] * PAGE_ITEMS},
    "/anthropic/v1/models/model-1": ANTHROPIC_MODEL,
    "/anthropic/v1/models": {"data": [ANTHROPIC_MODEL] * PAGE_ITEMS, "has_more": False},
}


def answer_of(document: object) -> bytes:
    """The whole answer, with the headers that the reference server sends."""
    body = json.dumps(document, separators=(",", ":")).encode()
    head = (
        "HTTP/1.1 200 OK\r\n"
        "date: Mon, 23 Nov 2026 10:36:04 GMT\r\n"
        "x-request-id: req_932c795dfa72439429ee\r\n"
        "admin-api-version: 1.0.0\r\n"
        'ratelimit: "default";r=999999;t=56\r\n'
        'ratelimit-policy: "default";q=1000000;w=60\r\n'
        f"content-length: {len(body)}\r\n"
        "content-type: application/json\r\n"
        "\r\n"
    )
    return head.encode() + body


ANSWERS = {path.encode(): answer_of(document) for path, document in DOCUMENTS.items()}


class Canned(asyncio.Protocol):
    """One connection; requests have no body and may arrive in pieces."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._pending = (self._pending + data).split(b"\r\n\r\n")
        for request in requests:
            path = request.split(b" ", 2)[1].partition(b"?")[0]
            # An unknown path is a mistake of the benchmark's: the client sees the close and fails loudly.
            if path in ANSWERS:
                self._transport.write(ANSWERS[path])
            else:
                self._transport.close()


async def main() -> None:
    """Serves until standard input ends, which is when the parent does."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
