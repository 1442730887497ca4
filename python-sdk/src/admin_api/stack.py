"""THE order of the layers; first = outermost = first to see the request."""

from __future__ import annotations

from collections.abc import Sequence

from .exchange import AsyncLayer, AsyncSend


def layers(
    *,
    call_log: AsyncLayer,
    per_call: Sequence[AsyncLayer],
    status: AsyncLayer,
    retry: AsyncLayer,
    auth: AsyncLayer,
    per_attempt: Sequence[AsyncLayer],
    attempt_log: AsyncLayer,
) -> list[AsyncLayer]:
    """The stack, from the caller to the wire."""
    return [
        call_log,  # sees the call as its caller does, errors too
        *per_call,  # the user's own: once per call, outside of all retries
        status,  # the only one that raises; below it an outcome is a value
        retry,  # outside auth, so that there is one retry budget and a refresh cannot double it
        auth,  # each attempt gets the token of its moment
        *per_attempt,  # the user's own: once per attempt, with the token in place
        attempt_log,  # sees what goes over the wire
    ]


def stack(layers: Sequence[AsyncLayer], send: AsyncSend) -> AsyncSend:
    """How to send through the layers."""
    for layer in reversed(layers):
        send = layer(send)
    return send
