"""The mutants of mutants.yaml for the Python SDK: each puts one bug into the running process, in either flavour."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

Flavour: TypeAlias = Literal["sync", "async"]
Wrap: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def apply(name: str, flavour: Flavour) -> None:
    """Puts a bug in; a KeyError if there is none of this name."""
    MUTANTS[name](flavour)


def _room(name: str, flavour: Flavour) -> Any:
    """A room that exists once per flavour."""
    return importlib.import_module(f"admin_api._generated.sync.{name}" if flavour == "sync" else f"admin_api.{name}")


def _shared(name: str) -> Any:
    return importlib.import_module(f"admin_api.{name}")


def _named(name: str, flavour: Flavour) -> str:
    return name if flavour == "sync" else f"Async{name}"


def _wrap(owner: Any, member: str, wrap: Wrap) -> None:
    setattr(
        owner, member, wrap(getattr(owner, member))
    )  # an AttributeError if the SDK has it no more: then the mutant is stale


def _single_flight_lost(flavour: Flavour) -> None:
    def wrap(elect: Callable[..., Any]) -> Callable[..., Any]:
        def alone(self: Any, call: Any) -> Any:
            self._flight = None
            return elect(self, call)

        return alone

    _wrap(getattr(_room("grants", flavour), _named("ClientCredentials", flavour)), "_elect", wrap)


def _late_401_refreshes(flavour: Flavour) -> None:
    def wrap(refuse: Callable[..., Any]) -> Callable[..., Any]:
        def careless(self: Any, token: Any) -> Any:
            self._current = None
            return refuse(self, token)

        return careless

    _wrap(getattr(_room("grants", flavour), _named("ClientCredentials", flavour)), "refuse", wrap)


def _new_key_per_attempt(flavour: Flavour) -> None:
    def change(request: Any) -> None:
        if "idempotency-key" in request.headers:
            request.headers["idempotency-key"] = f'"{uuid.uuid4()}"'

    _on_every_retry(change)


def _encrypted_again(flavour: Flavour) -> None:
    files = _room("files", flavour)

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

    _wrap(files, "fill", remember)
    _on_every_retry(change)


def _on_every_retry(change: Callable[[Any], None]) -> None:
    """The auth layer copies the request on every attempt: there a retry can be told and changed, in both flavours."""

    def wrap(with_header: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, name: str, value: Any) -> Any:
            request = with_header(self, name, value)
            if request.call.attempts > 1:
                change(request)
            return request

        return changed

    _wrap(_shared("exchange").Request, "with_header", wrap)


def _repeated_without_key(flavour: Flavour) -> None:
    _wrap(_shared("backoff"), "allowed", lambda allowed: lambda *args, **named: True)


def _retry_after_ignored(flavour: Flavour) -> None:
    _wrap(_shared("backoff"), "retry_after", lambda retry_after: lambda *args, **named: None)


def _deadline_ignored(flavour: Flavour) -> None:
    _wrap(_shared("exchange").Call, "left", lambda left: lambda self: None)


def _budget_endless(flavour: Flavour) -> None:
    _wrap(_shared("backoff").Budget, "spend", lambda spend: lambda self, cost: True)


def _redirect_followed(flavour: Flavour) -> None:
    import httpx

    def moved(request: httpx.Request, answer: httpx.Response) -> httpx.Request | None:
        to = answer.headers.get("location") if 300 <= answer.status_code < 400 else None
        return to and httpx.Request(
            request.method, request.url.join(to), headers=request.headers, stream=request.stream
        )

    def wrap(exchange: Callable[..., Any]) -> Callable[..., Any]:
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
        _wrap(httpx.HTTPTransport, "handle_request", wrap)
    else:
        _wrap(httpx.AsyncHTTPTransport, "handle_async_request", wrap_async)


def _page_doubled_after_failure(flavour: Flavour) -> None:
    def wrap(page_of: Callable[..., Any]) -> Callable[..., Any]:
        def doubled(op: Any, response: Any) -> Any:
            page = page_of(op, response)
            if response.call.attempts > 1:
                page.items = page.items * 2
            return page

        return doubled

    _wrap(_room("pagination", flavour), "page_of", wrap)


def _export_starts_over(flavour: Flavour) -> None:
    stream = getattr(_room("streaming", flavour), _named("ItemStream", flavour))
    _wrap(stream, "_position", lambda position: lambda self: (self._query, self._headers))


def _events_start_over(flavour: Flavour) -> None:
    stream = getattr(_room("streaming", flavour), _named("EventStream", flavour))
    _wrap(stream, "_position", lambda position: lambda self: (self._query, self._headers))


def _outcome_forgets(flavour: Flavour) -> None:
    def wrap(outcome_of: Callable[..., Any]) -> Callable[..., Any]:
        def forgetful(call: Any, last: str) -> Any:
            call.maybe_acted = last == "maybe_acted"
            return outcome_of(call, last)

        return forgetful

    _wrap(_room("layers.status", flavour), "outcome_of", wrap)


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
}
