"""Known failures: a list per driver, each with its reason; one that passes is stale, and a failure of the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner.load import TESTS


class StaleList(Exception):
    """A list says what is not so."""


def known_failures(driver: str, folder: Path = TESTS / "known-failing") -> Mapping[str, str]:
    """Case id → reason, from `<driver>.txt`: one `case/id # reason` a line. StaleList for one without."""
    found: dict[str, str] = {}
    for line in (folder / f"{driver}.txt").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        case_id, _, reason = (part.strip() for part in line.partition("#"))
        if not reason:
            raise StaleList(f"{driver}.txt: {case_id} stands there without a reason")
        found[case_id] = reason
    return found


def require_failure(case_id: str, driver: str, reason: str, failed: bool) -> None:
    """Raises StaleList if a case that is known to fail did not."""
    if not failed:
        raise StaleList(f"{case_id} passes: take it out of known-failing/{driver}.txt ({reason})")
