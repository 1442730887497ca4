"""Models: frozen, open to what is new, closed to what is broken."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from pydantic import ValidationError

from admin_api.model import UnknownVariant
from admin_api.models import AuditChange, ConfigEntry, IssuedToken, Plugin, RegistrySource, User, UserStatus

from .answers import user

PLUGIN: dict[str, object] = {
    "id": "plg_1",
    "name": "sso",
    "version": "1.0.0",
    "source": {"type": "registry", "package": "sso"},
    "sha256": None,
    "requires": [],
    "settings": {},
    "status": "enabled",
    "health": {"status": "ok", "message": None, "checked_at": None},
    "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-01T00:00:00.000Z",
}


def test_models_are_frozen() -> None:
    """A value of the API does not change under its holder."""
    one = User.model_validate(user())
    with pytest.raises(ValidationError, match="frozen"):
        one.username = "other"


def test_an_unknown_enum_value_is_a_member_and_its_own_string() -> None:
    """DESIGN 4: open enums: an unknown value survives printing, pickling and copying."""
    novel = UserStatus("frozen")
    assert ("frozen", "frozen", "UNKNOWN", "frozen") == (novel, str(novel), novel.name, novel.value)
    assert isinstance(novel, UserStatus)
    for other in (pickle.loads(pickle.dumps(novel)), copy.copy(novel), copy.deepcopy(novel), UserStatus("frozen")):  # noqa: S301 (our own bytes)
        assert novel == other
        assert isinstance(other, UserStatus)
        assert hash(novel) == hash(other)
    assert UserStatus.ACTIVE is UserStatus("active")
    assert "active" == str(UserStatus.ACTIVE)
    assert ["active", "suspended", "deleted"] == [str(one) for one in UserStatus]


@pytest.mark.parametrize("value", [7, None, ["active"]])
def test_an_enum_value_that_is_no_string_is_refused(value: object) -> None:
    """DESIGN 4: open means open to strings."""
    with pytest.raises(ValueError, match="is not a valid UserStatus"):
        UserStatus(value)


def test_an_unknown_variant_is_kept_whole() -> None:
    """DESIGN 4: a variant that this version does not know keeps its members and goes back as it came."""
    novel = {"type": "git", "url": "u", "depth": 1}
    plugin = Plugin.model_validate({**PLUGIN, "source": novel})
    assert isinstance(plugin.source, UnknownVariant)
    assert novel == plugin.source.model_extra
    assert novel == json.loads(plugin.model_dump_json())["source"]


@pytest.mark.parametrize("source", [{"url": "u"}, {"type": None}, {"type": 7}, {}])
def test_a_variant_without_a_tag_is_unknown(source: dict[str, object]) -> None:
    """DESIGN 4: no tag, or one of another type, is no known variant either."""
    plugin = Plugin.model_validate({**PLUGIN, "source": source})
    assert isinstance(plugin.source, UnknownVariant)
    assert source == plugin.source.model_extra


def test_a_known_variant_that_is_broken_names_its_member() -> None:
    """DESIGN 4: a known tag with a broken member is an error at that member, never an unknown variant."""
    with pytest.raises(ValidationError) as raised:
        Plugin.model_validate({**PLUGIN, "source": {"type": "registry", "package": 7}})
    assert [("source", "registry", "package")] == [error["loc"] for error in raised.value.errors()]


def test_a_variant_keeps_its_tag_when_only_what_is_set_is_dumped() -> None:
    """DESIGN 4: a tag is set by choosing the class."""
    assert {"type": "registry", "package": "p"} == RegistrySource(package="p").model_dump(exclude_unset=True)


def test_reserved_words_are_renamed_in_python_only() -> None:
    """Members whose name Python keeps for itself carry an underscore; on the wire they keep their name."""
    change = AuditChange.model_validate({"pointer": "/a", "from": "1", "to": "2"})
    assert ("1", {"pointer": "/a", "from": "1", "to": "2"}) == (
        change.from_,
        change.model_dump(by_alias=True, exclude_unset=True),
    )
    assert "schema_" in ConfigEntry.model_fields


def test_a_secret_member_has_no_repr() -> None:
    """AUTH-9: a member with `format: password` shows in no repr."""
    token = IssuedToken.model_construct(id="tok_1", secret="admp_hunter2")
    assert "hunter2" not in repr(token)
    assert "hunter2" not in str(token)
