"""What Schemathesis could not guess is put into its requests: ids that exist, current entity tags, fresh keys, digests.

Every second valid request is helped, so that what is not there is met as often. Invalid ones stay as they are.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Mapping
from random import Random
from typing import Any

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.transport.serialization import Binary

from fuzz.world import JudgedWorld

AGE = b"age-encryption.org/v1\n-> X25519 tests\nnot really\n--- mac\n"
WORLD = JudgedWorld.of_environment()
#: Path parameter → where the values that exist are listed, and the member that has them.
LISTED: Mapping[str, tuple[str, str]] = {
    "user_id": ("/api/v1/users?include_deleted=true&sort=-created_at", "id"),
    "plugin_id": ("/api/v1/plugins", "id"),
    "key": ("/api/v1/config", "key"),
    "role": ("/api/v1/roles", "name"),
    "token_id": ("/api/v1/tokens", "id"),
    "object_id": ("/storage/objects", "id"),
    "event_id": ("/api/v1/audit/events?sort=-sequence", "id"),
}
#: The state that an operation asks for.
_LISTED_FOR: Mapping[str, str] = {"users.restore": "/api/v1/users?status=deleted&include_deleted=true"}
#: A key as IdempotencyKey allows it; any other was made to be refused.
_KEY = re.compile(r'"(?:[\x21\x23-\x5B\x5D-\x7E]|\\["\\]){1,255}"|[\x21\x23-\x7E][\x21-\x7E]{0,254}')
_TAG = re.compile(r"[\x21-\x7E][\x20-\x7E]{0,198}")

session = requests.Session()
session.trust_env = False
_dice = Random(1)
_numbers = itertools.count(1)
_keys_used: set[str] = set()
_uploads: list[str] = []


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Makes a valid request one that has something to act on."""
    if case.method != case.operation.method.upper():
        return
    identity, is_valid = _identity(case), _is_valid(case)
    if identity == "audit.events.stream" and (is_valid or "Last-Event-ID" not in case.headers):
        # Behind an old event others come at once; else a stream is silent until its reader goes.
        case.headers["Last-Event-ID"] = _get("/api/v1/audit/events?limit=1").json()["items"][0]["id"]
    _fresh_key(case, may_change=is_valid or _has_valid_headers(case))
    if not is_valid:
        return
    _describe_content(case, identity)
    if next(_numbers) % 2:
        return
    if identity.startswith("oauth."):
        _ask_as_a_client(case, identity)
        return
    if not _in_a_scenario(case):
        _meet_what_is_there(case)
    for name in ("cursor", "after"):  # Opaque: none that is made up leads anywhere.
        case.query.pop(name, None)
    if identity == "config.set":
        _state_the_condition(case)
    elif "If-Match" in case.headers and _TAG.fullmatch(str(case.headers["If-Match"])):
        _hold_the_tag(case)


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response) -> None:
    """Remembers the uploads that were begun: no list has them."""
    if response.status_code == 201 and _identity(case) == "storage.uploads.create":
        _uploads.append(response.headers["location"][0].rpartition("/")[2])


