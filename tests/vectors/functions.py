"""The pure functions of the Python SDK by neutral names: neutral inputs in, neutral answers out. It asserts nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from admin_api.backoff import Budget, Retry, backoff, cost_of, decide, http_date, retry_after
from admin_api.credentials import secret
from admin_api.endpoint import landed_token
from admin_api.errors import ConfigurationError
from admin_api.exchange import Call, Headers, Outcome, Request, Response, Secret, TokenFailure, WireError
from admin_api.framing import Lines, LineTooLong, ServerSentEvents
from admin_api.kept import GrantName, origin_of, read, written
from admin_api.layers.records import shown, shown_url
from admin_api.layers.status import error_for
from admin_api.operation import Op, body_of, check_path, path_of, query_of, quoted
from admin_api.options import OMIT, Limits, RequestOptions
from admin_api.outcome import note
from admin_api.proxies import proxy_for
from admin_api.resource import AsyncCaller
from admin_api.spool import Spool

Given = Mapping[str, Any]

_TIMES: Final = frozenset({"timeout", "deadline", "max_retry_after", "token_timeout"})


@dataclass(slots=True)
class StandingClock:
    """A clock that moves when it is told to; seconds."""

    wall: float = 0.0
    elapsed: float = 0.0
    chance: float = 0.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed

    def random(self) -> float:
        return self.chance

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


def answer(function: str, given: Given) -> dict[str, Any]:
    """What the function gives, or the code with which it refuses; what is neither is told as a crash."""
    try:
        return {"gives": FUNCTIONS[function](given)}
    except ConfigurationError as error:
        return {"refuses": error.code}
    except LineTooLong:
        return {"refuses": "line_too_long"}
    except Exception as error:  # noqa: BLE001 (told as what it is, a crash, which no vector expects)
        return {"crash": repr(error)}


def _ms(seconds: float | None) -> float | str | None:
    return None if seconds is None else "infinite" if seconds == math.inf else round(seconds * 1000, 6)


def _headers(given: Any) -> Headers:
    return Headers(given.items() if isinstance(given, Mapping) else given)


def _call(given: Given, *, clock: StandingClock | None = None, **more: Any) -> Call:
    more = {
        "limits": Limits(),
        "clock": clock or StandingClock(),
        "idempotency_key": "k" if given["key"] else None,
        **more,
    }
    return Call(operation="op", method=given["method"], **more)


def _outcome(call: Call, given: Given) -> Outcome:
    if "final" in given:
        inner = _outcome(call, given["answer"]) if "answer" in given else None
        assert not isinstance(inner, TokenFailure)
        return TokenFailure(given["code"], "message", given["final"], inner)
    if "effect" in given:
        return WireError(given["code"], given["effect"], "message", given.get("status"))
    return Response(call, given["status"], _headers(given.get("headers", {})), given.get("text", "").encode())


def _value(given: Any) -> Any:
    """A value of the user's: `$date`, `$number` and `$omit` stand for what JSON has no form for."""
    if isinstance(given, Mapping):
        if list(given) == ["$date"]:
            return datetime.fromisoformat(given["$date"])
        if list(given) == ["$number"]:
            return float(given["$number"])
        return OMIT if list(given) == ["$omit"] else {name: _value(member) for name, member in given.items()}
    return [_value(member) for member in given] if isinstance(given, list) else given


def _http_date(given: Given) -> Any:
    return _ms(http_date(given["text"], given["now"] / 1000))


def _retry_after(given: Given) -> Any:
    call = _call({"method": "GET", "key": False})
    return _ms(retry_after(Response(call, 503, _headers(given["headers"]), b""), given["now"] / 1000))


def _decide(given: Given) -> Any:
    clock = StandingClock(given["now"] / 1000, 0.0)
    limits = Limits(
        deadline=None if given["deadline"] is None else given["deadline"] / 1000,
        max_retries=given["max_retries"],
        max_retry_after=given["max_retry_after"] / 1000,
    )
    call = _call(given, clock=clock, limits=limits, retries=given["retries"])
    call.attempts = given["attempts"]
    clock.elapsed = given["elapsed"] / 1000
    sent: dict[str, str | Secret] = {} if given["conditional"] is None else {given["conditional"]: '"e1"'}
    came = {**given["came"], **({"headers": given["headers"]} if "headers" in given else {})}
    found = decide(
        Request(call, given["method"], "http://localhost/", sent, None),
        _outcome(call, came),
        acted_before=given["acted_before"],
        now=clock.now(),
        random=given["random"],
    )
    return _ms(found.delay) if isinstance(found, Retry) else found.reason


def _budget(given: Given) -> Any:
    budget = Budget()
    told: list[bool | None] = []
    for step in given["steps"]:
        ((what, amount),) = step.items()
        if what == "spend":
            told.append(budget.spend(amount))
        else:
            budget.refund(amount)
            told.append(None)
    return {"left": budget.left, "told": told}


def _error(given: Given) -> Any:
    call = _call(given, clock=StandingClock(given.get("now", 0) / 1000))
    request = Request(call, given["method"], "http://localhost/", {}, None)
    last = _outcome(call, given["last"])
    for each in [*(_outcome(call, earlier) for earlier in given["earlier"]), last]:
        call.attempts += 1
        note(call, each)
    error = error_for(request, last)
    return {
        "class": type(error).__name__,
        "code": error.code,
        "outcome": error.outcome,
        "retryable": error.retryable,
        "status": error.status,
        "attempts": error.attempts,
        "retry_after": _ms(error.retry_after),
    }


def _chunks(given: Given) -> list[bytes]:
    return [bytes.fromhex(chunk) for chunk in given["chunks"]]


