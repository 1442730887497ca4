"""An operation as data, and what follows from it without I/O: its URL, its query, its body, its answer.

The generated resources hold one `Op` per operation; all behaviour sits in the rooms that read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, ValidationError, create_model

from ._generated import policy
from .errors import ConfigurationError, DecodeError
from .exchange import Response
from .model import Model, timestamp
from .options import OMIT

T = TypeVar("T")


class Paging(NamedTuple):
    """How a list is paged: names of the query parameter and of the members of the answer."""

    cursor: str
    next_cursor: str
    results: str


class Stream(NamedTuple):
    """How an answer is streamed."""

    format: Literal["ndjson", "sse"]
    terminator: str | None = None
    """Member that marks the last line of an NDJSON export."""
    resume: str | None = None
    """Query parameter that takes the id of the last item received."""


class Op(Generic[T]):
    """An operation of the document. `returns` is the type of its answer, or of one item of a list or stream."""

    __slots__ = (
        "_envelope", "binary", "body", "deep", "deprecated", "id", "idempotent", "method", "not_modified", "page",
        "path", "retries", "returns", "scopes", "sensitive", "stream", "sunset",
    )  # fmt: skip

    def __init__(
        self,
        *,
        id: str,
        method: str,
        path: str,
        returns: type[Any] | None,
        scopes: tuple[str, ...] = (),
        body: str | None = None,
        page: Paging | None = None,
        stream: Stream | None = None,
        binary: bool = False,
        deep: tuple[str, ...] = (),
        idempotent: bool = False,
        not_modified: bool = False,
        sensitive: bool = False,
        retries: bool = True,
        deprecated: bool = False,
        sunset: str | None = None,
    ) -> None:
        self.id = id
        self.method = method
        self.path = path
        self.returns = returns
        self.scopes = scopes
        self.body = body
        self.page = page
        self.stream = stream
        self.binary = binary
        self.deep = deep
        self.idempotent = idempotent
        self.not_modified = not_modified
        self.sensitive = sensitive
        self.retries = retries
        self.deprecated = deprecated
        self.sunset = sunset
        self._envelope: type[Model] | None = None

    def envelope(self) -> type[Model]:
        """The model of a page, made when first needed."""
        if self._envelope is None:
            assert self.page is not None
            item: Any = self.returns
            members: dict[str, Any] = {self.page.results: (list[item], ...), self.page.next_cursor: (str | None, None)}
            self._envelope = create_model("Envelope", __base__=Model, **members)
        return self._envelope

    def __repr__(self) -> str:
        return f"Op({self.id})"


class RawResponse(Generic[T]):
    """An answer with what came beside its data."""

    __slots__ = ("attempts", "audit_event_id", "data", "headers", "idempotency_key", "request_id", "status")

    def __init__(self, response: Response, data: T) -> None:
        self.data = data
        self.status = response.status
        self.headers = response.headers
        self.request_id = response.request_id
        """The server's id of the request, for support."""
        self.audit_event_id = response.headers.get("audit-event-id")
        """Id of the audit event that recorded the mutation."""
        self.attempts = response.call.attempts
        """How many attempts the call took."""
        self.idempotency_key = response.call.idempotency_key

    def __repr__(self) -> str:
        return f"RawResponse({self.status}, request_id={self.request_id!r})"


class Page(Generic[T]):
    """One page of a list; iterating gives its items only."""

    __slots__ = ("_response", "items", "next_cursor")

    def __init__(self, items: list[T], next_cursor: str | None, response: Response) -> None:
        self.items = items
        """May be empty though more pages follow."""
        self.next_cursor = next_cursor
        """Cursor of the next page, None at the end."""
        self._response = response

    @property
    def request_id(self) -> str | None:
        """The server's id of the request, for support."""
        return self._response.request_id

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Page({len(self.items)} items, {'more follow' if self.next_cursor else 'the last'})"


def page_of(op: Op[T], response: Response) -> Page[T]:
    """The page that an answer holds."""
    assert op.page is not None
    envelope: Any = decode(op.envelope(), response)
    return Page(cast("list[T]", getattr(envelope, op.page.results)), getattr(envelope, op.page.next_cursor), response)


def path_of(template: str, values: Mapping[str, str]) -> str:
    """The path with its values in place, each one segment.

    Raises:
        ConfigurationError: A value is empty, `.` or `..`, and would lead to another resource (CONF).
    """
    path = template
    for name, value in values.items():
        if not isinstance(value, str) or value in ("", ".", ".."):  # pyright: ignore[reportUnnecessaryIsInstance] (callers without a type checker)
            raise ConfigurationError(
                f"{name} must be a string that is not empty, '.' or '..'.", code="invalid_path_value"
            )
        path = path.replace("{" + name + "}", _quoted(name, value), 1)
    return path


