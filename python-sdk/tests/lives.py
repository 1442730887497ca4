"""Lives of clients, each a program of its own: what is left of them is seen at its end. Run by `test_lifecycle`.

Arguments: the flavour, the life, the URL of the server, the CA bundle or nothing.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from admin_api import AdminClient, AsyncAdminClient

KEPT: list[object] = []
"""What is never let go of."""


def made(flavour: str, url: str, bundle: str) -> Any:
    """A client of the flavour."""
    kind: Any = AsyncAdminClient if flavour == "async" else AdminClient
    return kind(base_url=url, token="t", verify=bundle or None, max_retries=0)


def got(client: Any) -> None:
    """A call; for an asyncio client, in a loop of its own."""
    call = client.users.get("usr_1")
    user = asyncio.run(_awaited(call)) if isinstance(client, AsyncAdminClient) else call
    assert user.id == "usr_1"


async def _awaited(value: Any) -> Any:
    return await value


class Sync:
    """Lives of an AdminClient."""

    def __init__(self, new: Callable[[], Any]) -> None:
        self.new = new

    def unclosed(self) -> None:
        client = self.new()
        got(client)
        del client
        gc.collect()

    dropped = unclosed

    def stream(self) -> None:
        export = self.new().users.export()
        next(iter(export))
        del export
        gc.collect()

    def stream_at_exit(self) -> None:
        items = iter(self.new().users.export())
        next(items)
        KEPT.append(items)

    def iterator(self) -> None:
        pages = iter(self.new().users.list())
        next(pages)
        del pages
        gc.collect()

    def download(self) -> None:
        class Full(io.BytesIO):
            def write(self, data: Any) -> int:
                raise OSError("disk full")

        try:
            self.new().storage.objects.download("obj_1", to=Full())
        except OSError:
            gc.collect()
            return
        raise AssertionError("the download was delivered")

    def daemon(self) -> None:
        client = self.new()
        begun = threading.Event()

        def forever() -> None:
            for _ in client.users.export():
                begun.set()

        threading.Thread(target=forever, daemon=True).start()
        assert begun.wait(20)
        KEPT.append(client)

    def loops(self) -> None:
        client = self.new()
        got(client)
        got(client)
        KEPT.append(client)

    def interrupt(self) -> None:
        client = self.new()
        got(client)
        pid = os.getpid()
        threading.Timer(0.1, lambda: os.kill(pid, signal.SIGINT)).start()
        try:
            for _ in client.users.export():
                pass
        except KeyboardInterrupt:
            got(client)  # the pool is sane
            return
        raise AssertionError("nothing interrupted it")

    def fork(self) -> None:
        client = self.new()
        got(client)
        in_child(lambda: got(client))
        in_child(lambda: [got(client), client.close() if isinstance(client, AdminClient) else None])
        in_child(lambda: [setattr(self, "new", None), gc.collect()])
        got(client)
        KEPT.append(client)

    def fork_in_stream(self) -> None:
        client = self.new()
        items = iter(client.users.export())
        next(items)

        def child() -> None:
            got(client)
            KEPT.append(items)

        in_child(child)
        assert next(items).id == "usr_1"
        items.close()
        client.close()

    def fork_threads(self) -> None:
        client = self.new()
        got(client)  # what is half imported at a fork is so for ever in the child, which is Python's own affair
        over = threading.Event()

        def calls() -> None:
            while not over.is_set():
                got(client)

        threads = [threading.Thread(target=calls) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                in_child(lambda: got(client))
        finally:
            over.set()
            for thread in threads:
                thread.join()
        client.close()

    def processes(self) -> None:
        KEPT.append(client := self.new())
        got(client)  # as a server that loads the application before it forks
        workers = [multiprocessing.get_context("fork").Process(target=got, args=(client,)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(20)
        assert [worker.exitcode for worker in workers] == [0] * 3
        got(client)


class Async(Sync):
    """Lives of an AsyncAdminClient."""

    def dropped(self) -> None:
        async def life() -> None:
            client = self.new()
            await client.users.get("usr_1")
            del client
            gc.collect()
            await asyncio.sleep(0.05)

        asyncio.run(life(), debug=True)
        gc.collect()

    def stream(self) -> None:
        async def life() -> None:
            async for _ in self.new().users.export():
                break
            gc.collect()
            await asyncio.sleep(0.05)

        asyncio.run(life(), debug=True)
        gc.collect()

    def stream_at_exit(self) -> None:
        async def life() -> None:
            items = aiter(self.new().users.export())
            await anext(items)
            KEPT.append(items)

        asyncio.run(life(), debug=True)

    def iterator(self) -> None:
        async def life() -> None:
            async for _ in self.new().users.list():
                break
            gc.collect()

        asyncio.run(life(), debug=True)

    def download(self) -> None:
        async def life() -> None:
            begun = asyncio.Event()
            target, told = io.BytesIO(), lambda *_: begun.set()
            download = self.new().storage.objects.download("obj_slow", to=target, on_progress=told)
            KEPT.append(asyncio.create_task(download))
            await begun.wait()

        asyncio.run(life(), debug=True)
        gc.collect()

    def daemon(self) -> None:
        begun = threading.Event()

        async def forever() -> None:
            async for _ in self.new().users.export():
                begun.set()

        threading.Thread(target=lambda: asyncio.run(forever()), daemon=True).start()
        assert begun.wait(20)

    def interrupt(self) -> None:
        async def life() -> None:
            async for _ in self.new().users.export():
                pass

        pid = os.getpid()
        threading.Timer(0.2, lambda: os.kill(pid, signal.SIGINT)).start()
        try:
            asyncio.run(life(), debug=True)
        except KeyboardInterrupt:
            return
        raise AssertionError("nothing interrupted it")

    def fork(self) -> None:
        async def life() -> None:
            client = self.new()
            await client.users.get("usr_1")
            for _ in range(2):
                in_child(lambda: in_new_thread(lambda: got(client)))
                await client.users.get("usr_1")
            await client.close()

        asyncio.run(life())

    def fork_in_stream(self) -> None:
        async def life() -> None:
            client = self.new()
            items = aiter(client.users.export())
            await anext(items)
            in_child(lambda: in_new_thread(lambda: got(client)))
            assert (await anext(items)).id == "usr_1"
            await items.aclose()
            await client.close()

        asyncio.run(life())

    def fork_threads(self) -> None:
        client = self.new()
        got(client)  # what is half imported at a fork is so for ever in the child, which is Python's own affair
        over = threading.Event()

        async def calls() -> None:
            while not over.is_set():
                await client.users.get("usr_1")

        threads = [threading.Thread(target=lambda: asyncio.run(calls())) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                in_child(lambda: got(client))
        finally:
            over.set()
            for thread in threads:
                thread.join()
        asyncio.run(client.close())


def in_child(work: Callable[[], object]) -> None:
    """Does it in a forked child, which collects its garbage and ends as a program does."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            gc.collect()
            status = 0
        except BaseException:  # noqa: BLE001 - told by stderr, which must be empty
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"the child ended with {status}"


def in_new_thread(work: Callable[[], object]) -> None:
    """Does it where no event loop runs."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    for error in failed:
        raise error


LIVES = {
    "a client that nobody closes": "unclosed",
    "a client dropped while its loop runs": "dropped",
    "a stream left open": "stream",
    "a stream at the end of the process": "stream_at_exit",
    "an iterator half read": "iterator",
    "a download cut off": "download",
    "a daemon thread in a call": "daemon",
    "two loops one after the other": "loops",
    "an interrupt": "interrupt",
    "a fork": "fork",
    "a fork in a stream": "fork_in_stream",
    "a fork of many threads": "fork_threads",
    "a pool of processes": "processes",
}

if __name__ == "__main__":
    logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing"))  # slow steps
    flavour, life, url, bundle = sys.argv[1:]
    lives = {"sync": Sync, "async": Async}[flavour](lambda: made(flavour, url, bundle))
    getattr(lives, LIVES[life])()
    del lives
    sys.stdout.write("done\n")
