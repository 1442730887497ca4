"""Prints `operations.py`, the surface as data for the contract drivers and the parity tests, and `endpoints.py`."""

from __future__ import annotations

from ..ir import Api, Operation
from .types import identifier, literal, literals

_PREAMBLE = '''"""Every operation as data: where its method is, how its arguments are named, which scopes it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple


class OperationInfo(NamedTuple):
    """One operation of the document."""

    path: tuple[str, ...]
    """Attributes that lead from the client to the resource."""
    method: str
    """Name of the method there."""
    kind: Literal["unary", "pages", "items", "events", "upload", "download"]
    """What a call gives."""
    scopes: tuple[str, ...]
    """Scopes that a token needs."""
    positional: tuple[str, ...]
    """Wire names of the positional arguments, in order."""
    arguments: Mapping[str, str]
    """Wire name → name of the keyword argument."""


'''


def emit(api: Api) -> str:
    """The text of `operations.py`."""
    entries = "".join(f"    {literal(operation.id)}: {_info(operation)},\n" for operation in api.operations)
    scopes = "".join(f"    {literal(name)}: {literal(purpose)},\n" for name, purpose in api.scopes.items())
    return (
        _PREAMBLE
        + f"OPERATIONS: Final[Mapping[str, OperationInfo]] = {{\n{entries}}}\n\n"
        + f"SCOPES: Final[Mapping[str, str]] = {{\n{scopes}}}\n\n"
    )


def endpoints(api: Api) -> str:
    """The text of `endpoints.py`: apart from the table above, so that a client loads no more than it needs."""
    return (
        '"""Where the client itself goes."""\n\nfrom typing import Final\n\n'
        f"TOKEN_PATH: Final = {literal(api.token_path)}\n"
        f"REVOCATION_PATH: Final = {literal(api.revocation_path)}\n"
    )


def _info(operation: Operation) -> str:
    positional = tuple(item.wire for item in operation.arguments if item.location == "path")
    named = [item for item in operation.arguments if item.location != "path"]
    arguments = ", ".join(f"{literal(item.wire)}: {literal(identifier(item.name))}" for item in named)
    return (
        f"OperationInfo(path={literals(tuple(operation.resource.split('.')))}, "
        f"method={literal(identifier(operation.name))}, kind={literal(operation.kind)}, "
        f"scopes={literals(operation.scopes)}, positional={literals(positional)}, arguments={{{arguments}}})"
    )