_PATH = re.compile(r"/[!-~]*")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


def check_path(path: str) -> None:
    """Raises ConfigurationError for a path that would lead elsewhere, however its dots and slashes are spelled."""
    segments = path.partition("?")[0].split("/")
    if not _PATH.fullmatch(path) or not {"#", "\\"}.isdisjoint(path) or any(map(_DOTS.fullmatch, segments)):
        raise ConfigurationError(
            "path must begin with '/', hold no '.' or '..' segment, '#' or backslash, and be visible ASCII.",
            code="invalid_path",
        )


def _quoted(name: str, value: str) -> str:
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:  # half a surrogate pair; raised below, so that the text is in no traceback
        pass
    raise ConfigurationError(f"{name} is no Unicode text.", code="invalid_text")


def query_of(values: Mapping[str, object], deep: tuple[str, ...] = ()) -> str:
    """The query string of what is given: lists repeat their name, maps are `name[key]=value` where `deep` says so."""
    given: list[tuple[str, object]] = []
    for name, value in values.items():
        if name in deep and isinstance(value, Mapping):
            entries = cast("Mapping[str, object]", value)
            given += [(f"{name}[{key}]", entry) for key, entry in entries.items()]
        elif isinstance(value, Iterable) and not isinstance(value, str):
            given += [(name, entry) for entry in cast("Iterable[object]", value)]
        else:
            given.append((name, value))
    return "&".join(
        f"{_quoted('A query parameter', name)}={_quoted(name, _text(value))}"
        for name, value in given
        if value is not OMIT and value is not None
    )


def body_of(values: object) -> bytes:
    """The JSON of a request body; members that are OMIT are left out, None is null.

    Raises:
        ConfigurationError: A value has no JSON form.
    """
    if isinstance(values, Mapping):
        members = cast("Mapping[str, object]", values)
        values = {name: value for name, value in members.items() if value is not OMIT}
    try:
        return json.dumps(values, default=_json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as caught:
        reason = str(caught)
    raise ConfigurationError(f"The request has no JSON form: {reason}", code="invalid_body")


def _json(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return list(cast("Iterable[object]", value))
    raise TypeError(f"{type(value).__name__} is not supported")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamp(value)
    return str(value.value) if isinstance(value, Enum) else str(value)


def quoted(key: str) -> str:
    """An idempotency key as an RFC 9651 string."""
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def answer_of(op: Op[T], response: Response) -> T:
    """The answer as the document's type; None for one without a body, or not modified.

    Raises:
        DecodeError: The body is not what the document says.
    """
    if op.not_modified and response.status == 304:
        return cast("T", None)
    if op.returns is not None:
        return cast("T", decode(op.returns, response))
    if response.body:
        require_json(response)
    return cast("T", None)


def require_json(response: Response) -> None:
    """Raises DecodeError unless the body says that it is JSON (ERR-3)."""
    if not response.is_json:
        raise decode_error(response, "its content type is not JSON", response.body)


def decode(model: type[Model], response: Response) -> Model:
    """The body as a model; what the model does not know is kept.

    Raises:
        DecodeError: The body is not what the document says.
    """
    require_json(response)
    try:
        return model.model_validate_json(response.body)
    except ValidationError as caught:
        places = [
            ".".join(map(str, found["loc"])) + f" ({found['type']})"
            for found in caught.errors(include_url=False, include_input=False)
        ]
        reason = ", ".join(places[:3])
    except ValueError as caught:
        reason = str(caught)
    raise decode_error(response, reason, response.body)


def decode_error(response: Response, reason: str, body: bytes) -> DecodeError:
    """The error of an answer that cannot be understood, with the beginning of it unless it may hold a secret."""
    call, request_id = response.call, response.request_id
    # A page of HTML, say, is of something in between, and says nothing of what the server did.
    committed = call.committed or call.streamed or response.is_json
    excerpt = (
        "" if call.sensitive else body[: policy.ERRORS_EXCERPT].decode("utf-8", "replace")[: policy.ERRORS_EXCERPT]
    )
    return DecodeError(
        f"{call.operation}: The answer cannot be understood: {reason}."
        f"{f' (request id {request_id})' if request_id else ''} {excerpt}".rstrip(),
        operation=call.operation,
        outcome="committed" if committed else "unknown",
        attempts=call.attempts,
        status=response.status,
        request_id=request_id,
        idempotency_key=call.idempotency_key,
    )
