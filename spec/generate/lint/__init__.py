"""What the document must be so that nothing in it is dropped or garbled; all else is an error with its pointer."""

from __future__ import annotations

from ..document import Document
from ..findings import Finding, SpecError
from .operations import lint_operations
from .schemas import lint_schemas
from .structure import lint_structure


def lint(document: Document) -> list[Finding]:
    """All findings in the document, ordered by place."""
    findings = [*lint_structure(document)]
    if not findings:  # the deeper rules read a document whose objects are what they seem
        findings = [*lint_schemas(document), *lint_operations(document)]
    return sorted(set(findings))


def check(document: Document) -> None:
    """Refuse a document with findings.

    Raises:
        SpecError: the document has findings.
    """
    if findings := lint(document):
        raise SpecError(findings)


__all__ = ["check", "lint"]
