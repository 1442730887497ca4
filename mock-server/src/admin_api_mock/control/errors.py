"""The one error of the control plane's client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ControlError(Exception):
    """The control plane refused, or was not there.

    `operation` is the operation of its document that failed. `code` tells why: that of the server's problem document
    (`not_found`, `validation_failed`, `wait_timed_out` …), or the client's own: `unreachable`, `timed_out`,
    `unknown_answer` (something else answered), `no_credentials`. `status` is None if there was no answer.
    """

    def __init__(self, operation: str, status: int | None, problem: Mapping[str, Any]) -> None:
        self.operation = operation
        self.status = status
        self.code: str | None = problem.get("code")
        self.problem = dict(problem)
        parts = [str(part) for part in (status, self.code) if part is not None]
        said = [f"{operation}: {' '.join(parts)}", str(problem.get("detail") or problem.get("title") or "refused")]
        if problem.get("errors"):
            said.append(str(problem["errors"]))
        super().__init__(": ".join(said))

    def __reduce__(self) -> tuple[type[ControlError], tuple[str, int | None, dict[str, Any]]]:
        return type(self), (self.operation, self.status, self.problem)
