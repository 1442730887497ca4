"""Single calls of a driver, beyond cases: a client of its own, nothing that makes it wait, and time told by hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from runner.process import Driver, Message

_CLIENT: Final = "main"
_CALL: Final = "one"


class Client:
    """A client in a driver; `options` by their neutral names. Closed at the end of its block."""

    def __init__(self, driver: Driver, now_ms: int = 0, **options: Any) -> None:
        self._driver = driver
        self._begin = {"type": "client", "client": _CLIENT, "options": {"random": 1.0, **options}, "now_ms": now_ms}

    def __enter__(self) -> Self:
        self._driver.ensure_started()
        self._driver.send(self._begin)
        self._expect_ok()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:  # else the driver may still be at work: whoever asks it next gets a new one
            self._driver.send({"type": "close", "client": _CLIENT, "revoke": False})
            self._expect_ok()
        else:
            self._driver.stop(kill=True)

    def done(self, operation: str, args: Mapping[str, Any] | None = None) -> Message:
        """What becomes of a call. Raises DriverFailed if it wants to wait, or crashes."""
        self._begin_call(operation, args)
        return self._end_call()

    def results(self, operation: str, callers: int) -> list[Any]:
        """The results of calls that are made at once and have to succeed."""
        for _ in range(callers):
            self._begin_call(operation, None)
        messages = [self._end_call() for _ in range(callers)]
        assert [] == [message["error"] for message in messages if "result" not in message]
        return [message["result"] for message in messages]

    def result(self, operation: str, args: Mapping[str, Any] | None = None) -> Any:
        """The result of a call that has to succeed."""
        message = self.done(operation, args)
        assert "result" in message, message
        return message["result"]

    def error(self, operation: str, args: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The error of a call that has to fail."""
        error: Mapping[str, Any] = self.done(operation, args)["error"]
        return error

    def tell_time(self, now_ms: int) -> None:
        """Moves the clock of its calls."""
        self._driver.send({"type": "now", "now_ms": now_ms})

    def _begin_call(self, operation: str, args: Mapping[str, Any] | None) -> None:
        call = {"operation": operation, "args": args or {}, "options": {}, "consume": "all", "raw": False}
        self._driver.send({"type": "call", "call": _CALL, "client": _CLIENT, **call})

    def _end_call(self) -> Message:
        message = self._driver.receive()
        if message["type"] != "done" or "crash" in message:
            raise self._driver.failed(f"it answered `call` with {message}")
        return message

    def _expect_ok(self) -> None:
        answer = self._driver.receive()
        if answer["type"] != "ok":
            raise self._driver.failed(f"it answered with {answer}")
