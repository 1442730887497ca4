"""Who may call."""

from __future__ import annotations

import httpx
import pytest
from conftest import ALL, Running

from admin_api_mock.guards import Guards, is_loopback
from admin_api_mock.http import Request
from admin_api_mock.problems import Problem


@pytest.mark.parametrize("path", ["/notes", "/__mock__/worlds"])
@pytest.mark.parametrize(
    "headers,status",
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8443"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]"}, 200),
    ],
)
def test_foreign_hosts_and_origins_are_refused(
    running: Running, path: str, headers: dict[str, str], status: int
) -> None:
    """A rebound name and a web page reach neither the API nor the control plane."""
    answer = httpx.get(f"{running.url}{path}", headers=ALL | headers)
    assert status == answer.status_code
    if status != 200:
        assert answer.json()["code"] in ("forbidden_host", "forbidden_origin")


def test_the_servers_own_origin_is_not_foreign(running: Running) -> None:
    """A page that the server itself served may call it, by any of its names."""
    for name in ("127.0.0.1", "localhost"):
        assert (
            200
            == httpx.get(f"{running.url}/notes", headers=ALL | {"Origin": f"http://{name}:{running.port}"}).status_code
        )


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_control_takes_json_only(running: Running, content_type: str | None) -> None:
    """What a web page may send without being asked is no JSON."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = httpx.post(f"{running.url}/__mock__/worlds", content=b"{}", headers=headers)
    assert (415, "unsupported_media_type") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "host,loopback",
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("127.8.8.8", True),
        ("192.0.2.7", False),
        ("host.example", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, loopback: bool) -> None:
    """What is safe by default rests on it."""
    assert loopback is is_loopback(host)


def test_bound_elsewhere_any_host_is_served() -> None:
    """Then neither TOKEN nor the control plane exists, and the name is not ours to know."""
    scope = {"method": "GET", "raw_path": b"/", "query_string": b"", "client": None}

    async def nothing() -> dict[str, str]:
        return {}

    foreign = Request(scope | {"headers": [(b"host", b"api.example")]}, nothing)
    Guards("192.0.2.7", "http://192.0.2.7:1").check(foreign)
    with pytest.raises(Problem):
        Guards("localhost", "http://localhost:1").check(foreign)
