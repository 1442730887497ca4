"""Encrypted objects: upload once made and re-sent as it is, download checked before it is seen (FILE)."""

from __future__ import annotations

import hashlib
import io
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api import (
    ConfigurationError,
    IntegrityError,
    NoMatchingKeyError,
    PreconditionFailedError,
    StreamInterruptedError,
    UnprocessableEntityError,
)
from admin_api.encryption import encrypt, generate_identity
from admin_api.files import Downloaded

from .answers import answer, problem, stored
from .conftest import Wire
from .flavours import LOST, Chunks, Flavour

KEY = generate_identity()
PLAIN = bytes(range(256)) * 700


def sealed(data: bytes = PLAIN) -> bytes:
    sink = io.BytesIO()
    encrypt(io.BytesIO(data), sink, [KEY.recipient])
    return sink.getvalue()


CIPHER = sealed()
SHA256 = hashlib.sha256(CIPHER).hexdigest()


def digest(data: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(data).digest()).decode()}:"


def echo(request: httpx.Request) -> httpx.Response:
    """Stores what came, as the server does."""
    content = request.read()
    return answer(201, stored(len(content), hashlib.sha256(content).hexdigest()), content_digest=digest(content))


@pytest.fixture(autouse=True)
def _temporary_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Temporary files of a test lie in a folder of its own, which must be empty in the end."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert [] == list(folder.iterdir())


async def test_an_upload(flavour: Flavour, wire: Wire, tmp_path: Path) -> None:
    """FILE: one POST with key, digest and the mark of age; what is sent is ciphertext that the identity opens."""
    wire.answers(echo)
    path = tmp_path / "report.pdf"
    path.write_bytes(PLAIN)
    moved: list[tuple[int, int | None]] = []
    stored_object = await flavour.settle(
        flavour.client().storage.objects.upload(
            path,
            name="a b.pdf",
            metadata={"k": "v"},
            encrypt_to=[KEY.recipient],
            on_progress=lambda done, total: moved.append((done, total)),
        )
    )
    request = wire.requests[0]
    content = request.content
    assert ("POST", "/storage/objects", "name=a%20b.pdf&metadata%5Bk%5D=v") == (
        request.method,
        request.url.path,
        request.url.query.decode(),
    )
    assert ["age-v1", digest(content), "application/octet-stream", str(len(content)), '"key-1"'] == [
        request.headers[name]
        for name in ("admin-encryption", "content-digest", "content-type", "content-length", "idempotency-key")
    ]
    assert PLAIN not in content
    assert hashlib.sha256(content).hexdigest() == stored_object.sha256
    assert (len(content), len(content)) == moved[-1]
    sink = io.BytesIO()
    KEY.decrypt(io.BytesIO(content), sink, [KEY])
    assert PLAIN == sink.getvalue()


async def test_ciphertext_is_made_once(flavour: Flavour, wire: Wire) -> None:
    """RETRY-8, FILE: after a lost connection the very same bytes go again, with the same key and digest."""
    wire.answers(LOST, problem(503, "service_unavailable"), echo)
    await flavour.settle(
        flavour.client().storage.objects.upload(io.BytesIO(PLAIN), name="x", encrypt_to=[KEY.recipient])
    )
    assert 3 == len(wire.requests)
    for part in ("content-digest", "idempotency-key"):
        assert 1 == len({one.headers[part] for one in wire.requests})
    assert 1 == len({one.content for one in wire.requests})


async def test_ciphertext_of_ones_own(flavour: Flavour, wire: Wire) -> None:
    """FILE: what is encrypted already goes as it is."""
    wire.answers(echo)
    await flavour.settle(flavour.client().storage.objects.upload(CIPHER, name="x", already_encrypted=True))
    assert CIPHER == wire.requests[0].content


@pytest.mark.parametrize(
    "source, options, code",
    [
        (PLAIN, {}, "encryption_required"),
        (CIPHER, {}, "encryption_required"),
        (CIPHER, {"encrypt_to": []}, "encryption_required"),
        (CIPHER, {"encrypt_to": [KEY.recipient], "already_encrypted": True}, "encryption_required"),
        (PLAIN, {"already_encrypted": True}, "not_encrypted"),
        (b"", {"already_encrypted": True}, "not_encrypted"),
    ],
)
async def test_plaintext_never_leaves(
    flavour: Flavour, wire: Wire, source: bytes, options: dict[str, Any], code: str
) -> None:
    """FILE: neither or both ways, or plaintext said to be encrypted: refused before any byte leaves."""
    wire.answers(echo)
    with pytest.raises(ConfigurationError) as raised:
        await flavour.settle(flavour.client().storage.objects.upload(source, name="x", **options))
    assert (code, "not_sent", []) == (raised.value.code, raised.value.outcome, wire.requests)


