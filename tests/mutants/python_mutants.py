"""The mutants of mutants.yaml for the Python SDK: each puts one bug into the running process, in either flavour."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import python_readers
from mutating import Flavour, named, room, shared, wrap


def apply(name: str, flavour: Flavour) -> None:
    """Puts a bug in; a KeyError if there is none of this name."""
    {**MUTANTS, **python_readers.MUTANTS}[name](flavour)


def _single_flight_lost(flavour: Flavour) -> None:
    def wrapping(elect: Callable[..., Any]) -> Callable[..., Any]:
        def alone(self: Any, *facts: Any) -> Any:
            self.flight = None
            return elect(self, *facts)

        return alone

    wrap(shared("renewal").Renewal, "elect", wrapping)


def _late_401_refreshes(flavour: Flavour) -> None:
    def wrapping(refuse: Callable[..., Any]) -> Callable[..., Any]:
        def careless(self: Any, token: Any) -> Any:
            self._current = None
            return refuse(self, token)

        return careless

    wrap(shared("renewal").Renewal, "refuse", wrapping)


def _new_key_per_attempt(flavour: Flavour) -> None:
    def change(request: Any) -> None:
        if "idempotency-key" in request.headers:
            request.headers["idempotency-key"] = f'"{uuid.uuid4()}"'

    _on_every_retry(change)


def _encrypted_again(flavour: Flavour) -> None:
    files = room("files", flavour)

    def remember(fill: Callable[..., Any]) -> Callable[..., Any]:
        def filled(source: Any, encrypt_to: Any) -> Any:
            spool = fill(source, encrypt_to)
            spool.made_from = (source, encrypt_to)
            return spool

        return filled

    def change(request: Any) -> None:
        made_from = getattr(request.content, "made_from", None)
        if made_from is not None:
            request.content = files.fill(*made_from)
            request.headers |= {"content-digest": request.content.digest, "content-length": str(request.content.length)}

    wrap(files, "fill", remember)
    _on_every_retry(change)


def _on_every_retry(change: Callable[[Any], None]) -> None:
    """The auth layer copies the request on every attempt: there a retry can be told and changed, in both flavours."""

    def wrapping(with_header: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, name: str, value: Any) -> Any:
            request = with_header(self, name, value)
            if request.call.attempts > 1:
                change(request)
            return request

        return changed

    wrap(shared("exchange").Request, "with_header", wrapping)


def _repeated_without_key(flavour: Flavour) -> None:
    wrap(shared("backoff"), "allowed", lambda allowed: lambda *args, **named: True)


def _retry_after_ignored(flavour: Flavour) -> None:
    wrap(shared("backoff"), "retry_after", lambda retry_after: lambda *args, **named: None)


def _deadline_ignored(flavour: Flavour) -> None:
    wrap(shared("exchange").Call, "left", lambda left: lambda self: None)


def _budget_endless(flavour: Flavour) -> None:
    wrap(shared("backoff").Budget, "spend", lambda spend: lambda self, cost: True)


def _redirect_followed(flavour: Flavour) -> None:
    import httpx

    def moved(request: httpx.Request, answer: httpx.Response) -> httpx.Request | None:
        to = answer.headers.get("location") if 300 <= answer.status_code < 400 else None
        return to and httpx.Request(
            request.method, request.url.join(to), headers=request.headers, stream=request.stream
        )

    def wrapping(exchange: Callable[..., Any]) -> Callable[..., Any]:
        def following(self: httpx.HTTPTransport, request: httpx.Request) -> Any:
            answer = exchange(self, request)
            again = moved(request, answer)
            return exchange(self, again) if again else answer

        return following

    def wrap_async(exchange: Callable[..., Any]) -> Callable[..., Any]:
        async def following(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> Any:
            answer = await exchange(self, request)
            again = moved(request, answer)
            return await exchange(self, again) if again else answer

        return following

    if flavour == "sync":
        wrap(httpx.HTTPTransport, "handle_request", wrapping)
    else:
        wrap(httpx.AsyncHTTPTransport, "handle_async_request", wrap_async)


def _page_doubled_after_failure(flavour: Flavour) -> None:
    def wrapping(page_of: Callable[..., Any]) -> Callable[..., Any]:
        def doubled(op: Any, response: Any) -> Any:
            page = page_of(op, response)
            if response.call.attempts > 1:
                page.items = page.items * 2
            return page

        return doubled

    wrap(room("pagination", flavour), "page_of", wrapping)


def _export_starts_over(flavour: Flavour) -> None:
    stream = getattr(room("streaming", flavour), named("ItemReader", flavour))
    wrap(stream, "_position", lambda position: lambda self: (self._query, self._headers))


def _events_start_over(flavour: Flavour) -> None:
    stream = getattr(room("streaming", flavour), named("EventReader", flavour))
    wrap(stream, "_position", lambda position: lambda self: (self._query, self._headers))


def _outcome_forgets(flavour: Flavour) -> None:
    def wrapping(outcome_of: Callable[..., Any]) -> Callable[..., Any]:
        def forgetful(call: Any, last: str) -> Any:
            call.maybe_acted = last == "maybe_acted"
            return outcome_of(call, last)

        return forgetful

    wrap(room("layers.status", flavour), "outcome_of", wrapping)


def _conditional_repeated(flavour: Flavour) -> None:
    shared("exchange").Request.conditional = False


def _refused_by_403(flavour: Flavour) -> None:
    def wrapping(refused: Callable[..., Any]) -> Callable[..., Any]:
        return lambda outcome: refused(outcome) or getattr(outcome, "status", None) == 403

    wrap(room("layers.auth", flavour), "refused", wrapping)


def _expiry_ignored(flavour: Flavour) -> None:
    wrap(shared("access").AccessToken, "__init__", _without_end)


def _without_end(init: Callable[..., Any]) -> Callable[..., Any]:
    def endless(self: Any, value: Any, **known: Any) -> None:
        init(self, value, **{**known, "expires_in": None})

    return endless


def _date_of_the_clock(flavour: Flavour) -> None:
    def wrapping(retry_after: Callable[..., Any]) -> Callable[..., Any]:
        def by_the_clock(response: Any, now: float) -> Any:
            headers = [(name, value) for name, value in response.headers.items() if name != "date"]
            return retry_after(
                type(response)(response.call, response.status, type(response.headers)(headers), b""), now
            )

        return by_the_clock

    wrap(shared("backoff"), "retry_after", wrapping)


def _jitter_missing(flavour: Flavour) -> None:
    wrap(shared("backoff"), "backoff", lambda backoff: lambda retry, random: backoff(retry, 1.0))


MUTANTS: Mapping[str, Callable[[Flavour], None]] = {
    "single-flight-lost": _single_flight_lost,
    "late-401-refreshes": _late_401_refreshes,
    "new-key-per-attempt": _new_key_per_attempt,
    "repeated-without-key": _repeated_without_key,
    "retry-after-ignored": _retry_after_ignored,
    "deadline-ignored": _deadline_ignored,
    "budget-endless": _budget_endless,
    "redirect-followed": _redirect_followed,
    "page-doubled-after-failure": _page_doubled_after_failure,
    "export-starts-over": _export_starts_over,
    "events-start-over": _events_start_over,
    "encrypted-again": _encrypted_again,
    "outcome-forgets": _outcome_forgets,
    "conditional-repeated": _conditional_repeated,
    "refused-by-403": _refused_by_403,
    "expiry-ignored": _expiry_ignored,
    "date-of-the-clock": _date_of_the_clock,
    "jitter-missing": _jitter_missing,
}
