"""What is generated, at work: a copy of the SDK with the mini document in the place of the real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generate import __main__ as command

from .conftest import MINI, SPEC

SDK = SPEC.parent / "python-sdk" / "src" / "admin_api"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to import that copy from."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(SDK, home / "admin_api", ignore=shutil.ignore_patterns("__pycache__", "_generated"))
    (home / "spec").mkdir()
    shutil.copy(MINI / "openapi.yaml", home / "spec")
    shutil.copy(SPEC / "policy.yaml", home / "spec")
    places = ["--spec", str(home / "spec"), "--python", str(home / "admin_api"), "--node", str(home / "node")]
    assert 0 == command.main(places)
    return home


def python(home: Path, script: str, *arguments: str) -> Any:
    """Runs a script against the copy; what it printed, as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(home)}
    line = [sys.executable, "-c", script, *arguments]
    return json.loads(subprocess.run(line, env=environment, check=True, capture_output=True, text=True).stdout)


PET = {
    "id": "pet_1",
    "animal": {"kind": "cat", "lives": 9},
    "mood": "happy",
    "version": "1",
    "from": "2030-01-01T00:00:00.000Z",
    "schema": {"any": [1, None]},
    "chip": "s3cret",
}

DECODE = """
import json, sys
from pydantic import ValidationError
from admin_api._generated.models.pets import Pet
try:
    pet = Pet.model_validate_json(sys.argv[1])
except ValidationError as error:
    print(json.dumps({"refused": [list(found["loc"]) for found in error.errors()]}))
else:
    print(json.dumps({
        "animal": type(pet.animal).__name__, "mood": str(pet.mood), "mood_type": type(pet.mood).__name__,
        "from": repr(pet.from_), "schema": pet.schema_, "extra": pet.model_extra, "shown": "s3cret" in repr(pet),
        "again": json.loads(pet.model_dump_json(by_alias=True, exclude_unset=True)),
    }))
"""


def test_answer_is_decoded_whole(home: Path) -> None:
    """Every member arrives under its Python name, goes back under its wire name, and a secret is in no repr."""
    found = python(home, DECODE, json.dumps(PET))
    assert "datetime.datetime(2030, 1, 1" in found["from"]
    assert {"any": [1, None]} == found["schema"]
    assert not found["shown"]
    assert {**PET, "from": "2030-01-01T00:00:00.000Z"} == found["again"]


def test_unknown_values_arrive(home: Path) -> None:
    """An unknown member, enum value and variant reach the user whole, and so does a constant that changed."""
    odd = {**PET, "mood": "grumpy", "animal": {"kind": "bird", "wings": 2}, "version": "2", "new": {"a": 1}}
    found = python(home, DECODE, json.dumps(odd))
    assert ("grumpy", "Mood") == (found["mood"], found["mood_type"])
    assert "UnknownVariant" == found["animal"]
    assert {"new": {"a": 1}} == found["extra"]
    assert {**odd, "from": "2030-01-01T00:00:00.000Z"} == found["again"]


def test_broken_variant_is_an_error(home: Path) -> None:
    """A known variant that is broken is not taken for an unknown one: the error names the member."""
    found = python(home, DECODE, json.dumps({**PET, "animal": {"kind": "cat"}}))
    assert [["animal", "cat", "lives"]] == found["refused"]


def test_tag_is_sent(home: Path) -> None:
    """A tag that only its default gave is part of the request."""
    script = """
import json
from admin_api._generated.models.pets import Cat
print(Cat(lives=9).model_dump_json(exclude_unset=True))
"""
    assert {"kind": "cat", "lives": 9} == python(home, script)


REQUESTS = """
import json, sys
from datetime import UTC, datetime
import httpx
from admin_api import AdminClient
from admin_api._generated.models.pets import Base, Cat

seen = []

def answer(request):
    seen.append([request.method, request.url.raw_path.decode(), request.read().decode(),
                 {name: request.headers[name] for name in sys.argv[2:] if name in request.headers}])
    if request.url.path == "/pets" and request.method == "GET":
        return httpx.Response(200, json={"items": [json.loads(sys.argv[1])], "next_cursor": None})
    if request.method == "DELETE":
        return httpx.Response(204)
    if "if-none-match" in request.headers:
        return httpx.Response(304)
    return httpx.Response(200, json=json.loads(sys.argv[1]))

with AdminClient(base_url="https://localhost", token="t", http_client=httpx.MockTransport(answer)) as client:
    pets = client.pets
    listed = pets.list(mood=["happy", "-happy"], from_=datetime(2030, 1, 1, tzinfo=UTC), limit=2)
    assert [pet.id for pet in listed] == ["pet_1"]
    assert pets.create(name="Tom", animal=Cat(lives=9), friends=[Base(id="pet_2"), {"id": "pet_3"}]).id == "pet_1"
    assert pets.get("pet_1").id == "pet_1"
    assert pets.get("pet_1", if_none_match='"a"') is None
    pets.update("pet_1", name=None, if_match="*")
    pets.with_raw_response.update("pet_1")
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert pets.delete("pet_1") is None
    assert ["pets.delete is deprecated. It goes away on 2027-01-01."] == [str(one.message) for one in caught]
print(json.dumps(seen))
"""


