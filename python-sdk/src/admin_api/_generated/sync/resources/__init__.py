# Derived by make generate from _generated/resources/__init__.py. Do not edit.
"""The top-level resources, each loaded with its models when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..resource import Caller
    from .audit import AuditResource
    from .config import ConfigResource
    from .me import MeResource
    from .plugins import PluginsResource
    from .roles import RolesResource
    from .storage import StorageResource
    from .tokens import TokensResource
    from .users import UsersResource


class Resources:
    """What a client offers: its resources."""

    _caller: Caller

    @cached_property
    def users(self) -> UsersResource:
        """Users of the installation, their roles and their life."""
        from .users import UsersResource

        return UsersResource(self._caller)

    @cached_property
    def roles(self) -> RolesResource:
        """The RBAC table."""
        from .roles import RolesResource

        return RolesResource(self._caller)

    @cached_property
    def plugins(self) -> PluginsResource:
        """Installed plugins."""
        from .plugins import PluginsResource

        return PluginsResource(self._caller)

    @cached_property
    def config(self) -> ConfigResource:
        """Configuration entries, their versions and secrets."""
        from .config import ConfigResource

        return ConfigResource(self._caller)

    @cached_property
    def audit(self) -> AuditResource:
        """The audit trail, complete and in order."""
        from .audit import AuditResource

        return AuditResource(self._caller)

    @cached_property
    def storage(self) -> StorageResource:
        """Encrypted objects."""
        from .storage import StorageResource

        return StorageResource(self._caller)

    @cached_property
    def tokens(self) -> TokensResource:
        """Personal access tokens, as copied from the Admin Console."""
        from .tokens import TokensResource

        return TokensResource(self._caller)

    @cached_property
    def me(self) -> MeResource:
        """The caller."""
        from .me import MeResource

        return MeResource(self._caller)
