"""Cases run ahead of the tests that judge them: a lane per driver, each with its server.

What waits in real time runs after all else, when nothing but the waits of the other lanes is beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from admin_api_mock.control import Control
from runner.load import Case
from runner.process import Driver
from runner.run import Seen, run


class Ahead:
    """Begins with all that may run side by side; `seen` gives what came of one."""

    def __init__(
        self, controls: Mapping[str, Control], drivers: Mapping[str, Driver], pairs: Sequence[tuple[Case, str]]
    ) -> None:
        self._controls, self._drivers = controls, drivers
        self._lanes = {name: ThreadPoolExecutor(1, f"cases on {name}") for name in drivers}
        self._runs: dict[tuple[str, str], Future[Seen]] = {}
        self._waiting = [pair for pair in pairs if in_real_time(pair[0])]
        self._begin(pair for pair in pairs if not in_real_time(pair[0]))

    def seen(self, case: Case, driver: Driver) -> Seen:
        """What a case brought about. Raises what `run` raises."""
        if in_real_time(case) and self._waiting:
            wait(self._runs.values())
            self._begin(self._waiting)
            self._waiting = []
        return self._runs.pop((case.id, driver.name)).result()

    def stop(self) -> None:
        """Drops what has not begun, and waits for what has."""
        for lane in self._lanes.values():
            lane.shutdown(cancel_futures=True)

    def _begin(self, pairs: Iterable[tuple[Case, str]]) -> None:
        for case, name in pairs:
            self._runs[case.id, name] = self._lanes[name].submit(run, case, self._drivers[name], self._controls[name])


def in_real_time(case: Case) -> bool:
    """Whether it waits in real time, which load would stretch (SUITE-2)."""
    return "realtime" in case.tags
