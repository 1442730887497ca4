"""THE order of the layers."""

from __future__ import annotations

from typing import Any

from .answers import call, request, response
from .flavours import Flavour


def noting(flavour: Flavour, name: str, log: list[str]) -> Any:
    """A layer that notes when it is entered and left."""

    def layer(send: Any) -> Any:
        def sync(one: Any) -> Any:
            log.append(f"> {name}")
            outcome = send(one)
            log.append(f"< {name}")
            return outcome

        async def aio(one: Any) -> Any:
            log.append(f"> {name}")
            outcome = await send(one)
            log.append(f"< {name}")
            return outcome

        return aio if flavour.is_async else sync

    return layer


async def test_the_first_layer_is_the_outermost(flavour: Flavour) -> None:
    """STACK: first = outermost: it sees the request first and the answer last."""
    log: list[str] = []
    one = request(call(flavour.clock()))

    def wire(_: Any) -> Any:
        log.append("wire")
        return response(one.call, 200)

    send = flavour.room("stack").stack(
        [noting(flavour, "outer", log), noting(flavour, "inner", log)], flavour.sender(wire)
    )
    await flavour.settle(send(one))
    assert ["> outer", "> inner", "wire", "< inner", "< outer"] == log


def test_the_literal_list(flavour: Flavour) -> None:
    """STACK: call log > per call > status > retry > auth > per attempt > attempt log, in both flavours."""
    names: Any = ["call_log", "status", "retry", "auth", "attempt_log"]
    layers = flavour.room("stack").layers(
        **{name: name for name in names}, per_call=["per_call 1", "per_call 2"], per_attempt=["per_attempt 1"]
    )
    assert ["call_log", "per_call 1", "per_call 2", "status", "retry", "auth", "per_attempt 1", "attempt_log"] == layers


def test_no_layers(flavour: Flavour) -> None:
    """STACK: without layers the stack is the transport itself."""
    send = flavour.sender()
    assert send is flavour.room("stack").stack([], send)
