"""The age command opens what the SDKs encrypt, and they open what it encrypts (FILE-3)."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from runner.calls import Client
from runner.judge import pattern_bytes
from runner.load import all_scopes
from runner.process import DRIVERS, Driver
from runner.world import DEFAULT_CLIENT

from admin_api_mock.control import Control, WorldHandle

SECONDS: Final = 30.0
#: Nothing, less than one of age's chunks, one just full, and a last one of one byte.
SIZES: Final = (0, 1, 65_536, 1_048_577)
PATTERN: Final = "0123456789abcdef\n"


class Key(NamedTuple):
    """One of the command's own making."""

    file: Path
    identity: str
    recipient: str


def ran(program: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A command of age's; without it these tests are skipped, or fail if REQUIRE_LANES=all."""
    if shutil.which(program) is None:
        reason = f"there is no {program}; on Debian and Ubuntu: apt-get install age"
        if os.environ.get("REQUIRE_LANES") == "all":
            pytest.fail(reason)
        pytest.skip(reason)
    return subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=SECONDS, check=False)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[Key]:
    """Two that everything is encrypted to, and one that nothing is."""
    folder = tmp_path_factory.mktemp("keys")
    made = []
    for name in ("one", "two", "other"):
        file = folder / name
        assert ran("age-keygen", "-o", str(file)).returncode == 0
        (identity,) = (line for line in file.read_text().splitlines() if not line.startswith("#"))
        recipient = ran("age-keygen", "-y", str(file)).stdout.decode().strip()
        made.append(Key(file, identity, recipient))
    return made


@pytest.fixture(scope="module")
def world(keys: list[Key], control: Control) -> Iterator[WorldHandle]:
    """Where the objects are."""
    with control.create_world(clients=[{**DEFAULT_CLIENT, "scopes": all_scopes()}]) as made:
        yield made


@pytest.fixture
def client(driver: Driver, world: WorldHandle) -> Iterator[Client]:
    """A client of the world in the driver."""
    credentials = {"client_id": DEFAULT_CLIENT["id"], "client_secret": DEFAULT_CLIENT["secret"]}
    with Client(driver, world.now_ms(), base_url=world.base_url, **credentials) as made:
        yield made


@pytest.mark.parametrize("driver", DRIVERS, indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_the_command_opens_what_an_sdk_wrote(size: int, client: Client, world: WorldHandle, keys: list[Key]) -> None:
    """Each recipient reads every byte; who is none reads nothing."""
    *ours, other = keys
    content = {"pattern": PATTERN, "size": size}
    args = {"name": "report", "content": content, "encrypt_to": [key.recipient for key in ours]}
    stored: dict[str, Any] = client.result("storage.objects.upload", args)
    ciphertext = world.object_bytes(stored["id"])
    for key in ours:
        opened = ran("age", "--decrypt", "-i", str(key.file), stdin=ciphertext)
        assert (0, b"") == (opened.returncode, opened.stderr)
        assert pattern_bytes(content) == opened.stdout
    refused = ran("age", "--decrypt", "-i", str(other.file), stdin=ciphertext)
    assert (1, b"") == (refused.returncode, refused.stdout)


@pytest.mark.parametrize("driver", DRIVERS, indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_an_sdk_opens_what_the_command_wrote(size: int, client: Client, keys: list[Key]) -> None:
    """It goes up as it is; each recipient reads every byte, and who is none is told so (FILE-1, ERR-1)."""
    *ours, other = keys
    content = pattern_bytes({"pattern": PATTERN, "size": size})
    made = ran("age", *(part for key in ours for part in ("-r", key.recipient)), stdin=content)
    assert (0, b"") == (made.returncode, made.stderr)
    sha256 = hashlib.sha256(made.stdout).hexdigest()
    args = {"name": "report", "content": {"base64": base64.b64encode(made.stdout).decode()}, "already_encrypted": True}
    stored: dict[str, Any] = client.result("storage.objects.upload", args)
    assert (sha256, len(made.stdout)) == (stored["sha256"], stored["size"])
    wanted = {"object_id": stored["id"], "expect_sha256": sha256}
    opened = {"size": size, "sha256": hashlib.sha256(content).hexdigest(), "ciphertext_sha256": sha256}
    for key in ours:
        assert opened == client.result("storage.objects.download", {**wanted, "identity": key.identity})
    refused = client.error("storage.objects.download", {**wanted, "identity": other.identity})
    assert "NoMatchingKeyError" == refused["class"]
