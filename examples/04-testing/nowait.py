"""A clock that does not wait, so that a test of retries takes no time."""


class NoWait:
    """The clock of a client; `sleeps` are the waits that it asked for, in seconds."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def random(self) -> float:
        return 1.0
