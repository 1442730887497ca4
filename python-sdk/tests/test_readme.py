"""The README says what is true today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import admin_api
from admin_api.options import Limits

from .test_errors import CODES

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_every_example_compiles() -> None:
    """An example that is no Python helps nobody."""
    assert 6 == len(BLOCKS)
    for block in BLOCKS:
        compile(block, "README.md", "exec")


def test_the_testing_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of a test of one's own runs as printed."""
    exec(compile(BLOCKS[-1], "README.md", "exec"), {"__name__": "example"})  # noqa: S102 (our own text)
    assert "would sleep 7.0\n" == capsys.readouterr().out


def test_the_telemetry_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of telemetry runs as printed, with the rest from the environment."""
    monkeypatch.setenv("ADMIN_API_BASE_URL", "http://localhost")
    monkeypatch.setenv("ADMIN_API_TOKEN", "t")
    (example,) = (block for block in BLOCKS if "OpenTelemetry" in block)
    exec(compile(example, "README.md", "exec"), {"__name__": "example"})  # noqa: S102 (our own text)


def test_the_defaults_are_the_defaults() -> None:
    """The table of options has the numbers of the code."""
    table = dict(re.findall(r"^\| `(\w+)`[^|]*\| ([0-9]+) \|", README, re.MULTILINE))
    limits = Limits()
    assert {"timeout", "max_retries", "max_retry_after", "token_timeout"} == set(table)
    assert [] == [name for name, value in table.items() if float(value) != getattr(limits, name)]


def test_every_error_is_named() -> None:
    """Who looks for the class of an error finds it."""
    assert [] == [name for name in CODES if f"`{name}`" not in README]


def test_every_variable_is_named() -> None:
    """What the client reads from the environment stands in the table, and nothing else does."""
    root = Path(admin_api.__file__).parent
    rooms = [(root / name).read_text(encoding="utf-8") for name in ("client.py", "options.py")]
    read = {name for room in rooms for name in re.findall(r"ADMIN_API_[A-Z_]+[A-Z]", room)}
    assert read == set(re.findall(r"ADMIN_API_[A-Z_]+[A-Z]", README))
