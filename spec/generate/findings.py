"""What is wrong with a document: one finding per place, each with the JSON pointer (RFC 6901) of that place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def pointer(*parts: str | int) -> str:
    """The JSON pointer of a path of members, as a URI fragment's text: `/paths/~1users/get`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One reason why the document cannot be generated from."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"#{self.pointer}: {self.message}"


class SpecError(Exception):
    """The document is refused; `findings` says where and why, all at once."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(set(findings)))
        super().__init__("\n".join(str(finding) for finding in self.findings))
