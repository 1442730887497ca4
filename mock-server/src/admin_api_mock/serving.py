"""From options to a listening server: sockets, TLS, the ready line, a clean end."""

from __future__ import annotations

import errno
import gc
import logging
import os
import shutil
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import orjson
import uvicorn

from admin_api_mock.app import App
from admin_api_mock.certificates import issue
from admin_api_mock.document import Document
from admin_api_mock.domain import Domain
from admin_api_mock.protocol import AdminHttpProtocol

#: A request makes few cycles: to look for them at every 700 objects, the default, is to look in vain.
YOUNG_OBJECTS = 10_000
#: How long requests under way may take to end once the server stops.
GRACE_SECONDS = 2


class PortTaken(Exception):
    """Another program listens there."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    host: str = "localhost"
    port: int = 8443
    tls: bool = True
    data_dir: Path | None = None
    seed: int | None = None
    #: Where ca.pem goes; None = a new directory, removed at the end.
    ca_dir: Path | None = None
    #: Another document than the packaged one.
    document: Path | None = None
    #: Origins whose pages may call the API.
    cors: tuple[str, ...] = ()


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets: one, or both loopbacks for `localhost`, on one port. Raises PortTaken."""
    if host != "localhost":
        return [_listening(host, port)]
    first = _listening("127.0.0.1", port)
    if not socket.has_ipv6:
        return [first]
    try:
        return [first, _listening("::1", first.getsockname()[1])]
    except PortTaken:
        first.close()
        if port == 0:  # Somebody has the same number on the other loopback: any other will do.
            return listen(host, port)
        raise
    except OSError:
        return [first]  # This machine has no ::1.


def serve(options: Options, domain: Domain) -> None:
    """Serves until SIGINT or SIGTERM. The first line on stdout says where, once it listens."""
    # What is made here lives until the end: the collector need not walk it, neither now nor at every full collection.
    gc.disable()
    document = Document.load(options.document)
    sockets = listen(options.host, options.port)
    port = sockets[0].getsockname()[1]
    # A fresh directory is ours to remove; one that the user named is theirs.
    made = Path(tempfile.mkdtemp(prefix="admin-api-mock-")) if options.tls and not _kept_dir(options) else None
    try:
        tls: ssl.SSLContext | None = None
        ca: Path | None = None
        if options.tls:
            tls, ca = issue(_kept_dir(options) or made or Path(), options.host)
        host = f"[{options.host}]" if ":" in options.host else options.host
        origin = f"{'https' if tls else 'http'}://{host}:{port}"
        app = App(
            document,
            domain,
            origin=origin,
            host=options.host,
            seed=options.seed,
            data_dir=options.data_dir,
            cors=options.cors,
        )
        ready = {
            "url": origin,
            "ca": str(ca) if ca else None,
            "token_url": app.worlds.root.token_url,
            "pid": os.getpid(),
        }
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        gc.enable()
        Server(app, tls, lambda: _announce(ready)).run(sockets)
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


class Server(uvicorn.Server):
    """uvicorn's server that says when it is ready and ends what would keep it from ending."""

    def __init__(self, app: App, tls: ssl.SSLContext | None, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=AdminHttpProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=60,
            backlog=1024,
        )
        super().__init__(config)
        config.load()
        config.ssl = tls
        # Refused requests are the tests' daily bread, not news.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then says so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends streams and holds first, so that what is left can end by itself."""
        self._app.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal is the ordinary end of this command: exit code 0, and not the signal once more."""
        self.should_exit = True


def _announce(ready: Mapping[str, object]) -> None:
    sys.stdout.write(orjson.dumps(ready).decode() + "\n")
    sys.stdout.flush()


def _kept_dir(options: Options) -> Path | None:
    return options.ca_dir or options.data_dir


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"Port {port} on {host} is taken.") from error
        raise
    return listener
