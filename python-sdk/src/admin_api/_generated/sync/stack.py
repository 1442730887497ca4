# Derived by make generate from stack.py. Do not edit.
"""THE order of the layers; first = outermost = first to see the request."""

from __future__ import annotations

from collections.abc import Sequence

from ...exchange import Layer, Send


def layers(
    *,
    call_log: Layer,
    per_call: Sequence[Layer],
    status: Layer,
    retry: Layer,
    auth: Layer,
    per_attempt: Sequence[Layer],
    attempt_log: Layer,
) -> list[Layer]:
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


def stack(layers: Sequence[Layer], send: Send) -> Send:
    """How to send through the layers."""
    for layer in reversed(layers):
        send = layer(send)
    return send
