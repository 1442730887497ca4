"""What a case puts into a client's seams: environment, ids, tokens, a logger and layers that tell what comes by."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import protocol

from admin_api import Request


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment for a while."""
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def one_by_one(values: Sequence[str]) -> Callable[[], str]:
    """A function that gives a value a call, the last for ever."""
    left = list(values)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


class _Telling(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        fields = getattr(record, "admin_api", {})
        protocol.say(type="log", level=record.levelname.lower(), text=record.getMessage(), fields=fields)


def telling_logger(level: str) -> logging.Logger:
    """A logger of its own whose records go to the runner."""
    logger = logging.Logger("suite", level.upper())  # noqa: LOG001 - each client has its own, in no registry
    logger.addHandler(_Telling())
    return logger


def tell_passage(slot: str, request: Request, outcome: Any) -> None:
    """Tells the runner what came by a layer of the user's own."""
    protocol.say(
        type="passage",
        slot=slot,
        operation=request.call.operation,
        attempt=request.call.attempts,
        authorized="authorization" in request.headers,
        status=getattr(outcome, "status", None),
    )


def options(given: Mapping[str, Any], layer: Callable[[str], Any]) -> dict[str, Any]:
    """Options of a client with what the case names in place of what it stands for."""
    rest = {name: value for name, value in given.items() if name not in ("env", "random")}
    if "ids" in rest:
        rest["new_id"] = one_by_one(rest.pop("ids"))
    if "token_function" in rest:
        rest["token"] = one_by_one(rest.pop("token_function"))
    if "log" in rest:
        rest["logger"] = telling_logger(rest.pop("log"))
    if rest.pop("telemetry", False):
        from spans import telling_telemetry  # few cases have it, and each driver would wait for it

        rest["telemetry"] = telling_telemetry()
    if rest.pop("slots", False):
        rest |= {"per_call": [layer("per_call")], "per_attempt": [layer("per_attempt")]}
    return rest
