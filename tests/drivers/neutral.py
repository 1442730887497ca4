"""Between the suite's neutral form and the Python SDK: names, options, results, errors. It asserts nothing."""

from __future__ import annotations

import base64
import hashlib
import pickle
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from admin_api import AdminAPIError, RequestOptions
from admin_api._generated.operations import OPERATIONS, OperationInfo
from admin_api.encryption import identity, recipient

_OPTIONS = {
    "timeout_ms": "timeout",
    "deadline_ms": "deadline",
    "token_timeout_ms": "token_timeout",
    "max_retry_after_ms": "max_retry_after",
}


#: Attributes of a lazy list or stream, not arguments of the operation.
_OF_LAZY = {"idle_timeout_ms": "idle_timeout", "liveness_ms": "liveness"}


def seconds(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a client or call by the SDK's names; durations become seconds."""
    return {
        _OPTIONS.get(name, name): value / 1000 if name in _OPTIONS and value is not None else value
        for name, value in given.items()
    }


#: Methods of the client itself.
_OF_CLIENT = {
    "client.request": OperationInfo((), "request", "unary", (), ("method", "path"), {"query": "query", "body": "body"}),
    "client.can": OperationInfo((), "can", "unary", (), ("operation",), {}),
    "client.scopes": OperationInfo((), "scopes", "unary", (), (), {}),
}


def method_of(client: Any, operation: str, *, raw: bool) -> tuple[Any, OperationInfo]:
    """The SDK's method for an operation, by the generated table; a KeyError if it has none."""
    info = _OF_CLIENT.get(operation) or OPERATIONS[operation]
    resource = client
    for attribute in info.path:
        resource = getattr(resource, attribute)
    return getattr(resource.with_raw_response if raw else resource, info.method), info


def arguments_of(
    info: OperationInfo, given: Mapping[str, Any], options: Mapping[str, Any], folder: Path
) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments from wire names; a KeyError for a name that the operation does not have."""
    rest = dict(given)
    named: dict[str, Any] = {}
    positional = [rest.pop(name) for name in info.positional]
    if info.kind == "upload":
        positional.append(_content(rest.pop("content")))
        if "encrypt_to" in rest:
            named["encrypt_to"] = [recipient(text) for text in rest.pop("encrypt_to")]
        if "already_encrypted" in rest:
            named["already_encrypted"] = rest.pop("already_encrypted")
    elif info.kind == "download":
        named["to"] = folder / "downloaded"
        if "identity" in rest:
            named["identity"] = identity(rest.pop("identity"))
        if "expect_sha256" in rest:
            named["expect_sha256"] = rest.pop("expect_sha256")
    named |= {info.arguments[name]: value for name, value in rest.items()}
    if options:
        named["options"] = RequestOptions(**seconds(options))
    return positional, named


def configure(lazy: Any, given: Mapping[str, Any]) -> None:
    """What is set on a list or stream before it is read."""
    for name, attribute in _OF_LAZY.items():
        if name in given:
            setattr(lazy, attribute, given[name] / 1000)


def _content(given: Mapping[str, Any]) -> bytes:
    if "base64" in given:
        return base64.b64decode(given["base64"])
    pattern: bytes = given["pattern"].encode()
    size: int = given["size"]
    return (pattern * (size // len(pattern) + 1))[:size]


def result_of(value: Any, folder: Path, *, raw: bool) -> Any:
    """A result as JSON with wire names; of a download, what was delivered."""
    if raw:
        members = ("status", "request_id", "audit_event_id", "attempts", "idempotency_key")
        return {"data": result_of(value.data, folder, raw=False), **{name: getattr(value, name) for name in members}}
    if isinstance(value, list):
        return [result_of(item, folder, raw=False) for item in value]
    if hasattr(value, "next_cursor"):
        return {"items": result_of(value.items, folder, raw=False), "next_cursor": value.next_cursor}
    if hasattr(value, "model_dump"):
        return _as_wire(value.model_dump(by_alias=True, exclude_unset=True))
    if hasattr(value, "sha256"):
        delivered = (folder / "downloaded").read_bytes()
        return {
            "size": len(delivered),
            "sha256": hashlib.sha256(delivered).hexdigest(),
            "ciphertext_sha256": value.sha256,
        }
    return sorted(value) if isinstance(value, frozenset | set) else value


def _as_wire(value: Any) -> Any:
    """Times as this API spells them, with milliseconds; open enums by their value."""
    if isinstance(value, Mapping):
        return {name: _as_wire(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_as_wire(member) for member in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.value if isinstance(value, Enum) else value


def error_of(error: AdminAPIError) -> dict[str, Any]:
    """An error by its neutral members."""
    retry_after = error.retry_after
    found: dict[str, Any] = {
        "class": type(error).__name__,
        **{
            name: getattr(error, name)
            for name in (
                "code",
                "status",
                "operation",
                "outcome",
                "retryable",
                "attempts",
                "request_id",
                "idempotency_key",
            )
        },
        "retry_after_ms": None
        if retry_after is None
        else "infinite"
        if retry_after == float("inf")
        else round(retry_after * 1000),
    }
    for name in ("missing_scopes", "granted_scopes", "last_id"):
        if hasattr(error, name):
            value = getattr(error, name)
            found[name] = list(value) if isinstance(value, tuple) else value
    errors = getattr(error, "errors", None)
    if errors:
        found["errors"] = [{"pointer": one.pointer, "parameter": one.parameter, "code": one.code} for one in errors]
    return found


def shown_by(error: BaseException) -> list[str]:
    """All that an error shows to whoever logs or stores it: texts, its traceback, a pickle, the SDK's own frames."""
    frames = [
        str(frame.f_locals)
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith("admin_api")
    ]
    texts = (str(error), repr(error), "".join(traceback.format_exception(error)), pickle.dumps(error).decode("latin-1"))
    return [*texts, *frames]
