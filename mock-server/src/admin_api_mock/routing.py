"""Path and method → operation, from the document's own paths. A literal segment wins over a parameter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from admin_api_mock.document import DocumentError, Operation
from admin_api_mock.problems import Problem


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    #: Method → operation with the names its template gives the parameter segments, in order.
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """A tree of path segments."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        #: Paths without a parameter, the short way.
        self._literal: dict[str, _Node] = {}
        for operation in operations:
            self._add(operation)

    def match(self, method: str, raw_path: str) -> tuple[Operation, dict[str, str]]:
        """The operation and its decoded path values. 404, or 405 with Allow; HEAD is answered wherever GET is.

        A segment is decoded after the split, so that an escaped slash stays inside its value. A dot segment is
        refused, not resolved: to resolve it would be to serve another path than the one that was checked on the way.
        """
        values: list[str] = []
        node = self._literal.get(raw_path)
        if node is None:
            segments = [_decoded(part) for part in raw_path.split("/")[1:]]
            node = self._find(self._root, segments, 0, values)
        if node is None:
            raise Problem("not_found", "There is nothing at this path.")
        found = node.operations.get(method) or (node.operations.get("GET") if method == "HEAD" else None)
        if found is None:
            allowed = set(node.operations) | ({"HEAD"} if "GET" in node.operations else set())
            allow = ", ".join(sorted(allowed))
            raise Problem("method_not_allowed", f"This path takes {allow}.", headers={"Allow": allow})
        operation, names = found
        return operation, dict(zip(names, values, strict=True))

    def _add(self, operation: Operation) -> None:
        node = self._root
        names = []
        for segment in operation.path.split("/")[1:]:
            if segment.startswith("{") and segment.endswith("}") and "{" not in segment[1:]:
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            elif "{" in segment:
                raise DocumentError(f"{operation.id}: a parameter must be a whole path segment.")
            else:
                node = node.literal.setdefault(segment, _Node())
        if operation.method in node.operations:
            raise DocumentError(f"{operation.id}: another operation has the same method and path shape.")
        node.operations[operation.method] = (operation, tuple(names))
        if not names:
            self._literal[operation.path] = node

    def _find(self, node: _Node, segments: list[str], at: int, values: list[str]) -> _Node | None:
        if at == len(segments):
            return node if node.operations else None
        segment = segments[at]
        literal = node.literal.get(segment)
        if literal is not None and (found := self._find(literal, segments, at + 1, values)) is not None:
            return found
        if node.parameter is None or not segment:
            return None
        values.append(segment)
        found = self._find(node.parameter, segments, at + 1, values)
        if found is None:
            values.pop()
        return found


def _decoded(part: str) -> str:
    if "%" in part:
        try:
            part = unquote_to_bytes(part).decode("utf-8")
        except UnicodeDecodeError:
            raise Problem("invalid_request", "A path segment is not UTF-8.") from None
    if part in (".", ".."):
        raise Problem("invalid_request", "Dot segments are not resolved.")
    return part
