# Derived by make generate from resource.py. Do not edit.
"""What the generated resources stand on: an Op and its arguments become a call through the stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ...exchange import Body, Call, Request, Response, Send
from ...operation import Op, RawResponse, answer_of, body_of, path_of, query_of, quoted
from ...options import OMIT, Limits, RequestOptions, check_header
from .clock import Clock
from .pagination import Pager
from .streaming import EventReader, EventStream, ItemReader, ItemStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...encryption import Identity, Recipient
    from .files import Downloaded, DownloadTarget, Progress, UploadSource

T = TypeVar("T")
P = ParamSpec("P")

ACCEPT: Mapping[str, str] = {
    "ndjson": "application/x-ndjson, application/problem+json",
    "sse": "text/event-stream, application/problem+json",
    "binary": "application/octet-stream, application/problem+json",
    "json": "application/json, application/problem+json",
}
NO_OPTIONS = RequestOptions()


def as_raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
    """A method of a resource that answers raw, under its true type."""
    return cast(Callable[P, RawResponse[T]], method)


class Caller:
    """Turns operations into calls: what a client lends to its resources.

    Args:
        send: The stack.
        base_url: Paths are appended to it, never resolved against it (AUTH-7).
        new_id: Makes idempotency keys; never from a seeded generator (STACK).
        user_agent: What the SDK calls itself.
    """

    def __init__(
        self,
        *,
        send: Send,
        base_url: str,
        limits: Limits,
        clock: Clock,
        new_id: Callable[[], str],
        user_agent: str,
    ) -> None:
        self._send = send
        self.base_url = base_url
        self._new_id = new_id
        self._user_agent = user_agent
        self._raw = False
        self.limits = limits
        self.clock = clock

    def with_limits(self, limits: Limits, clock: Clock) -> Caller:
        """The same caller with other limits and another clock; the stack is shared."""
        caller = copy(self)
        caller.limits = limits
        caller.clock = clock
        return caller

    def raw(self) -> Caller:
        """The same caller, answering `RawResponse`."""
        caller = copy(self)
        caller._raw = True
        return caller

    def prepare(
        self,
        op: Op[Any],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        content: bytes | Body | None = None,
        options: RequestOptions | None = None,
        limits: Limits | None = None,
    ) -> Request:
        """The request of an operation, with the call it belongs to.

        Raises:
            ConfigurationError: An argument cannot be sent.
        """
        if op.deprecated:
            _deprecated(op.id, op.sunset)
        options = options or NO_OPTIONS
        given = limits or self.limits
        if options is not NO_OPTIONS:
            given = given.override(timeout=options.timeout, deadline=options.deadline, max_retries=options.max_retries)
        key = None
        if op.idempotent:
            key = self._new_id() if options.idempotency_key is OMIT else options.idempotency_key
        streamed = op.stream is not None or op.binary
        call = Call(
            operation=op.id,
            method=op.method,
            limits=given,
            clock=self.clock,
            idempotency_key=key,
            scopes=op.scopes,
            streamed=streamed,
            sensitive=op.sensitive,
            retries=op.retries,
            template=op.path,
        )
        sent: dict[str, Any] = {
            "accept": ACCEPT[op.stream.format if op.stream else "binary" if op.binary else "json"],
            "user-agent": self._user_agent,
            "accept-encoding": "identity" if streamed else "gzip, deflate",
        }
        if content is not None:
            sent["content-type"] = op.body or "application/json"
            if not isinstance(content, bytes):
                sent["content-length"] = str(content.length)
        if key is not None:
            sent["idempotency-key"] = quoted(key)
        for name, value in (headers or {}).items():
            if value is not OMIT:
                check_header(name, str(value))
                sent[name.lower()] = str(value).strip(" \t")  # RFC 9110, section 5.5: none of the value
        if options.headers:
            sent.update((name.lower(), value.strip(" \t")) for name, value in options.headers.items())
        text = (
            query_of({**query, **options.query} if query else options.query, op.deep) if query or options.query else ""
        )
        url = f"{self.base_url}{path_of(op.path, path) if path else op.path}"
        if text:
            url += f"{'&' if '?' in url else '?'}{text}"
        return Request(call, op.method, url, sent, content)

    def send(self, request: Request) -> Response:
        """Sends through the stack; an answer that is an error is raised there."""
        response = cast("Response", self._send(request))
        if "deprecation" in response.headers:
            _deprecated(response.call.operation, response.headers.get("sunset"))
        return response

    def call(
        self,
        op: Op[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """One call, one answer."""
        content = None if body is None else body_of(body)
        response = self.send(
            self.prepare(op, path=path, query=query, headers=headers, content=content, options=options)
        )
        data = answer_of(op, response)
        return cast("T", RawResponse(response, data)) if self._raw else data


def _deprecated(operation: str, sunset: str | None) -> None:
    from ...deprecation import warn

    warn(operation, sunset)


class Resource:
    """Base of the generated resources."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _raw(self) -> Caller:
        return self._caller.raw()

    def _call(
        self,
        op: Op[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        return self._caller.call(op, path=path, query=query, headers=headers, body=body, options=options)

    def _pages(
        self,
        op: Op[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[T]:
        return Pager(self._caller, op, path or {}, query or {}, options)

    def _items(
        self,
        op: Op[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> ItemStream[T]:
        return ItemStream(ItemReader(self._caller, op, path or {}, query or {}, {}, options))

    def _events(
        self,
        op: Op[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> EventStream[T]:
        return EventStream(EventReader(self._caller, op, path or {}, query or {}, headers or {}, options))

    def _upload(
        self,
        op: Op[T],
        source: UploadSource,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        encrypt_to: Sequence[Recipient] = (),
        already_encrypted: bool = False,
        on_progress: Progress | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        from .files import upload

        return upload(
            self._caller,
            op,
            source,
            query=query or {},
            headers=headers or {},
            encrypt_to=encrypt_to,
            already_encrypted=already_encrypted,
            on_progress=on_progress,
            options=options,
        )

    def _download(
        self,
        op: Op[Any],
        *,
        path: Mapping[str, str],
        to: DownloadTarget,
        identity: Identity | Sequence[Identity] | None = None,
        expect_sha256: str | None = None,
        on_progress: Progress | None = None,
        options: RequestOptions | None = None,
    ) -> Downloaded:
        from .files import download

        return download(
            self._caller,
            op,
            path=path,
            to=to,
            identity=identity,
            expect_sha256=expect_sha256,
            on_progress=on_progress,
            options=options,
        )