async def test_the_server_stored_something_else(flavour: Flavour, wire: Wire) -> None:
    """FILE: the digest that the server echoes is compared; a difference is an IntegrityError, and committed."""
    wire.answers(lambda request: answer(201, stored(1, "0"), content_digest=digest(b"other")))
    with pytest.raises(IntegrityError) as raised:
        await flavour.settle(flavour.client().storage.objects.upload(CIPHER, name="x", already_encrypted=True))
    assert ("committed", 201, "key-1") == (raised.value.outcome, raised.value.status, raised.value.idempotency_key)


@pytest.mark.parametrize("header", ["", "sha-256=:short:", "md5=:AAAA:", "sha-512=:AAAA:"])
async def test_a_digest_that_cannot_be_compared_is_ignored(flavour: Flavour, wire: Wire, header: str) -> None:
    """RFC 9530: an algorithm that one does not know is no contradiction."""
    wire.answers(lambda request: answer(201, stored(1, "0"), content_digest=header))
    made = await flavour.settle(flavour.client().storage.objects.upload(CIPHER, name="x", already_encrypted=True))
    assert "obj_1" == made.id


async def test_a_refused_upload(flavour: Flavour, wire: Wire) -> None:
    """ERR: an upload that is refused is an error like any other."""
    wire.answers(problem(412, "object_exists"), problem(422, "digest_mismatch"))
    objects = flavour.client().storage.objects
    with pytest.raises(PreconditionFailedError):
        await flavour.settle(objects.upload(CIPHER, name="x", already_encrypted=True, if_none_match="*"))
    assert "*" == wire.requests[0].headers["if-none-match"]
    with pytest.raises(UnprocessableEntityError):
        await flavour.settle(objects.upload(CIPHER, name="x", already_encrypted=True))


