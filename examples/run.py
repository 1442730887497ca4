"""Runs the examples, Python and Node, against a reference server: `run.py demo` the first, `run.py all` all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from admin_api_mock.control import MockServer

HERE = Path(__file__).resolve().parent
PORT = 8443
#: What runs the files of an example that are like this.
PROGRAMS = {
    "main.py": [sys.executable],
    "main.mjs": ["node"],
    "test_*.py": [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"],
    "*.test.mjs": ["node", "--test", "--test-reporter=spec"],
}


def main(which: str) -> int:
    """Starts the server, runs the examples, stops what was started, whatever happens."""
    folders = sorted(HERE.glob("[0-9][0-9]-*"))
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    server = started()
    try:
        print(f"Reference server at {server.url}, CA certificate {server.ready.ca}")
        for folder in folders[:1] if which == "demo" else folders:
            for file, command in programs(folder):
                title = f"{folder.name}/{file.name}"
                server.control.world("root").reset()  # each begins with the same data
                code = run(title, [*command, str(file)], server)
                if code != 0:
                    print(f"{title} failed with exit code {code}.", file=sys.stderr)
                    return code
    finally:
        server.stop()
    print("\nThe server is stopped; nothing is left running.")
    return 0


def programs(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """The files of an example that run, with what runs them."""
    for pattern, command in PROGRAMS.items():
        for file in sorted(folder.glob(pattern)):
            yield file, command


def started() -> MockServer:
    """The server on its usual port, or on a free one if that is taken; speaks TLS."""
    try:
        return MockServer(["--port", str(PORT)]).start()
    except RuntimeError:  # it has said itself that the port is taken
        print(f"Another port will do: {PORT} is not free.")
        return MockServer(["--port", "0"]).start()


def run(title: str, command: list[str], server: MockServer) -> int:
    """Runs one example as its own process, configured by the environment as a user's program would be."""
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}", flush=True)
    ca = server.ready.ca or ""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",  # has the server's command
        "ADMIN_API_BASE_URL": server.url,
        "ADMIN_API_CA_BUNDLE": ca,
        "NODE_EXTRA_CA_CERTS": ca,  # where Node's own fetch looks
        "ADMIN_API_CLIENT_ID": "demo",
        "ADMIN_API_CLIENT_SECRET": "demo-secret",
    }
    with subprocess.Popen(command, env=environment) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def stop(number: int, frame: FrameType | None) -> None:
    """Ctrl-C and a polite end are ends like any other: what was started is stopped."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    if sys.argv[1:] not in (["demo"], ["all"]):
        sys.exit("Usage: run.py demo | all")
    sys.exit(main(sys.argv[1]))
