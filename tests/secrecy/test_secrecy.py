"""No secret shows itself anywhere, in a session that uses all of them, of either language and flavour (AUTH-9)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from secrecy.judge import Judge, forms

from admin_api import AdminAPIError
from admin_api_mock.control import Control

HERE: Final = Path(__file__).parent
COMMANDS: Final = {
    # Warnings are shown, and asyncio tells what it thinks of tasks.
    "python-sync": ("sync", [sys.executable, "-X", "dev", str(HERE / "session.py")]),
    "python-async": ("async", [sys.executable, "-X", "dev", str(HERE / "session.py")]),
    "node": ("node", ["node", "--trace-warnings", str(HERE / "session.mjs")]),
}
PYTHON_CHANNELS: Final = [
    "objects",
    "records",
    "errors",
    "pickles",
    "frames",
    "telemetry",
    "warnings",
    "stdout",
    "stderr",
]
NODE_CHANNELS: Final = ["objects", "records", "errors", "telemetry", "warnings", "stdout", "stderr"]
SECRETS: Final = {
    "client": "cl1ent%s3cr+t &hush",
    "narrow": "n4rrow-s3cret-hush",
    "proxy": "pr0xy-p4ssword-hush",
    "body": "b0dy-p4ssword-hush",
    "header": "h3ader-s3cret-hush",
    "query": "qu3ry-s3cret-hush",
    "identity": "AGE-SECRET-KEY-12W0PDZLH7T74KWY7CSKGUD9DG0QD2DNDCRG3AM929NC4JG3S395QDJSWLV",
}
MALFORMED: Final = ["status_line", "chunk_size", "content_length_short", "gzip", "json", "utf8", "content_type", "html"]
STATUSES: Final = [302, 400, 401, 403, 404, 409, 410, 412, 413, 422, 428, 429, 500, 503]
BREAKS: Final[dict[str, dict[str, Any]]] = {
    **{f"status-{status}": {"respond": {"status": status, "problem": {}}} for status in STATUSES},
    "invalid-token": {
        "respond": {
            "status": 401,
            "headers": {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            "problem": {"code": "invalid_token"},
        }
    },
    **{f"malformed-{how}": {"malformed": how} for how in MALFORMED},
    "reset-before": {"reset": "before"},
    "reset-after": {"reset": "after_commit"},
    "cut": {"reset_after_answer_bytes": 20},
    "stall": {"stall": "before"},
    "stall-within": {"stall_after_answer_bytes": 20},
}
SLOW: Final = ["stall", "stall-within"]
CLIENTS: Final = [
    {"id": "confidential", "secret": SECRETS["client"], "refresh_tokens": True},
    {"id": "public"},
    {"id": "narrow", "secret": SECRETS["narrow"], "scopes": ["users:read"]},
]
#: What an authorization server might say of a request, all of it back.
ECHOED: Final = " ".join(SECRETS.values())
REFUSALS: Final[list[dict[str, Any]]] = [
    {"respond": {"status": 400, "body": {"error": "invalid_grant", "error_description": ECHOED}}},
    {"respond": {"status": 400, "body": {"error": ECHOED}}},
    {"respond": {"status": 500, "body": ECHOED}},
    {"respond": {"status": 200, "body": ECHOED}},
    {"respond": {"status": 200, "body": {"access_token": ECHOED + "\n", "token_type": "Bearer"}}},
    {"respond": {"status": 302, "headers": {"Location": "https://elsewhere.example/?s=" + SECRETS["proxy"]}}},
    {"reset": "after_commit"},
]
#: Where a secret legitimately stands, as (channel, place, secret): all of it, and nothing that is not.
IN_PYTHON: Final = {
    # What a caller passes as a plain argument is in the frames of the methods that take it, down to where it becomes
    # bytes, as it is in the caller's own; the SDK does not know that this value is a secret.
    *(("frames", place, "body") for place in ("set.value", "_call.body", "call.body", "call.content")),
    *(("frames", place, "body") for place in ("request.body", "request.content")),
}
IN_NODE: Final = {
    # JavaScript has no reprs: `inspect` shows the public members of what a layer of one's own is given. The user's own
    # header and query are plain there, as the user gave them; the SDK's credentials are not.
    ("objects", "Request", "header"),
    ("objects", "Request", "query"),
}


#: Objects that there have to be for the look to be one; in JavaScript only those that can be got hold of.
IN_BOTH: Final = {"AdminClient", "FileTokenStore", "Identity", "MemoryTokenStore", "Request", "Response", "WireError"}
OF_PYTHON: Final = {"AccessToken", "Endpoint", "IssuedToken", "Renewal", "RequestOptions", "Secret", "TokenFailure"}
MANY: Final = 50


@pytest.fixture
def facts(control: Control, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Worlds where everything breaks, the secrets to use there, and a proxy that is not there."""
    settings: dict[str, Any] = {"clients": CLIENTS, "tokens": [{"name": "walk"}], "users": 3}
    with control.create_world(**settings) as world, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        for kind, how in BREAKS.items():
            world.fault("*", headers={"X-Request-Id": kind}, times=10_000, **how)
        refusing = [control.create_world(**settings) for _ in REFUSALS]
        for each, how in zip(refusing, REFUSALS, strict=True):
            each.fault("oauth.token", times=10_000, **how)
        log_ins = {name: world.log_in(name)["refresh_token"] for name in ("confidential", "public")}
        yield {
            "base_url": world.base_url,
            "refusing": [each.base_url for each in refusing],
            "client_id": "confidential",
            "public_id": "public",
            "kinds": list(BREAKS),
            "slow": SLOW,
            "proxies": [
                f"http://me:{SECRETS['proxy']}@127.0.0.1:{nobody.getsockname()[1]}",
                f"ftp://me:{SECRETS['proxy']}@p",
            ],
            "store": str(tmp_path / "store"),
            "secrets": {
                **SECRETS,
                "token": world.token,
                "refresh": log_ins["confidential"],
                "public_refresh": log_ins["public"],
            },
            "canary": None,
        }
        for each in refusing:
            each.delete()


