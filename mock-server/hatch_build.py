"""Puts the OpenAPI document into the package, from the checkout or, building from an sdist, from where that has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = {"sdist": "src/admin_api_mock/openapi.yaml", "wheel": "admin_api_mock/openapi.yaml"}


class DocumentHook(BuildHookInterface[Any]):
    """A fixed force-include cannot serve both: the document lies outside of a checkout's package, inside an sdist's."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called once per target."""
        document = Path(self.root).parent / "spec" / "openapi.yaml"
        if document.exists() and version != "editable":
            build_data["force_include"][str(document)] = INSIDE[self.target_name]
        elif version != "editable" and not (Path(self.root) / INSIDE["sdist"]).exists():
            raise FileNotFoundError(f"There is no OpenAPI document at {document}.")
