"""Laws of plugins: unique names, dependencies in both directions, settings merged, health as data."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import events, patch, problem


def register(api: httpx.Client, name: str, *requires: dict[str, Any], **members: Any) -> httpx.Response:
    source = {"type": "registry", "package": name}
    body = {"name": name, "version": "1.4.2", "source": source, "requires": list(requires), **members}
    return api.post("/api/v1/plugins", json=body)


def test_register(api: httpx.Client) -> None:
    """A registered plugin is enabled and well; a second of its name is a 409 that names the first."""
    made = register(api, "metrics", settings={"interval": 15})
    assert made.status_code == 201
    plugin = made.json()
    assert (plugin["status"], plugin["health"]["status"], plugin["sha256"]) == ("enabled", "ok", None)
    assert api.get(made.headers["location"].removeprefix(api.base_url.path.rstrip("/"))).json() == plugin
    found = problem(register(api, "metrics"), 409, "plugin_exists")
    assert found["existing_id"] == plugin["id"]
    assert [event["data"]["action"] for event in events(api)] == ["plugins.register"]


@pytest.mark.parametrize(
    "wanted,code",
    [
        ("*", None),
        (">=1.2.0 <2.0.0", None),
        ("^1.5", "wrong_version"),
        (">1.4.2", "wrong_version"),
        ("~1.4.0 || 3", None),
    ],
)
def test_dependencies(api: httpx.Client, wanted: str, code: str | None) -> None:
    """A plugin is registered only if those it needs are enabled in a version that will do."""
    requirement = {"plugin": "metrics", "range": wanted}
    missing = problem(register(api, "alerts", requirement), 409, "dependency_missing")
    assert missing["errors"] == [{"pointer": "/requires/0", "code": "missing", "detail": "It is not enabled here."}]
    register(api, "metrics")
    answer = register(api, "alerts", requirement)
    if code is None:
        assert answer.status_code == 201
    else:
        assert problem(answer, 409, "dependency_missing")["errors"][0]["code"] == code


def test_optional_and_malformed_requirements(api: httpx.Client) -> None:
    """An optional requirement hinders nobody; a range that is none is a 422."""
    assert register(api, "alerts", {"plugin": "metrics", "range": ">=1", "optional": True}).status_code == 201
    answer = register(api, "other", {"plugin": "metrics", "range": ">=x.y"})
    assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/requires/0/range"


def test_in_use(api: httpx.Client) -> None:
    """A plugin that enabled ones need can be neither disabled nor uninstalled; the 409 names them."""
    metrics = register(api, "metrics").json()
    alerts = register(api, "alerts", {"plugin": "metrics", "range": "*"}).json()
    path = f"/api/v1/plugins/{metrics['id']}"
    for answer in (patch(api, path, {"status": "disabled"}), api.delete(path)):
        assert problem(answer, 409, "plugin_in_use")["dependents"] == ["alerts"]
    assert patch(api, f"/api/v1/plugins/{alerts['id']}", {"status": "disabled"}).json()["health"]["status"] == "unknown"
    assert api.delete(path).status_code == 204
    problem(patch(api, f"/api/v1/plugins/{alerts['id']}", {"status": "enabled"}), 409, "dependency_missing")


def test_settings_are_merged(api: httpx.Client) -> None:
    """Settings follow RFC 7396, members of members too."""
    plugin = register(api, "metrics", settings={"a": 1, "b": {"c": 1, "d": 2}}).json()
    answer = patch(api, f"/api/v1/plugins/{plugin['id']}", {"settings": {"a": None, "b": {"c": 3}, "e": [1]}})
    assert answer.json()["settings"] == {"b": {"c": 3, "d": 2}, "e": [1]}
    problem(
        patch(api, f"/api/v1/plugins/{plugin['id']}", {"settings": {}}, **{"If-Match": '"x"'}),
        412,
        "precondition_failed",
    )


def test_object_source_must_exist(api: httpx.Client) -> None:
    """A plugin that comes from an object of this installation needs that object."""
    answer = register(api, "metrics", source={"type": "object", "object_id": "obj_01"})
    assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/source/object_id"


def test_filters(api: httpx.Client) -> None:
    """By status (repeated = OR) and by exact name."""
    plugin = register(api, "metrics").json()
    register(api, "alerts")
    patch(api, f"/api/v1/plugins/{plugin['id']}", {"status": "disabled"})
    for query, expected in (
        ("status=disabled", 1),
        ("status=disabled&status=enabled", 2),
        ("name=alerts", 1),
        ("name=a", 0),
    ):
        assert len(api.get(f"/api/v1/plugins?{query}").json()["items"]) == expected
