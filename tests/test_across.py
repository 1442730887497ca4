"""What one SDK writes the others read: objects are age files, whoever encrypted them (FILE-3)."""

from __future__ import annotations

import hashlib
from itertools import permutations

import pytest
from runner.calls import Client
from runner.judge import pattern_bytes
from runner.load import all_scopes
from runner.process import DRIVERS, Driver
from runner.world import DEFAULT_CLIENT

from admin_api_mock.control import Control, WorldHandle

RECIPIENT = "age18uq4s6qhsgxqvwnfzsw0k9seu8e6zvmk7rt6ud69tkq03m604yrqr49kwq"
IDENTITY = "AGE-SECRET-KEY-12W0PDZLH7T74KWY7CSKGUD9DG0QD2DNDCRG3AM929NC4JG3S395QDJSWLV"
#: More than two of age's chunks of 64 KiB, and the last of them not full.
CONTENT = {"pattern": "0123456789abcdef\n", "size": 200_001}


def client_of(driver: Driver, world: WorldHandle) -> Client:
    """A client of the world in a driver."""
    credentials = {"client_id": DEFAULT_CLIENT["id"], "client_secret": DEFAULT_CLIENT["secret"]}
    return Client(driver, world.now_ms(), base_url=world.base_url, **credentials)


@pytest.mark.parametrize("writer,reader", [*permutations(DRIVERS, 2)])
def test_object_is_read_by_the_others(writer: str, reader: str, drivers: dict[str, Driver], control: Control) -> None:
    """An object that one SDK encrypted and uploaded is downloaded and opened by another, byte for byte."""
    content = pattern_bytes(CONTENT)
    with control.create_world(clients=[{**DEFAULT_CLIENT, "scopes": all_scopes()}]) as world:
        written = {"name": "report", "content": CONTENT, "encrypt_to": [RECIPIENT]}
        with client_of(drivers[writer], world) as client:
            stored = client.result("storage.objects.upload", written)
        wanted = {"object_id": stored["id"], "identity": IDENTITY, "expect_sha256": stored["sha256"]}
        with client_of(drivers[reader], world) as client:
            read = client.result("storage.objects.download", wanted)
    expected = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert {**expected, "ciphertext_sha256": stored["sha256"]} == read
