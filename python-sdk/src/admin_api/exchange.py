"""One HTTP exchange as data: Request, Response and WireError, and the Call they belong to. No I/O.

Inside the stack an outcome is a value, never an exception: a Response, a WireError, or a TokenFailure when the attempt
could not even begin for want of a token (STACK-4).
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, TypeAlias
from urllib.parse import urlsplit

from ._generated import policy

if TYPE_CHECKING:
    from ._generated.sync.clock import Clock
    from .access import AccessToken
    from .clock import AsyncClock
    from .options import Limits
    from .telemetry import Listener


class Secret:
    """A string that shows itself nowhere: no repr, no pickle. Only the transport reveals it (AUTH-9)."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(REDACTED)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a secret is no key

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret is not pickled.")


class Headers(Mapping[str, str]):
    """Headers of an answer: names ignore case, a repeated header is joined by `, ` (RFC 9110, section 5.3)."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        values: dict[str, str] = {}
        for given, value in pairs:
            name = given.lower()
            values[name] = f"{values[name]}, {value}" if name in values else value
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"


class Body(Protocol):
    """A request body that can be sent again from its start."""

    length: int

    def chunks(self) -> Iterator[bytes]:
        """The body from its first byte; each call begins anew."""
        ...


class Call:
    """What the layers share about one call; one per answer, so a page and a reconnect have one each."""

    __slots__ = (
        "attempts", "clock", "committed", "deadline_at", "idempotency_key", "limits", "maybe_acted", "method",
        "operation", "reached", "resent", "retries", "scopes", "sensitive", "spent", "started_at", "stop", "streamed",
        "telemetry", "template", "token",
    )  # fmt: skip

    def __init__(
        self,
        *,
        operation: str,
        method: str,
        limits: Limits,
        clock: AsyncClock | Clock,
        idempotency_key: str | None = None,
        scopes: tuple[str, ...] = (),
        streamed: bool = False,
        sensitive: bool = False,
        retries: bool = True,
        template: str | None = None,
    ) -> None:
        self.operation = operation
        self.method = method
        self.limits = limits
        self.clock: Any = clock  # one of the two; each room knows which, by its flavour
        self.idempotency_key = idempotency_key
        self.scopes = scopes
        self.streamed = streamed
        """Whether the body of a success is left to be read by its consumer."""
        self.sensitive = sensitive
        """Whether request or answer hold a secret, so that no excerpt may be shown (AUTH-9)."""
        self.retries = retries
        self.template = template
        """Path of the operation in the document, None for what the document does not know."""
        self.started_at: float = clock.monotonic()
        self.deadline_at = None if limits.deadline is None else self.started_at + limits.deadline
        self.attempts = 0
        self.resent = False
        """Whether the one resend after a 401 was used (AUTH-4)."""
        self.reached = False
        """Whether any attempt may have left the client."""
        self.maybe_acted = False
        """Whether any attempt so far may have acted."""
        self.committed = False
        """Whether any attempt so far succeeded, though its answer was lost."""
        self.spent = 0
        """What the last retry cost of the budget."""
        self.stop: str | None = None
        """Why no further attempt was made, from `backoff.decide`."""
        self.token: AccessToken | None = None
        """The token used last, None before there was one."""
        self.telemetry: Listener | None = None
        """Who is told of this call, None for nobody."""

    def left(self) -> float | None:
        """Seconds until the deadline, None without one."""
        return None if self.deadline_at is None else self.deadline_at - self.clock.monotonic()

    @property
    def keyed(self) -> bool:
        return self.idempotency_key is not None


class Request:
    """A request as the layers see it; copied, never changed."""

    __slots__ = ("call", "content", "headers", "method", "url")

    def __init__(
        self, call: Call, method: str, url: str, headers: dict[str, str | Secret], content: bytes | Body | None
    ) -> None:
        self.call = call
        self.method = method
        self.url = url
        self.headers = headers
        """By lower-case name; a credential is a Secret."""
        self.content = content

    def with_header(self, name: str, value: str | Secret) -> Request:
        """The same request with one header more, or replaced."""
        return Request(self.call, self.method, self.url, {**self.headers, name: value}, self.content)

    @property
    def conditional(self) -> bool:
        """Whether the request is conditional (RFC 9110, section 13): a repeat could meet its own effect."""
        return not policy.RETRY_CONDITIONAL_HEADERS.isdisjoint(self.headers)

    def __repr__(self) -> str:
        return f"Request({self.call.operation}, {self.method})"


class Stream(Protocol):
    """The unread body of a streamed answer, in either flavour: iterated by its consumer, closed at the end."""


class Response:
    """An answer. `body` is read, unless the call is streamed and succeeded; then `stream` is to be read and closed."""

    __slots__ = ("body", "call", "headers", "on_end", "status", "stream")

    def __init__(self, call: Call, status: int, headers: Headers, body: bytes, stream: Any = None) -> None:
        self.call = call
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
        self.on_end: Callable[[str], None] | None = None
        """Told how the reading of `stream` ended: `ended`, `left`, `interrupted`, or the code of an error (LOG)."""

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id")

    @property
    def is_json(self) -> bool:
        """Whether it says so of its body; a page of something between client and server does not."""
        return "json" in self.headers.get("content-type", "")

    def __repr__(self) -> str:
        return f"Response({self.call.operation}, {self.status})"


def leads_to(redirect: Response) -> str:
    """The origin that a redirect leads to, where nobody goes (AUTH-8); empty if it names none."""
    try:
        parts = urlsplit(redirect.headers.get("location", ""))
        host, port = parts.hostname, parts.port
    except ValueError:  # no URL
        return ""
    if not parts.scheme or not host:
        return ""
    origin = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"
    return origin[: policy.ERRORS_EXCERPT]


Effect = Literal["not_sent", "maybe_acted", "final"]
"""What a failure says of the request: it never left; it may have acted; it never will (TLS, closed client)."""


@dataclass(frozen=True, slots=True)
class WireError:
    """There was no whole answer (RETRY-10)."""

    code: str
    """`connect_failed`, `timeout`, `deadline_exceeded`, `connection_lost`, `tls_verification_failed` …"""
    effect: Effect
    message: str
    status: int | None = None
    """Status of the answer whose body was lost."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenFailure:
    """The attempt could not begin: no token was to be had (AUTH-5)."""

    code: str
    """The OAuth error, `refresh_outcome_unknown`, `token_timeout`, or the code of the wire error."""
    message: str
    final: bool
    """Whether another try is pointless, or could do harm."""
    answer: Response | WireError | None


Outcome: TypeAlias = Response | WireError | TokenFailure

AsyncSend: TypeAlias = Callable[[Request], Awaitable[Outcome]]
Send: TypeAlias = Callable[[Request], Outcome]
AsyncLayer: TypeAlias = Callable[[AsyncSend], AsyncSend]
Layer: TypeAlias = Callable[[Send], Send]
"""A layer takes what it sends with and returns how to send: no base class, no registry."""