def _lines(given: Given) -> list[bytes]:
    lines = Lines(given["max_line_bytes"]) if "max_line_bytes" in given else Lines()
    return [line for chunk in _chunks(given) for line in lines.feed(chunk)]


def _events(given: Given) -> Any:
    events = ServerSentEvents()
    found = [event for line in _lines(given) if (event := events.feed(line)) is not None]
    told = [{"event": event.event, "data": event.data, "id": event.id} for event in found]
    return {"events": told, "retry": _ms(events.retry)}


def _digest(given: Given) -> Any:
    spool = Spool()
    for chunk in _chunks(given):
        spool.write(chunk)
    try:
        return {"field": spool.digest, "hex": spool.sha256, "size": spool.length}
    finally:
        spool.close()


def _shown(given: Given) -> Any:
    return shown({**given["headers"], **{name: Secret(value) for name, value in given.get("secrets", {}).items()}})


def _limits(given: Given) -> Any:
    wanted = {name: _seconds(name, _value(value)) for name, value in given["options"].items()}
    found = Limits().override(**wanted)
    names = ("timeout", "deadline", "max_retries", "max_retry_after", "token_timeout")
    return {name: _ms(getattr(found, name)) if name in _TIMES else getattr(found, name) for name in names}


def _seconds(name: str, value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / 1000 if number and name in _TIMES else value


def _request(given: Given) -> Any:
    async def send(request: Request) -> Outcome:
        raise AssertionError(f"{request} is not sent")

    facts = {"base_url": given["base_url"], "new_id": lambda: "made", "user_agent": "us"}
    caller = AsyncCaller(send=send, limits=Limits(), clock=StandingClock(), **facts)
    op: Op[Any] = Op(
        id="op", method=given["method"], path=given["template"], returns=None, idempotent=given["idempotent"],
        deep=tuple(given.get("deep", ())), body=given.get("content_type"),
    )  # fmt: skip
    request = caller.prepare(
        op,
        path=given.get("path"),
        query=_value(given.get("query")),
        headers=given.get("headers"),
        content=None if "body" not in given else body_of(_value(given["body"])),
        options=RequestOptions(**_value(given.get("options", {}))),
    )
    own = {"user-agent", "accept-encoding"}  # PARITY-6
    content = request.content.decode() if isinstance(request.content, bytes) else None
    headers = {name: value for name, value in request.headers.items() if name not in own}
    return {"method": request.method, "url": request.url, "headers": headers, "content": content}


def _token(given: Given) -> Any:
    call = _call({"method": "POST", "key": False})
    landed = landed_token(_outcome(call, given["came"]), given["asked_at"] / 1000, tuple(given["asked"]))
    if isinstance(landed, TokenFailure):
        return {"failure": landed.code, "final": landed.final}
    return {
        "header": landed.value.reveal(),
        "scopes": None if landed.scopes is None else sorted(landed.scopes),
        "advise_at": _ms(landed.advise_at),
        "must_at": _ms(landed.must_at),
    }


def _name(given: Given) -> GrantName:
    return GrantName(given["token_url"], given["client_id"], tuple(given["scopes"]))


def _kept(given: Given) -> Any:
    """What a text says, and that the same is written of it again."""
    now, monotonic = given["now"] / 1000, given["monotonic"] / 1000
    kept = read(Secret(given["text"]), _name(given), now=now, monotonic=monotonic)
    if kept is None:
        return None
    token = kept.token
    ends_at = None if token.ends_at is None else now + token.ends_at - monotonic
    again = written(token, _name(given), kept.origin, token.refresh_token, ends_at=ends_at)
    return {
        "access_token": token.access.reveal(),
        "refresh_token": None if token.refresh_token is None else token.refresh_token.reveal(),
        "origin": kept.origin,
        "scopes": None if token.scopes is None else sorted(token.scopes),
        "advise_at": _ms(token.advise_at),
        "must_at": _ms(token.must_at),
        "ends_at": _ms(token.ends_at),
        "again": json.loads(again.reveal()),
    }


def _options(given: Given) -> Any:
    options = RequestOptions(**{name: _seconds(name, _value(value)) for name, value in given["options"].items()})
    return {} if not isinstance(options.idempotency_key, str) else {"idempotency-key": quoted(options.idempotency_key)}


def _proxy(given: Given) -> str | None:
    named = {"NO_PROXY": given.get("no_proxy"), "HTTPS_PROXY": given.get("proxy")}
    found = proxy_for(given["url"], {**given["environment"], **{k: v for k, v in named.items() if v is not None}})
    return None if found is None else found.reveal()


FUNCTIONS: Final[Mapping[str, Callable[[Given], Any]]] = {
    "http_date": _http_date,
    "retry_after": _retry_after,
    "backoff": lambda given: _ms(backoff(given["retry"], given["random"])),
    "decide": _decide,
    "cost": lambda given: cost_of(_outcome(_call({"method": "POST", "key": True}), given["came"])),
    "budget": _budget,
    "outcome": lambda given: _error(given)["outcome"],
    "error": _error,
    "lines": lambda given: [line.hex() for line in _lines(given)],
    "events": _events,
    "digest": _digest,
    "shown": _shown,
    "shown_url": lambda given: shown_url(given["url"]),
    "path": lambda given: path_of(given["template"], given["values"]),
    "untyped_path": lambda given: check_path(given["path"]),
    "query": lambda given: query_of(_value(given["values"]), tuple(given["deep"])),
    "body": lambda given: body_of(_value(given["value"])).decode(),
    "request": _request,
    "options": _options,
    "limits": _limits,
    "token": _token,
    "store_key": lambda given: _name(given).key,
    "store_origin": lambda given: origin_of(secret(given["refresh_token"])),
    "kept": _kept,
    "proxy": _proxy,
}
