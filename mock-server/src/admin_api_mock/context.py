"""The Context: all that is known of one request, filled phase by phase (phases.py), handed to the API's own logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from admin_api_mock.http import Answer, Request

if TYPE_CHECKING:
    from admin_api_mock.document import Operation
    from admin_api_mock.faults import Fault
    from admin_api_mock.journal import Entry
    from admin_api_mock.principal import Principal
    from admin_api_mock.ratelimit import Standing
    from admin_api_mock.worlds import World


@dataclass(slots=True)
class Context:
    """One per request. What has no value yet is filled in by the phase named beside it, and not asked for before."""

    request: Request
    #: The caller's own X-Request-Id if it is sane, else one of the world's.
    request_id: str = ""
    world: World = field(init=False)  # world
    entry: Entry = field(init=False)  # journal
    operation: Operation = field(init=False)  # route
    #: Path values, percent-decoded, by parameter name.
    path: dict[str, str] = field(default_factory=dict)
    #: Query values by name, coerced by their schemas; a parameter with an array schema is a list. Absent = not sent,
    #: unless its schema has a default.
    query: dict[str, Any] = field(default_factory=dict)
    #: Declared header parameters by lower-case name, coerced.
    header_params: dict[str, Any] = field(default_factory=dict)
    #: Parsed JSON or form body; None if the operation takes none, none was sent, or the body is binary (see raw_body).
    body: Any = None
    principal: Principal | None = None
    #: Where the caller stands against its quota, once counted.
    standing: Standing | None = None
    #: The phase it is in, or ended in.
    phase: str = ""
    #: What the transaction answered, and the fault that will break it on its way.
    answer: Answer | None = None
    broken_by: Fault | None = None

    @property
    def raw_body(self) -> bytes:
        """The body's bytes as they arrived."""
        return self.request.body

    @property
    def caller(self) -> Principal:
        """The authenticated principal; a public operation has none and must not ask."""
        assert self.principal is not None, "a public operation asked who is calling"
        return self.principal