def content(*chunks: bytes | Exception, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    given = {"content-type": "application/octet-stream", "etag": '"e1"', "x-request-id": "req_1"}
    given |= headers or {}
    return httpx.Response(status, headers={k: v for k, v in given.items() if v}, stream=Chunks(*chunks))


def whole(data: bytes = CIPHER, etag: str = '"e1"', repr_digest: str | None = None) -> httpx.Response:
    pieces = [data[start : start + 10_000] for start in range(0, len(data), 10_000)]
    headers = {"content-length": str(len(data)), "repr-digest": repr_digest or digest(data), "etag": etag}
    return content(*pieces, headers=headers)


def rest(start: int, *breaking: Exception, end: int = len(CIPHER)) -> httpx.Response:
    headers = {
        "content-range": f"bytes {start}-{len(CIPHER) - 1}/{len(CIPHER)}",
        "content-length": str(len(CIPHER) - start),
        "repr-digest": digest(CIPHER),
    }
    return content(CIPHER[start:end], *breaking, status=206, headers=headers)


def cut(at: int, etag: str = '"e1"') -> httpx.Response:
    headers = {"content-length": str(len(CIPHER)), "repr-digest": digest(CIPHER), "etag": etag}
    return content(CIPHER[:at], LOST, headers=headers)


async def download(
    flavour: Flavour, wire: Wire, to: Any, *script: Any, clock: Any = None, **options: Any
) -> Downloaded:
    wire.answers(*script)
    client = flavour.client(clock=clock or flavour.clock())
    found: Downloaded = await flavour.settle(client.storage.objects.download("obj_1", to=to, **options))
    return found


async def test_a_download(flavour: Flavour, wire: Wire, tmp_path: Path) -> None:
    """FILE: fetched, checked against its digest and the caller's, decrypted, delivered whole."""
    target = tmp_path / "report.pdf"
    moved: list[tuple[int, int | None]] = []
    found = await download(
        flavour, wire, target, whole(), identity=KEY, expect_sha256=SHA256.upper(),
        on_progress=lambda done, total: moved.append((done, total)),
    )  # fmt: skip
    assert PLAIN == target.read_bytes()
    assert Downloaded(len(CIPHER), SHA256, '"e1"', "req_1") == found
    assert (len(CIPHER), len(CIPHER)) == moved[-1]
    request = wire.requests[0]
    assert ("identity", None) == (request.headers["accept-encoding"], request.headers.get("range"))


async def test_ciphertext_is_kept_without_an_identity(flavour: Flavour, wire: Wire) -> None:
    """FILE: without an identity the ciphertext is delivered as it is."""
    target = io.BytesIO()
    await download(flavour, wire, target, whole())
    assert CIPHER == target.getvalue()


@pytest.mark.parametrize("at", [1, 65_536, 100_000, -1])
async def test_a_download_goes_on_where_it_was_cut(flavour: Flavour, wire: Wire, at: int) -> None:
    """FILE: after a lost connection the rest is asked for by Range, if it is still the same."""
    target = io.BytesIO()
    clock = flavour.clock()
    at %= len(CIPHER)
    await download(flavour, wire, target, cut(at), rest(at), clock=clock, identity=KEY)
    assert PLAIN == target.getvalue()
    assert (f"bytes={at}-", '"e1"') == (wire.requests[1].headers["range"], wire.requests[1].headers["if-range"])
    assert [0.5] == clock.sleeps


async def test_a_body_that_is_too_short_goes_on(flavour: Flavour, wire: Wire) -> None:
    """FILE: an end before Content-Length is an interruption, not an end."""
    target = io.BytesIO()
    short = content(CIPHER[:1000], headers={"content-length": str(len(CIPHER))})
    await download(flavour, wire, target, short, rest(1000), identity=KEY)
    assert PLAIN == target.getvalue()


async def test_a_changed_object_starts_over(flavour: Flavour, wire: Wire) -> None:
    """FILE: when If-Range finds another ETag the server sends all of the new object, and nothing of the old is kept."""
    other = sealed(b"other content")
    target = io.BytesIO()
    await download(flavour, wire, target, cut(5000), whole(other, etag='"e2"'), identity=KEY)
    assert b"other content" == target.getvalue()


@pytest.mark.parametrize("etag", ['W/"e1"', ""])
async def test_without_a_strong_etag_it_starts_over(flavour: Flavour, wire: Wire, etag: str) -> None:
    """RFC 9110, section 13.1.5: only a strong validator says that the rest belongs to what one has."""
    target = io.BytesIO()
    await download(flavour, wire, target, cut(5000, etag=etag), whole(etag=etag), identity=KEY)
    assert PLAIN == target.getvalue()
    assert "range" not in wire.requests[1].headers


async def test_a_range_that_does_not_go_on(flavour: Flavour, wire: Wire) -> None:
    """FILE: a 206 of another part is not joined to what one has: it starts over, without Range."""
    target = io.BytesIO()
    await download(flavour, wire, target, cut(5000), rest(4000), whole(), identity=KEY)
    assert PLAIN == target.getvalue()
    assert [None, "bytes=5000-", None] == [one.headers.get("range") for one in wire.requests]


async def test_a_download_that_never_gets_further_ends(flavour: Flavour, wire: Wire, tmp_path: Path) -> None:
    """FILE: more than `max_retries` connections in a row that bring no new byte: StreamInterruptedError."""
    target = tmp_path / "x"
    with pytest.raises(StreamInterruptedError) as raised:
        await download(flavour, wire, target, cut(10), *[rest(10, LOST, end=10) for _ in range(9)])
    assert (True, "req_1", "storage.objects.download") == (
        raised.value.retryable,
        raised.value.request_id,
        raised.value.operation,
    )
    assert 3 == len(wire.requests)
    assert not target.exists()


async def test_starting_over_for_ever_ends_too(flavour: Flavour, wire: Wire) -> None:
    """FILE: connections that are cut at the same place again and again, with nothing to resume by, come to an end."""
    with pytest.raises(StreamInterruptedError):
        await download(flavour, wire, io.BytesIO(), *[cut(5000, etag="") for _ in range(20)])
    assert len(wire.requests) <= 4


async def test_progress_buys_new_attempts(flavour: Flavour, wire: Wire) -> None:
    """FILE: the attempt counter returns to zero with each byte received."""
    target = io.BytesIO()
    parts = [rest(start, LOST, end=start + 10_000) for start in range(10_000, 60_000, 10_000)]
    clock = flavour.clock()
    await download(flavour, wire, target, cut(10_000), *parts, rest(60_000), clock=clock, identity=KEY)
    assert PLAIN == target.getvalue()
    assert [0.5] * 6 == clock.sleeps


@pytest.mark.parametrize(
    "script, options, error",
    [
        ([whole(CIPHER, repr_digest=digest(b"x"))], {}, IntegrityError),
        ([whole()], {"expect_sha256": "0" * 64}, IntegrityError),
        ([whole()], {"identity": generate_identity()}, NoMatchingKeyError),
        ([whole(CIPHER[:-1])], {"identity": KEY}, IntegrityError),
        ([whole(b"not age at all")], {"identity": KEY}, IntegrityError),
        ([whole()], {"identity": []}, ConfigurationError),
        ([problem(404, "not_found")], {}, Exception),
    ],
    ids=["digest", "expected", "key", "truncated", "plaintext", "no identity", "missing"],
)
async def test_a_failed_download_leaves_the_target_alone(
    flavour: Flavour, wire: Wire, tmp_path: Path, script: list[Any], options: dict[str, Any], error: type[Exception]
) -> None:
    """FILE: whatever fails, the target is what it was and no temporary file is left."""
    target = tmp_path / "report.pdf"
    target.write_bytes(b"old")
    copies = [httpx.Response(one.status_code, headers=one.headers, stream=one.stream) for one in script]
    with pytest.raises(error):
        await download(flavour, wire, target, *copies, **options)
    left = [(one.name, one.read_bytes()) for one in list(tmp_path.iterdir())]  # noqa: ASYNC240 (nothing else runs)
    assert [("report.pdf", b"old")] == left
