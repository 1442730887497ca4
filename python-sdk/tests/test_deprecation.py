"""Operations that go away: told of once, where they are used."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .flavours import Flavour

PROGRAM = """
import asyncio, httpx, os, sys, threading, warnings
from admin_api import AdminClient, AsyncAdminClient
from admin_api._generated.resources import config as of_async
from admin_api._generated.sync.resources import config as of_sync
from admin_api.operation import Op

def answered(request):
    headers = {{"deprecation": "@1782864000", "sunset": {sunset!r}}} if {by_header} else {{}}
    return httpx.Response(204, headers=headers)

def client_of(kind):
    return kind(base_url="http://localhost:1", token="t", http_client=httpx.MockTransport(answered))

for module in (of_async, of_sync):
    for op in vars(module).values():
        if isinstance(op, Op) and op.id == "config.delete" and not {by_header}:
            op.deprecated, op.sunset = True, "2027-01-01"

def use(client):
    return client.config.delete("old", if_match="*")

"""
SUNSET = "Fri, 01 Jan 2027 00:00:00 GMT"


def told(folder: Path, body: str, *options: str, by_header: bool = False, sunset: str = SUNSET) -> list[str]:
    """Runs a program; the lines of its standard error that speak of a deprecation."""
    program = folder / "program.py"
    program.write_text(PROGRAM.format(by_header=by_header, sunset=sunset) + textwrap.dedent(body), encoding="utf-8")
    command = [sys.executable, *options, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stderr
    return [line for line in done.stderr.splitlines() if "DeprecationWarning" in line or "# here" in line]


SYNC = "client = client_of(AdminClient)\n"
ASYNC = "client = client_of(AsyncAdminClient)\n"


@pytest.mark.parametrize("by_header", [False, True])
def test_once_per_process_at_the_callers_line(flavour: Flavour, tmp_path: Path, *, by_header: bool) -> None:
    """LOG-3: one warning with the sunset, by document or header, over clients and copies, at the line that calls."""
    awaits, opens = ("await ", "async ") if flavour.is_async else ("", "")
    kind = "AsyncAdminClient" if flavour.is_async else "AdminClient"
    body = f"""
    {opens}def main():
        for client in (client_of({kind}), client_of({kind}).with_options(timeout=1)):
            {awaits}client.config.delete('old', if_match='*')  # here
            {awaits}client.config.delete('old', if_match='*')
    {"asyncio.run(main())" if flavour.is_async else "main()"}
    """
    warning, line = told(tmp_path, body, by_header=by_header)
    assert warning.startswith(f"{tmp_path}/program.py:")
    assert warning.endswith("DeprecationWarning: config.delete is deprecated. It goes away on 2027-01-01.")
    assert line.endswith("# here")


def test_both_flavours_threads_and_a_fork_warn_once(tmp_path: Path) -> None:
    """LOG-3: neither the other flavour, nor a hundred calls at once, nor a forked child warns again."""
    body = """
    client, gate = client_of(AdminClient), threading.Barrier(16)
    def once():
        gate.wait()
        client.config.delete('old', if_match='*')
    threads = [threading.Thread(target=once) for _ in range(16)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    asyncio.run(use(client_of(AsyncAdminClient)))
    if hasattr(os, "fork"):
        pid = os.fork()
        client.config.delete('old', if_match='*')
        if pid == 0:
            sys.stderr.flush()
            os._exit(0)
        os.waitpid(pid, 0)
    """
    assert 1 == sum("DeprecationWarning" in line for line in told(tmp_path, body, "-W", "always"))


def test_as_an_error_it_is_raised_each_time(tmp_path: Path) -> None:
    """LOG-3: who asks for errors gets one at each call, so that no test passes because another ran before it."""
    body = """
    client, raised = client_of(AdminClient), 0
    for _ in range(3):
        try:
            client.config.delete('old', if_match='*')
        except DeprecationWarning:
            raised += 1
    assert raised == 3, raised
    """
    assert [] == told(tmp_path, body, "-W", "error::DeprecationWarning")


@pytest.mark.parametrize("sunset", ["", "soon", "Fri, 31 Feb 2027 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 GMT x"])
def test_a_sunset_that_is_no_date_is_left_out(sunset: str, tmp_path: Path) -> None:
    """LOG-3: of what a server says only a date is repeated."""
    (warning, *_) = told(tmp_path, "use(client_of(AdminClient))", by_header=True, sunset=sunset)
    assert warning.endswith("DeprecationWarning: config.delete is deprecated.")


def test_it_stays_out_of_sight_in_libraries(tmp_path: Path) -> None:
    """LOG-3: a warning is shown, by Python's default, where the program itself calls, not where a library does."""
    (tmp_path / "library.py").write_text(
        "def use(client):\n    client.config.delete('old', if_match='*')\n", encoding="utf-8"
    )
    assert [] == told(tmp_path, "import library; library.use(client_of(AdminClient))")
