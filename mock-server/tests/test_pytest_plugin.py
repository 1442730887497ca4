"""The pytest plugin, by pytest runs of its own: it is found by its entry point, as in a user's project."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import Running

from admin_api_mock.control import Control, ControlError

CALLS = """
import httpx

def call(world, token=None):
    headers = {"Authorization": f"Bearer {token or world.token}"}
    return httpx.get(f"{world.base_url}/api/v1/users", headers=headers, trust_env=False)
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A user's project: no conftest, no configuration."""
    pytester.makepyfile(calls=CALLS)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """pytest as users run it, without the plugin of ours that warns of its own configuration."""
    return project.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:asyncio", *arguments, timeout=60)


def test_a_world_is_ready_for_a_client_and_fresh_for_each_test(project: pytest.Pytester) -> None:
    """URL, bearer and client credentials work as they are; what one test did, the next does not see."""
    project.makepyfile(
        """
        import httpx, pytest
        from calls import call

        seen = []

        @pytest.mark.parametrize("turn", [1, 2])
        def test_fresh(admin_api_mock, turn):
            assert admin_api_mock.id not in seen
            seen.append(admin_api_mock.id)
            assert [] == admin_api_mock.journal() == call(admin_api_mock).json()["items"]
            assert {"users": 0} == {"users": admin_api_mock.state()["users"]}
            headers = {"Authorization": f"Bearer {admin_api_mock.token}"}
            body = {"username": "ada", "email": "ada@example.com", "roles": []}
            answer = httpx.post(f"{admin_api_mock.base_url}/api/v1/users", json=body, headers=headers)
            assert 201 == answer.status_code, answer.text

        def test_client_credentials(admin_api_mock):
            answer = httpx.post(
                admin_api_mock.token_url,
                data={"grant_type": "client_credentials"},
                auth=(admin_api_mock.client_id, admin_api_mock.client_secret),
            )
            assert "users:read" in answer.json()["scope"].split()
            assert 200 == call(admin_api_mock, answer.json()["access_token"]).status_code

        def test_weather_and_time(admin_api_mock):
            admin_api_mock.fault("users.list", respond={"status": 503, "headers": {"Retry-After": "7"}})
            assert [503, 200] == [call(admin_api_mock).status_code for _ in range(2)]
            assert 7_000 == admin_api_mock.advance(7_000) - admin_api_mock.journal()[0]["at_ms"]

        @pytest.mark.admin_api_mock(users=3)
        def test_marker(admin_api_mock):
            assert 3 == len(call(admin_api_mock).json()["items"]) == len(admin_api_mock.told["users"])

        @pytest.mark.admin_api_mock(tokens=[{"token": "weak", "scopes": ["audit:read"]}])
        def test_marker_for_credentials(admin_api_mock):
            assert "weak" == admin_api_mock.token
            assert 403 == call(admin_api_mock).status_code

        def test_one_server_and_the_last_world_is_gone(admin_api_mock, admin_api_mock_server):
            assert admin_api_mock.base_url.startswith(admin_api_mock_server.url)
            assert ["root", admin_api_mock.id] == [world.id for world in admin_api_mock_server.worlds()]

        def test_a_world_that_the_test_deletes(admin_api_mock):
            admin_api_mock.delete()
        """
    )
    run(project, "--strict-markers", "-W", "error").assert_outcomes(passed=8)


