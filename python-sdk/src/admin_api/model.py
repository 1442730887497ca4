"""What the generated models are made of: frozen pydantic models, open enums, open unions.

An answer may grow: unknown members are kept in `model_extra`, an unknown enum value is a member of its enum, an unknown
variant of a union is `UnknownVariant`. A *known* variant that is broken stays an error that names the member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, PlainSerializer

from .errors import ConfigurationError


class Model(BaseModel):
    """A value of the API; immutable, with unknown members kept."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        defer_build=True,  # a class costs its build when first used, not at import
        populate_by_name=True,
        protected_namespaces=(),  # the API may call a member model_…
    )


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the API writes it.

    Raises:
        ConfigurationError: The moment has no time zone, so it means nothing elsewhere.
    """
    if moment.tzinfo is None:
        raise ConfigurationError("A datetime must have a time zone.", code="invalid_datetime")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp: TypeAlias = Annotated[datetime, PlainSerializer(timestamp, when_used="json-unless-none")]
"""A moment of an answer: a datetime, and in JSON the API's own text."""


class UnknownVariant(Model):
    """A variant of a union that this version of the SDK does not know; its members are in `model_extra`."""


class OpenEnum(str, Enum):
    """An enum that may grow: an unknown value becomes a member named UNKNOWN, equal to its own string."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = "UNKNOWN"
        member._value_ = value
        return member

    def __str__(self) -> str:
        return str(self.value)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return (type(self), (self.value,))

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __copy__(self) -> Self:
        return self


UNKNOWN = "?"
"""Tag of `UnknownVariant` in a discriminated union."""


def variant_of(member: str, known: frozenset[str]) -> Callable[[Any], str]:
    """Gives the discriminator of an open union: the tag in `member`, or UNKNOWN for one that is not known."""

    def tag(value: Any) -> str:
        given = value.get(member) if isinstance(value, Mapping) else getattr(value, member, None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (foreign JSON)
        return given if isinstance(given, str) and given in known else UNKNOWN

    return tag
