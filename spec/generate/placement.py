"""Which schemas the surface reaches, and which module each one lives in: its only resource's, or the shared one."""

from __future__ import annotations

from .adapter import Parsed
from .document import Document, component_name, mapping
from .ir import Operation, Type

SHARED = "shared"


class Placement:
    """Names of models, enums and unions → module, in the order of the names; `tags`: model → its tag in a union."""

    def __init__(self, document: Document, parsed: Parsed, operations: tuple[Operation, ...]) -> None:
        self._document = document
        self._parsed = parsed
        self._users: dict[str, set[str]] = {}
        self.tags: dict[str, str] = {}
        for operation in operations:
            module = operation.resource.partition(".")[0]
            for argument in operation.arguments:
                self._reach(argument.type, module)
            if operation.result is not None:
                self._reach(operation.result, module)
        for name in _problems(document, operations):
            self._reach(Type("model", name=name), SHARED)
        modules = {name: users.pop() if len(users) == 1 else SHARED for name, users in sorted(self._users.items())}
        self.models = {name: module for name, module in modules.items() if name in parsed.models}
        self.enums = {name: module for name, module in modules.items() if name in parsed.enums}
        self.unions = {name: modules[name] for name in modules if name not in self.models and name not in self.enums}

    def _reach(self, found: Type, module: str) -> None:
        if found.of is not None:
            self._reach(found.of, module)
        if found.name is None or module in self._users.get(found.name, ()):
            return
        self._users.setdefault(found.name, set()).add(module)
        for _, member in self._parsed.models.get(found.name, {}).values():
            self._reach(member, module)
        if found.kind == "union":
            discriminator = mapping(mapping(self._document.schemas[found.name]).get("discriminator"))
            for target in mapping(discriminator.get("mapping")).values():
                variant = component_name({"$ref": target}) or ""
                self.tags[variant] = str(discriminator.get("propertyName"))
                self._reach(Type("model", name=variant), module)


def _problems(document: Document, operations: tuple[Operation, ...]) -> list[str]:
    """The schemas of the failures that the surface's operations declare."""
    surface = {(operation.path, operation.method.lower()) for operation in operations}
    names: set[str] = set()
    for place in document.places():
        if (place.path, place.method) not in surface:
            continue
        for status, response in mapping(place.operation.get("responses")).items():
            if status[0] in "45":
                for media in mapping(document.resolve(response).get("content")).values():
                    names.add(component_name(mapping(media).get("schema")) or "")
    return sorted(names - {""})
