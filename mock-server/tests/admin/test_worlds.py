"""Laws of a world as a whole: the same on every run, kept by `--data`, and its dev doors open on loopback only."""

from __future__ import annotations

from pathlib import Path

import httpx

from admin_api_mock.admin import ADMIN
from admin_api_mock.app import App
from admin_api_mock.control import Control
from admin_api_mock.document import Document

from .conftest import access_token, client_of, make_user, pages, problem, serving


def everything(control: Control) -> list[str]:
    """What a seeded world answers, ids and times included."""
    world = control.create_world(id="same", seed="dev", config={"a.secret": {"value": 1, "secret": True}})
    with client_of(world, "TOKEN") as api:
        made = api.post("/api/v1/tokens", json={"name": "t", "scopes": ["users:read"]}, headers={"X-Request-Id": "r"})
        paths = ("users?limit=5", "plugins", "config", "audit/events?limit=5&sort=-sequence", "tokens")
        answers = [api.get(f"/api/v1/{path}").text for path in paths]
        answers.append(api.get("/.well-known/jwks.json").text)
    return [made.text, *(text.replace(control.world().base_url, "URL") for text in answers)]


def test_a_suite_world_is_the_same_on_every_run() -> None:
    """Two servers give byte-identical answers: ids, times, cursors, secrets and signing keys."""
    with serving(Document.load()) as first:
        one = everything(first)
    with serving(Document.load()) as second:
        assert everything(second) == one


def test_data_is_kept(tmp_path: Path) -> None:
    """With --data the root world is there again: users, trail, clients, tokens; a reset begins anew."""
    with serving(Document.load(), data_dir=tmp_path) as control:
        root = control.world()
        with client_of(root, "TOKEN") as api:
            user = make_user(api, "kept")
            count = root.state()["audit_events"]
    with serving(Document.load(), data_dir=tmp_path) as control:
        root = control.world()
        assert root.state()["audit_events"] == count
        with client_of(root, access_token(root, "demo", "demo-secret")) as api:
            assert api.get(f"/api/v1/users/{user['id']}").status_code == 200
            ids = [item["id"] for page in pages(api, "/api/v1/users", limit=500) for item in page]
            ids += [make_user(api, f"new{i}")["id"] for i in range(20)]
            assert len(set(ids)) == len(ids)
        root.reset()
        with client_of(root, "TOKEN") as api:
            problem(api.get(f"/api/v1/users/{user['id']}"), 404, "not_found")


def test_dev_doors_are_shut_off_loopback(tmp_path: Path) -> None:
    """Neither TOKEN nor the demo client is there when the server is bound to more than loopback, kept data or not."""
    with serving(Document.load(), data_dir=tmp_path):
        pass
    for data_dir in (None, tmp_path):
        app = App(Document.load(), ADMIN, origin="http://example.net", host="0.0.0.0", data_dir=data_dir)  # noqa: S104 - no socket is opened
        root = app.worlds.root
        assert root.store.grants.client("demo") is None
        assert not root.settings.literal_token
        app.close()


def test_the_documents_server_is_the_world(control: Control) -> None:
    """The document is served with the URL of the world."""
    with control.create_world() as world:
        told = httpx.get(f"{world.base_url}/openapi.json", trust_env=False).json()
        assert told["servers"][0]["url"] == world.base_url
