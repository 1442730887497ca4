"""What the token may do, asked before it is tried (AUTH-6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._generated.operations import OPERATIONS
from .errors import ConfigurationError
from .exchange import AsyncLayer, Call, Headers, Outcome, Request, Response
from .stack import stack

if TYPE_CHECKING:
    from ._generated.resources.me import AsyncMeResource
    from .resource import AsyncCaller


async def granted(caller: AsyncCaller, me: AsyncMeResource, asking: Sequence[AsyncLayer]) -> frozenset[str]:
    """The scopes of the token: from the token endpoint's answer, else of `me.get`, once per token.

    Args:
        asking: The layers that a token is had through: errors, retries, the token itself.
    """
    call = Call(operation="me.get", method="GET", limits=caller.limits, clock=caller.clock)
    await stack(asking, _nothing)(Request(call, "GET", "", {}, None))
    token = call.token
    assert token is not None
    if token.scopes is None:
        token.scopes = frozenset((await me.get()).scopes)
    return token.scopes


def needed(operation: str) -> frozenset[str]:
    """The scopes that an operation needs, by the document.

    Raises:
        ConfigurationError: There is no such operation.
    """
    info = OPERATIONS.get(operation)
    if info is None:
        raise ConfigurationError(f"There is no operation {operation!r}.", code="unknown_operation")
    return frozenset(info.scopes)


async def _nothing(request: Request) -> Outcome:
    """Where the wire would be: that the token was had is all."""
    return Response(request.call, 204, Headers(), b"")
