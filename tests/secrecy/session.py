"""A long mixed session of the Python SDK, in which every secret is used and nearly everything goes wrong.

Argv: facts as JSON, with the flavour, and a file for what the SDK shows: a line of JSON for each text. What is written
to stdout and stderr is the SDK's own. With `canary` one secret is leaked on purpose, into that channel.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import walk

from admin_api import (
    AdminAPIError,
    AdminClient,
    AsyncAdminClient,
    FileTokenStore,
    MemoryTokenStore,
    RequestOptions,
    Secret,
)
from admin_api.encryption import generate_identity, identity, recipient

FACTS = json.loads(sys.argv[1])
IS_ASYNC = FACTS["flavour"] == "async"
SECRETS: dict[str, str] = FACTS["secrets"]


class Clock:
    """Time that waits for nobody, and no jitter."""

    def now(self) -> float:
        return 0.0

    monotonic = now

    def random(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> Any:
        return asyncio.sleep(0) if IS_ASYNC else None


class Session:
    """What was met and made, kept alive until it was looked at."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.answers: list[Any] = []
        self.seen: list[Any] = []
        self.clients: list[Any] = []
        self.measured = walk.Measured()
        self.folder = Path(tempfile.mkdtemp())

    def passing(self, send: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A layer of one's own, which has all that comes by."""

        def told(request: Any) -> Any:
            outcome = send(request)
            self.seen += [request, outcome]
            return outcome

        async def told_later(request: Any) -> Any:
            outcome = await send(request)
            self.seen += [request, outcome]
            return outcome

        return told_later if IS_ASYNC else told

    def client(self, **options: Any) -> Any:
        """A client, or the error of making it."""
        slots = {"per_call": [self.passing], "per_attempt": [self.passing]}
        given = {"base_url": FACTS["base_url"], "clock": Clock(), "max_retries": 1, **slots}
        given |= {"telemetry": self.measured.telemetry, **options}
        try:
            client = (AsyncAdminClient if IS_ASYNC else AdminClient)(**given)
        except AdminAPIError as error:
            self.errors.append(error)
            return None
        self.clients.append(client)
        return client

    async def settled(self, made: Any) -> Any:
        """A result of either flavour."""
        return await made if inspect.isawaitable(made) else made

    async def call(self, begin: Callable[[], Any]) -> Any:
        """What comes of a call; an error is kept."""
        try:
            answer = await self.settled(begin())
            if hasattr(answer, "__aiter__"):
                answer = [item async for item in answer]
            elif hasattr(answer, "close") or hasattr(
                answer, "first_page"
            ):  # a stream or a list; models can be iterated
                answer = list(answer)
        except (AdminAPIError, asyncio.CancelledError) as error:
            self.errors.append(error)
            return None
        self.answers.append(answer)
        return answer


def ways() -> Iterator[dict[str, Any]]:
    """All ways to say who calls."""
    confidential = {"client_id": FACTS["client_id"], "client_secret": SECRETS["client"]}
    yield {"token": SECRETS["token"]}
    yield {"token": lambda: SECRETS["token"]}
    yield confidential
    yield {**confidential, "client_auth": "post", "token_store": MemoryTokenStore()}
    yield {**confidential, "refresh_token": SECRETS["refresh"]}
    store = FileTokenStore(FACTS["store"])
    yield {"client_id": FACTS["public_id"], "refresh_token": SECRETS["public_refresh"], "token_store": store}


async def use(session: Session, client: Any, kinds: list[str]) -> None:
    """Everything once, and writes with secrets in them under faults."""
    await session.call(client.me.get)
    await session.call(lambda: client.users.list(limit=1))
    await session.call(client.users.export)
    await session.call(client.scopes)
    await session.call(lambda: client.can("config.set"))
    await session.call(lambda: client.request("POST", "/api/v1/nowhere", body={"password": SECRETS["body"]}))
    raw = await session.call(lambda: client.tokens.with_raw_response.create(name="ci", scopes=["users:read"]))
    if raw is not None:
        await session.call(lambda: client.tokens.rotate(raw.data.id))
    for kind in kinds:
        patient = kind not in FACTS["slow"]
        options = RequestOptions(
            headers={"X-Request-Id": kind, "X-Of-Mine": SECRETS["header"]},
            timeout=5.0 if patient else 0.1, max_retries=1 if patient else 0, query={"q": SECRETS["query"]},
        )  # fmt: skip
        written = RequestOptions(headers=options.headers, timeout=options.timeout, max_retries=options.max_retries)
        await session.call(lambda o=options: client.users.list(options=o))
        await session.call(lambda o=written: client.tokens.create(name="ci", scopes=["users:read"], options=o))
        await session.call(
            lambda o=written: client.config.set(
                "smtp.password", value=SECRETS["body"], secret=True, if_none_match="*", options=o
            )
        )


async def files(session: Session, client: Any) -> None:
    """An object for one identity, asked for with it and with another."""
    ours, other = identity(SECRETS["identity"]), generate_identity()
    session.answers += [ours, other]
    made = await session.call(
        lambda: client.storage.objects.upload(b"of ours", name="kept", encrypt_to=[ours.recipient])
    )
    target = session.folder / "kept"
    for who in (other, ours):
        await session.call(lambda w=who: client.storage.objects.download(made.id, to=target, identity=w))
    await session.call(lambda: client.storage.objects.download(made.id, to=target, expect_sha256="0" * 64))
    for mistaken, text in ((identity, SECRETS["identity"] + "X"), (recipient, SECRETS["identity"])):
        try:
            mistaken(text)
        except AdminAPIError as error:
            session.errors.append(error)


async def ends(session: Session) -> None:
    """A stream that breaks, a deadline, a call that is cancelled, and one that its client is closed under."""
    stalled = RequestOptions(headers={"X-Request-Id": "stall"}, timeout=20.0, max_retries=0)
    client = session.client(client_id=FACTS["client_id"], client_secret=SECRETS["client"])
    await session.call(client.me.get)
    broken = RequestOptions(headers={"X-Request-Id": "cut"})
    await session.call(lambda: client.users.export(options=broken))
    late = RequestOptions(headers=stalled.headers, deadline=0.1)
    await session.call(lambda: client.users.list(options=late))
    if IS_ASYNC:
        cancelled = asyncio.create_task(client.users.get("usr_1", options=stalled))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        await session.call(lambda: cancelled)
        closed = asyncio.create_task(client.users.get("usr_1", options=stalled))
        await asyncio.sleep(0.05)
        await client.close()
        await session.call(lambda: closed)
    else:
        closer = threading.Timer(0.05, client.close)
        closer.start()
        await session.call(lambda: client.users.get("usr_1", options=stalled))
        closer.join()


async def misfortunes(session: Session) -> None:
    """Options that cannot work, endpoints that refuse and proxies that are not there, for each way to call."""
    for wrong in ({"timeout": -1}, {"base_url": "http://elsewhere.example"}, {"verify": "/no/such/file"}):
        for way in ways():
            session.client(**{**way, **wrong})
    session.client(token=SECRETS["token"] + "\n")
    session.client(token=SECRETS["token"], client_secret=SECRETS["client"])
    for base_url in FACTS["refusing"]:
        for way in ways():
            client = session.client(**{**way, "base_url": base_url, "token_store": None})
            await session.call(client.me.get)
    for url in FACTS["proxies"]:
        os.environ["http_proxy"] = url
        for way in ways():
            client = session.client(**way)
            if client is not None:
                await session.call(client.me.get)
        del os.environ["http_proxy"]
    bad = session.client(token=lambda: SECRETS["token"] + "\n")
    await session.call(bad.me.get)
    with opened_to_others(Path(FACTS["store"])) as way:
        await session.call(session.client(**way).me.get)


@contextmanager
def opened_to_others(store: Path) -> Iterator[dict[str, Any]]:
    """The log-in that is kept in a file, by a store that has not looked yet, while others can read the file."""
    (kept,) = store.glob("*.json")
    kept.chmod(0o644)
    yield list(ways())[-1]
    kept.chmod(0o600)


def leak(channel: str) -> Iterator[walk.Shown]:
    """What a careless SDK would do, so that it is seen to be seen."""
    secret = SECRETS["token"]
    if channel == "objects":
        loud = type("Loud", (), {"__module__": "admin_api.loud", "__repr__": lambda self: secret})()
        yield from [shown for shown in walk.objects() if "Loud" in shown[1]]
        del loud
    elif channel == "records":
        logging.getLogger("admin_api.loud").warning("with %s", Secret("hidden"), extra={"loud": secret})
    elif channel == "stdout":
        sys.stdout.write(f"{secret}\n")
    elif channel == "stderr":
        sys.stderr.write(f"{secret}\n")
    elif channel == "warnings":
        warnings.warn(secret, stacklevel=1)
    elif channel == "telemetry":
        measured = walk.Measured()
        measured.telemetry._tracer.start_span(secret).end()
        yield from measured.shown()
    elif channel in ("errors", "pickles", "frames"):
        source = "def careless(given):\n    header = 'Bearer ' + given.reveal()\n    raise AdminAPIError('Careless.')\n"
        names: dict[str, Any] = {"__name__": "admin_api.loud", "AdminAPIError": AdminAPIError}
        exec(source, names)  # noqa: S102 - a frame that counts as the SDK's
        try:
            names["careless"](Secret(secret))
        except AdminAPIError as error:
            if channel != "frames":
                error.problem = {"detail": secret}
            yield from (shown for shown in walk.error(error) if shown[0] == channel)


async def played(session: Session) -> list[walk.Shown]:
    """The session, and what is left of it, before and after its clients are closed."""
    for way in ways():
        every = "client_id" in way and way.get("client_auth") is None
        await use(session, session.client(**way), FACTS["kinds"] if every else FACTS["kinds"][:1])
    preflight = session.client(client_id="narrow", client_secret=SECRETS["narrow"], preflight=True)
    await session.call(lambda: preflight.tokens.create(name="ci", scopes=["users:read"]))
    await files(session, session.clients[0])
    await ends(session)
    await misfortunes(session)
    shown = [*walk.objects(), *(each for error in session.errors for each in walk.error(error))]
    for client in session.clients:
        await session.settled(client.close(revoke=True))
    return [*shown, *walk.objects(), *session.measured.shown()]


def main() -> None:
    """Plays the session, or leaks, and writes down what was shown."""
    session, kept = Session(), walk.Kept()
    logger = logging.getLogger("admin_api")
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    shown = asyncio.run(played(session)) if FACTS["canary"] is None else list(leak(FACTS["canary"]))
    met = json.dumps(sorted({type(error).__name__ for error in session.errors}))
    with Path(sys.argv[2]).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(each) + "\n" for each in (*shown, *kept.shown, ("met", "", met)))


main()