def test_requests(home: Path) -> None:
    """Arguments go where the document says, under their wire names; what is left out is not sent, None is null."""
    answer = {key: value for key, value in PET.items() if key != "schema"}
    seen = python(home, REQUESTS, json.dumps(answer), "if-match", "if-none-match", "content-type")
    json_type, merge_type = {"content-type": "application/json"}, {"content-type": "application/merge-patch+json"}
    created = '{"name":"Tom","animal":{"kind":"cat","lives":9},"friends":[{"id":"pet_2"},{"id":"pet_3"}]}'
    wanted = [
        ["GET", "/pets?mood=happy&mood=-happy&from=2030-01-01T00%3A00%3A00.000Z&limit=2", "", {}],
        ["POST", "/pets", json.loads(created), json_type],
        ["GET", "/pets/pet_1", "", {}],
        ["GET", "/pets/pet_1", "", {"if-none-match": '"a"'}],
        ["PATCH", "/pets/pet_1", {"name": None}, {**merge_type, "if-match": "*"}],
        ["PATCH", "/pets/pet_1", {}, merge_type],
        ["DELETE", "/pets/pet_1", "", {}],
    ]
    assert wanted == [[method, path, json.loads(body) if body else "", headers] for method, path, body, headers in seen]


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_types(home: Path, checker: str) -> None:
    """Both type checkers are strict-clean over what is generated, and tell what its users do wrong."""
    (home / f"use_{checker}.py").write_text(USE, encoding="utf-8")
    if checker == "mypy":
        line = [
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            f"--cache-dir={home / 'cache'}",
            "-p",
            "admin_api._generated",
        ]
        found = subprocess.run([sys.executable, *line], cwd=home, capture_output=True, text=True, check=False)
        ours = [line for line in found.stdout.splitlines() if "/_generated/" in line and "/sync/" not in line]
        assert [] == ours
        line = ["-m", "mypy", "--strict", "--no-error-summary", f"--cache-dir={home / 'cache'}", f"use_{checker}.py"]
        found = subprocess.run([sys.executable, *line], cwd=home, capture_output=True, text=True, check=False)
        told = found.stdout
    else:
        settings = {"typeCheckingMode": "strict", "include": ["admin_api/_generated", f"use_{checker}.py"]}
        (home / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
        pyright = str(SPEC / "node_modules" / ".bin" / "pyright")
        line = [pyright, "--pythonpath", sys.executable, "-p", str(home), "--outputjson"]
        found = subprocess.run(line, cwd=home, capture_output=True, text=True, check=False)
        report = json.loads(found.stdout)["generalDiagnostics"]
        told = "".join(f"{one['file']}:{one['range']['start']['line'] + 1}: {one['message']}\n" for one in report)
        ours = [line for line in told.splitlines() if "/_generated/" in line and "/sync/" not in line]
        assert [] == ours
    wrong = {number for number, line in enumerate(USE.splitlines(), start=1) if line.endswith("# wrong")}
    errors = {
        int(line.split(":")[1]) for line in told.splitlines() if f"use_{checker}.py:" in line and ": note:" not in line
    }
    assert wrong == errors


USE = '''"""Uses of the surface, right and wrong."""

from datetime import datetime

from admin_api import AdminClient
from admin_api._generated.models.pets import Cat, Mood, Pet


def use(client: AdminClient) -> None:
    pet: Pet = client.pets.get("pet_1")
    maybe: Pet | None = client.pets.get("pet_1", if_none_match="x")
    mood: Mood | None = pet.mood
    born: datetime | None = pet.from_
    client.pets.update("pet_1", name=None)
    client.pets.create(name="Tom", animal={"kind": "cat", "lives": 9})
    raw: Pet = client.pets.with_raw_response.create(name="Tom", animal=Cat(lives=9)).data
    unchanged: Pet | None = client.pets.with_raw_response.get("pet_1", if_none_match="x").data
    items: list[Pet] = list(client.pets.list(mood="happy"))
    print(maybe, mood, born, raw, unchanged, items)
    client.pets.create(animal=Cat(lives=9))  # wrong
    client.pets.get()  # wrong
    client.pets.get("pet_1", if_match="x")  # wrong
    client.pets.update("pet_1", if_match="y")  # wrong
    client.pets.create(name=None, animal=Cat(lives=9))  # wrong
    client.pets.get("pet_1", if_none_match="x").id  # wrong
    client.cats  # wrong
'''