def test_a_failed_test_shows_what_the_server_saw(project: pytest.Pytester) -> None:
    """Attempts, faults and replays are told in the report of a failure, and only there."""
    project.makepyfile(
        """
        from calls import call

        def test_fails(admin_api_mock):
            admin_api_mock.fault("users.list", respond={"status": 503})
            call(admin_api_mock)
            admin_api_mock.advance(1500)
            call(admin_api_mock)
            assert False

        def test_fails_uncalled(admin_api_mock):
            assert False

        def test_fails_worldless(admin_api_mock):
            admin_api_mock.delete()
            assert False

        def test_passes(admin_api_mock):
            call(admin_api_mock)
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*- admin-api-mock journal -*",
            "http://localhost:*/w/world-*",
            "  1    +0.000s GET /api/v1/users users.list → 503",
            "  2    +1.500s GET /api/v1/users users.list → 200",
            "*- admin-api-mock journal -*",
            "http://localhost:*/w/world-* was not called.",
            "*- admin-api-mock journal -*",
            "not readable: journal.read: 404 not_found: *",
        ]
    )
    assert 3 == result.stdout.str().count("admin-api-mock journal")


def test_each_worker_has_a_server_of_its_own(project: pytest.Pytester) -> None:
    """Under xdist nothing is shared, and nothing is left running."""
    project.makepyfile(
        """
        import os, pathlib, pytest
        from calls import call

        @pytest.mark.parametrize("turn", range(4))
        def test_worker(admin_api_mock, admin_api_mock_server, worker_id, turn):
            assert [] == call(admin_api_mock).json()["items"]
            pathlib.Path(f"{worker_id}.url").write_text(admin_api_mock_server.url)
        """
    )
    run(project, "-n", "2").assert_outcomes(passed=4)
    urls = {path.read_text() for path in project.path.glob("*.url")}
    assert 2 == len(urls) == len(list(project.path.glob("*.url")))
    for url in urls:
        assert not _answers(url), url


def _answers(url: str) -> bool:
    try:
        Control(url).worlds()
    except ControlError as error:
        return error.code != "unreachable"
    return True


def test_a_server_that_runs_can_be_used(project: pytest.Pytester, running: Running) -> None:
    """`--admin-api-mock-url`: no server is started, and the one that is there goes on."""
    project.makepyfile(
        """
        def test_elsewhere(admin_api_mock, admin_api_mock_server):
            assert admin_api_mock.id in {world.id for world in admin_api_mock_server.worlds()}
        """
    )
    # Arguments that would fail prove that nothing is started.
    arguments = ("-o", "admin_api_mock_arguments=--port no", f"--admin-api-mock-url={running.url}")
    before = len(running.control.worlds())
    run(project, *arguments).assert_outcomes(passed=1)
    assert before == len(running.control.worlds())


def test_nothing_starts_until_it_is_asked_for(project: pytest.Pytester) -> None:
    """Who does not use the fixtures pays nothing; a server that cannot start is an error of the test that asks."""
    project.makepyfile(
        """
        import sys

        def test_other():
            assert not [name for name in sys.modules if name.startswith("admin_api_mock.control")]

        def test_asks(admin_api_mock):
            pass
        """
    )
    result = run(project, "-o", "admin_api_mock_arguments=--port no")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*RuntimeError: admin-api-mock did not start: exit code 2"])


def test_the_arguments_are_the_projects(project: pytest.Pytester) -> None:
    """With TLS the CA certificate is where the fixture says."""
    project.makeini("[pytest]\nadmin_api_mock_arguments = --port 0\n")
    project.makepyfile(
        """
        import ssl, httpx

        def test_tls(admin_api_mock, admin_api_mock_server):
            verify = ssl.create_default_context(cafile=admin_api_mock_server.ca)
            headers = {"Authorization": f"Bearer {admin_api_mock.token}"}
            assert admin_api_mock.base_url.startswith("https://")
            url = f"{admin_api_mock.base_url}/api/v1/me"
            assert 200 == httpx.get(url, headers=headers, verify=verify, trust_env=False).status_code
        """
    )
    run(project).assert_outcomes(passed=1)


def test_the_server_needs_no_pytest() -> None:
    """The command and its control client load neither pytest nor an SDK."""
    code = (
        "import sys; import admin_api_mock.__main__, admin_api_mock.admin, admin_api_mock.control.server\n"
        "print(sorted({'pytest', '_pytest', 'admin_api', 'httpx'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == told.stdout