def shown_by(name: str, facts: dict[str, Any], tmp_path: Path) -> list[tuple[str, str, str]]:
    """All that a session shows: channel, place, text."""
    flavour, command = COMMANDS[name]
    told = tmp_path / "shown.jsonl"
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    ended = subprocess.run(
        [*command, json.dumps({**facts, "flavour": flavour}), str(told)],
        env={**environment, "ADMIN_API_LOG": "debug"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert 0 == ended.returncode, ended.stderr[-3000:]
    lines = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    # A warning is a line on stderr; it has a channel of its own only so that its canary differs.
    outputs = [("stdout", "", ended.stdout), ("stderr", "", ended.stderr)]
    return [(channel, place, text) for channel, place, text in (*lines, *outputs)]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_secret_is_shown(name: str, facts: dict[str, Any], tmp_path: Path) -> None:
    """AUTH-9: in objects, records, errors, pickles, frames, warnings and output there is none, in any form."""
    judge = Judge(facts["secrets"])
    shown = shown_by(name, facts, tmp_path)
    found = {(channel, place, secret) for channel, place, text in shown for secret in judge.found(text)}
    legitimate = IN_NODE if name == "node" else IN_PYTHON
    assert sorted(legitimate) == sorted(found)
    (met,) = (json.loads(text) for channel, _, text in shown if channel == "met")
    assert classes(AdminAPIError) - set(met) == set()
    places = Counter(channel for channel, _, _ in shown)
    assert {} == {name: places[name] for name in ("objects", "records", "errors", "telemetry") if places[name] < MANY}
    kinds = {place.rpartition(".")[2].removeprefix("Async") for channel, place, _ in shown if channel == "objects"}
    assert (IN_BOTH if name == "node" else IN_BOTH | OF_PYTHON) - kinds == set()


def classes(base: type[AdminAPIError]) -> set[str]:
    """The names of all classes of errors below one."""
    return {name for kind in base.__subclasses__() for name in (kind.__name__, *classes(kind))}


@pytest.mark.parametrize(
    "name, channel",
    [("python-sync", channel) for channel in PYTHON_CHANNELS] + [("node", channel) for channel in NODE_CHANNELS],
)
def test_a_leak_would_be_seen(name: str, channel: str, facts: dict[str, Any], tmp_path: Path) -> None:
    """A secret that is leaked on purpose is found in its channel, and nowhere else."""
    judge = Judge(facts["secrets"])
    shown = shown_by(name, {**facts, "canary": channel}, tmp_path)
    seen_in = {where for where, _, text in shown if "token" in judge.found(text)}
    expected = {"warnings": {"stderr"}, "records": {"records"}, "stdout": {"stdout"}, "stderr": {"stderr"}}
    assert expected.get(channel, {channel}) == seen_in


@pytest.mark.parametrize("form", sorted(forms("cl1ent%s3cr+t &hush")))
def test_every_form_is_found(form: str) -> None:
    """As it is, escaped, or in base64 at any offset."""
    assert {"client"} == Judge({"client": "cl1ent%s3cr+t &hush"}).found(f"before {form} after")