@schemathesis.serializer("application/partial-upload")
def partial_upload(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A part of a file."""
    return _ciphertext(context.case)


@schemathesis.serializer("application/octet-stream")
def octet_stream(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A whole file."""
    return _ciphertext(context.case)


def _identity(case: schemathesis.Case) -> str:
    identity: str = case.operation.definition.raw["operationId"]
    return identity


def _is_valid(case: schemathesis.Case) -> bool:
    """Whether the request as a whole was made to be valid."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def _has_valid_headers(case: schemathesis.Case) -> bool:
    headers = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
    return headers is not None and headers.mode is GenerationMode.POSITIVE


def _in_a_scenario(case: schemathesis.Case) -> bool:
    return case.meta is not None and case.meta.phase.name.value == "stateful"


def _fresh_key(case: schemathesis.Case, may_change: bool) -> None:
    """The first use of a key is left as it is; a second one would only be told to be used."""
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        if may_change and key.strip('"') in _keys_used:  # "k" and k are one key (SERVER-4).
            case.headers["Idempotency-Key"] = key = f"fresh-{len(_keys_used)}"
        _keys_used.add(key.strip('"'))


def _meet_what_is_there(case: schemathesis.Case) -> None:
    for name in case.path_parameters or {}:
        if name == "upload_id" and _uploads:
            case.path_parameters[name] = _dice.choice(_uploads[-3:])
        elif name in LISTED:
            path, member = LISTED[name]
            path = _LISTED_FOR.get(_identity(case), path) if name == "user_id" else path
            items = _get(path).json()["items"]
            if items:
                case.path_parameters[name] = _dice.choice(items)[member]


def _hold_the_tag(case: schemathesis.Case) -> None:
    """The tag that is current: of the resource, or of that whose action it is."""
    current = _get(_resource_path(case))
    if current.status_code == 200 and "ETag" in current.headers:
        case.headers["If-Match"] = current.headers["ETag"]


def _state_the_condition(case: schemathesis.Case) -> None:
    current = _get(_resource_path(case))
    for name in ("If-Match", "If-None-Match"):
        case.headers.pop(name, None)
    if current.status_code == 200:
        case.headers["If-Match"] = current.headers["ETag"]
        if isinstance(case.body, dict):
            # One that satisfies whatever schema the entry has.
            case.body |= {"value": current.json().get("value", "new secret")}
            case.body.pop("schema", None)
    else:
        case.headers["If-None-Match"] = "*"
        if isinstance(case.body, dict):
            case.body.pop("schema", None)


def _ciphertext(case: schemathesis.Case) -> bytes:
    """The body as it is sent: the generated bytes behind the head of an age file."""
    body = case.body.data if isinstance(case.body, Binary) else case.body
    return AGE + (body if isinstance(body, bytes) else str(body).encode())


def _describe_content(case: schemathesis.Case, identity: str) -> None:
    """Digests, and for a part the offset: what has to agree with the body, or with what came before."""
    if identity == "storage.uploads.create" and "Repr-Digest" in case.headers:
        case.headers["Repr-Digest"] = _digest(AGE)  # Schemathesis cannot make one up: its pattern has punctuation.
    if identity not in ("storage.objects.upload", "storage.uploads.append"):
        return
    content = _ciphertext(case)
    case.headers["Content-Digest"] = _digest(content)
    if identity == "storage.uploads.append":
        if _uploads and not _in_a_scenario(case):
            case.path_parameters["upload_id"] = _dice.choice(_uploads[-3:])
        upload = session.head(WORLD.base_url + _resource_path(case), headers=_authorised(), timeout=10)
        offset = upload.headers.get("Upload-Offset", "0")
        for name in ("Upload-Length", "Repr-Digest"):
            case.headers.pop(name, None)
        case.headers["Upload-Offset"] = offset
        if case.headers.get("Upload-Complete") == "?1":
            # Of what came before only the server has the bytes, so that a first part alone can be the last.
            case.headers.update({"Repr-Digest": _digest(content)} if offset == "0" else {"Upload-Complete": "?0"})


def _ask_as_a_client(case: schemathesis.Case, identity: str) -> None:
    """By HTTP Basic, and not both ways at once."""
    if isinstance(case.body, dict):
        for name in ("client_id", "client_secret", "scope"):
            case.body.pop(name, None)
        if identity == "oauth.token":
            case.body["grant_type"] = "client_credentials"


def _resource_path(case: schemathesis.Case) -> str:
    path = case.operation.path.format(**{name: str(value) for name, value in case.path_parameters.items()})
    return path.removesuffix("/rollback")


def _get(path: str) -> requests.Response:
    return session.get(WORLD.base_url + path, headers=_authorised(), timeout=10)


def _authorised() -> dict[str, str]:
    return {"Authorization": f"Bearer {WORLD.token}"}


def _digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
