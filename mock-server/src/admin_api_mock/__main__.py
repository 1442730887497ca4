"""The command `admin-api-mock`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from admin_api_mock import __version__
from admin_api_mock.cors import origin
from admin_api_mock.document import DocumentError
from admin_api_mock.serving import Options, PortTaken, serve

USAGE_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Serves until a signal; 2 if it cannot begin."""
    options = parse(arguments)
    from admin_api_mock.admin import ADMIN  # Imported here: --help and a wrong option answer at once.

    try:
        serve(options, ADMIN)
    except PortTaken as taken:
        print(f"admin-api-mock: {taken} Choose another with --port, or any free one with --port 0.", file=sys.stderr)
        return USAGE_ERROR
    except (DocumentError, OSError) as error:
        print(f"admin-api-mock: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def parse(arguments: list[str] | None = None) -> Options:
    """The command line as Options."""
    parser = argparse.ArgumentParser(
        prog="admin-api-mock",
        description="The Admin API's reference server: stateful, validating, breakable on command.",
    )
    parser.add_argument("--host", default="localhost", help="name or address to bind (localhost: 127.0.0.1 and ::1)")
    parser.add_argument("--port", type=_port, default=8443, help="port to bind; 0 = any free one (8443)")
    parser.add_argument("--no-tls", action="store_true", help="plain HTTP, for tests")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the root world's state in DIR (default: memory)")
    parser.add_argument("--seed", type=int, metavar="N", help="make ids and times the same on every run")
    parser.add_argument("--ca-dir", type=Path, metavar="DIR", help="where to write ca.pem (default: a new directory)")
    parser.add_argument("--document", type=Path, metavar="FILE", help="another OpenAPI document than the packaged one")
    parser.add_argument(
        "--cors",
        type=origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let pages of this origin, such as http://localhost:3000, call the API; may be repeated (default: none)",
    )
    parser.add_argument("--version", action="version", version=f"admin-api-mock {__version__}")
    given = parser.parse_args(arguments)
    return Options(
        host=given.host,
        port=given.port,
        tls=not given.no_tls,
        data_dir=given.data,
        seed=given.seed,
        ca_dir=given.ca_dir,
        document=given.document,
        cors=tuple(given.cors),
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is between 0 and 65535")
    return port


if __name__ == "__main__":
    sys.exit(main())
