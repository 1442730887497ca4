"""Who is calling: what authentication found, and what every decision after it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `type` is an ActorType of the document."""

    type: str
    id: str
    name: str | None
    scopes: frozenset[str]
    #: The personal token used, or None.
    token_id: str | None = None
    #: The OAuth client whose access token was used, or None.
    client_id: str | None = None
    #: When the token used stops working; None if never.
    expires_ms: int | None = None

    @property
    def subject(self) -> str:
        """What Idempotency-Keys are scoped by: the actor, so that a refreshed token still meets its first answer."""
        return f"{self.type}:{self.id}"
