"""Tells a telemetry of calls, attempts, retries and refreshes (LOG-2). Loaded only with the option `telemetry`.

It makes no record: retry and grants do.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from ..backoff import Budget
from ..exchange import AsyncLayer, AsyncSend, Outcome, Request, Response
from ..options import check_header
from ..telemetry import CallTelemetry, Guarded, Listener, Telemetry


class AsyncWatch:
    """What a client puts into its slots, and whom it tells.

    Args:
        budget: Held weakly, so that a client that is gone is gone.
        warn: Told once if the telemetry raises.
    """

    def __init__(self, telemetry: Telemetry, base_url: str, budget: Budget, warn: Callable[[str], None]) -> None:
        self._telemetry = telemetry
        self._guarded = Guarded(warn)
        held = weakref.ref(budget)

        def left() -> int | None:
            budget = held()
            return None if budget is None else budget.left

        self._guarded.tell(lambda: telemetry.opened(base_url, left))

    def per_call(self) -> AsyncLayer:
        """The first of the slots per call: all of the call lies within."""
        tell = self._guarded.tell

        def layer(send: AsyncSend) -> AsyncSend:
            async def watched(request: Request) -> Outcome:
                call = request.call
                telling = tell(lambda: self._telemetry.began(request))
                call.telemetry = Listener(self._guarded, self._telemetry, telling)
                if telling is None:
                    return await send(request)

                def ended(outcome: Response | BaseException, ending: str | None = None) -> None:
                    seconds = call.clock.monotonic() - call.started_at
                    tell(lambda: telling.ended(outcome, seconds, ending))

                tell(lambda: telling.enter())  # noqa: PLW0108 (what is no method fails in the guard)
                try:
                    outcome = await send(request)
                except BaseException as error:
                    ended(error)
                    raise
                finally:
                    tell(lambda: telling.leave())  # noqa: PLW0108 (likewise)
                if isinstance(outcome, Response):
                    answer = outcome
                    if answer.stream is None:
                        ended(answer)
                    else:
                        answer.on_end = lambda how: ended(answer, how)
                return outcome

            return watched

        return layer

    def per_attempt(self) -> AsyncLayer:
        """The last of the slots per attempt: next to the wire, with all headers in place."""
        tell = self._guarded.tell

        def layer(send: AsyncSend) -> AsyncSend:
            async def watched(request: Request) -> Outcome:
                call = request.call
                telling = call.telemetry and call.telemetry.call
                if telling is None:
                    return await send(request)
                sent = tell(lambda: carrying(request, telling)) or request
                began = call.clock.monotonic()

                def attempted(outcome: Outcome | BaseException) -> None:
                    seconds = call.clock.monotonic() - began
                    tell(lambda: telling.attempted(sent, outcome, seconds))

                try:
                    outcome = await send(sent)
                except BaseException as error:
                    attempted(error)
                    raise
                attempted(outcome)
                return outcome

            return watched

        return layer

    def asking(self) -> AsyncLayer:
        """Where a token is asked for, and nobody calls: retries and refreshes count all the same."""

        def layer(send: AsyncSend) -> AsyncSend:
            async def watched(request: Request) -> Outcome:
                request.call.telemetry = Listener(self._guarded, self._telemetry, None)
                return await send(request)

            return watched

        return layer


def carrying(request: Request, telling: CallTelemetry) -> Request:
    """The request with the headers of the telemetry that it does not have yet."""
    headers = dict(request.headers)
    for given, value in telling.headers(request).items():
        check_header(given, value)
        headers.setdefault(given.lower(), value)
    return Request(request.call, request.method, request.url, headers, request.content)
