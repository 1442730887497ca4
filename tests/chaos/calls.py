"""A planned call: what is asked for, with which options, under which faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from chaos.weather import Fault

#: Real milliseconds after which a call is cancelled, or the moment it waits for a retry.
Cancel: TypeAlias = int | Literal["asleep"]


class Ref(NamedTuple):
    """What is known only when the call is made."""

    kind: Literal["id", "etag"]
    #: Of what; a key for `etag`.
    name: str
    #: What stands in for an id that nobody was told; without one, the call is not made.
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One call. Its id is the request id of all its attempts."""

    id: str
    operation: str
    args: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    #: The name under which its result's id is remembered.
    makes: str | None = None
    cancel: Cancel | None = None
    #: Whether it goes to a port where nobody listens.
    nowhere: bool = False
