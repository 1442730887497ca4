"""Cases run ahead of the tests that judge them: a lane per driver, each with its server.

What needs real time runs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from admin_api_mock.control import Control
from runner.load import Case
from runner.process import Driver
from runner.run import Seen, run


class Ahead:
    """Begins with all that may run side by side; `seen` gives what came of one."""

    def __init__(
        self, controls: Mapping[str, Control], drivers: Mapping[str, Driver], pairs: Iterable[tuple[Case, str]]
    ) -> None:
        self._controls = controls
        self._lanes = {name: ThreadPoolExecutor(1, f"cases on {name}") for name in drivers}
        self._runs: dict[tuple[str, str], Future[Seen]] = {
            (case.id, name): self._lanes[name].submit(run, case, drivers[name], controls[name])
            for case, name in pairs
            if not alone(case)
        }

    def seen(self, case: Case, driver: Driver) -> Seen:
        """What a case brought about. Raises what `run` raises."""
        begun = self._runs.pop((case.id, driver.name), None)
        if begun is not None:
            return begun.result()
        wait(self._runs.values())
        return run(case, driver, self._controls[driver.name])

    def stop(self) -> None:
        """Drops what has not begun, and waits for what has."""
        for lane in self._lanes.values():
            lane.shutdown(cancel_futures=True)


def alone(case: Case) -> bool:
    """Whether it waits in real time, which load would stretch (SUITE-2)."""
    return "realtime" in case.tags
