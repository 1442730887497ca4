"""The sync flavour is derived by substitution: what is replaced, what is kept, and what stops it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from generate import unasync
from generate.findings import SpecError
from generate.relative import Layout, rewrite_imports


def derived(text: str, room: str = "clock.py", **others: str) -> str:
    """One room's sync text, without its header."""
    rooms = {room: textwrap.dedent(text), **others}
    files = unasync.derive(rooms, {})
    header, _, body = files[f"sync/{room}"].partition("\n")
    assert header == f"# Derived by make generate from {room}. Do not edit."
    return body


def test_keywords_and_names() -> None:
    """Keywords go, names of the async protocol become those of the sync one, and the rest stays as it is."""
    source = '''
    class AsyncPager:
        """Pages; `async for` over one AsyncPager, `await pager.first_page()`."""

        async def __aenter__(self) -> "AsyncPager": ...

        async def __aiter__(self) -> int:
            async with self.lock as held, other:
                items = [x async for x in self.pages if await x.ready()]
            return await anext(items)  # of the AsyncPager

        def _AsyncInner(self) -> None: ...
    '''
    wanted = '''
    class Pager:
        """Pages; `for` over one Pager, `pager.first_page()`."""

        def __enter__(self) -> "Pager": ...

        def __iter__(self) -> int:
            with self.lock as held, other:
                items = [x for x in self.pages if x.ready()]
            return next(items)  # of the Pager

        def _Inner(self) -> None: ...
    '''
    assert textwrap.dedent(wanted) == derived(source)


def test_awaitables_are_unwrapped() -> None:
    """`Awaitable[T]` becomes T, a nested or a quoted one too, and a choice between equals is none."""
    source = """
    from collections.abc import Awaitable, Callable
    a: Callable[[Awaitable[Awaitable[int]]], Awaitable[dict[str, int]]]
    b: Callable[[], str | Awaitable[str]]
    c: AsyncGenerator[dict[str, int], None]
    d = cast("Callable[P, Awaitable[AsyncPager[T]]]", x)
    """
    wanted = """
    from collections.abc import Awaitable, Callable
    a: Callable[[int], dict[str, int]]
    b: Callable[[], str]
    c: Generator[dict[str, int], None, None]
    d = cast("Callable[P, Pager[T]]", x)
    """
    assert textwrap.dedent(wanted) == derived(source)


def test_text_behind_wide_characters() -> None:
    """A line with characters of several bytes is cut at the right places."""
    assert 'é = "…→"; a: int; f()  # ↦ b\n' == derived('é = "…→"; a: Awaitable[int]; await f()  # ↦ await b\n')


def test_prose_is_no_type() -> None:
    """A sentence that speaks of a type is not taken for one."""
    text = 'raise TypeError("an Awaitable[...] is not for this")\n"""Awaitable[T] too."""\n'
    assert text == derived(text)


@pytest.mark.parametrize(
    "line",
    ["import asyncio", "x = run_async()", "async_pool = 1", "await_all()", "x: Awaitable"],
)
def test_left_over(line: str) -> None:
    """A name that is still async behind the substitution is an error with its line."""
    with pytest.raises(SpecError, match=r"left over in line 3"):
        derived(f"\n\n{line}\n")


def test_unused_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the client is there, a rule that has nothing to do is an error: the table says what there is."""
    whole = "\n".join(
        ["async def f(x: Awaitable[int]) -> None:", "    await x", *(f"    x.{name}" for name in unasync.NAMES)]
    )
    assert unasync.derive({"client.py": whole + "\n"}, {})
    monkeypatch.setattr(unasync, "NAMES", {**unasync.NAMES, "aforgotten": "forgotten"})
    with pytest.raises(SpecError, match="'aforgotten' has nothing to do"):
        unasync.derive({"client.py": whole + "\n"}, {})


def test_imports_follow_their_rooms() -> None:
    """An import of a derived room stays in the sync flavour, any other one reaches back into the package."""
    source = "\n".join(
        [
            "from .errors import E",
            "from .clock import C",
            "from .layers import retry, auth",
            "from .layers.retry import R",
            "from . import clock",
            "from . import errors",
            "from ._generated import policy",
            "from ._generated.models import users",
            "from ._generated.resources import Resources",
            "from ._flavour.aio import sleep",
            "import httpx",
            "def f() -> None:",
            "    from .stack import (",
            "        build,",
            "    )",
        ]
    )
    layout = Layout(
        {
            path: f"_generated/sync/{path.removeprefix('_generated/')}"
            for path in (
                "client.py",
                "clock.py",
                "layers/retry.py",
                "layers/auth.py",
                "_generated/resources/__init__.py",
            )
        }
    )
    assert [
        "from ...errors import E",
        "from .clock import C",
        "from .layers import retry, auth",
        "from .layers.retry import R",
        "from . import clock",
        "from ... import errors",
        "from .. import policy",
        "from ..models import users",
        "from .resources import Resources",
        "from ..._flavour.aio import sleep",
        "import httpx",
        "def f() -> None:",
        "    from ...stack import (",
        "        build,",
        "    )",
    ] == rewrite_imports(source, "client.py", layout).split("\n")


def test_imports_of_a_nested_room() -> None:
    """A room in a folder reaches one level further."""
    layout = Layout({path: f"_generated/sync/{path}" for path in ("clock.py", "layers/retry.py")})
    source = "from ..clock import C\nfrom ..errors import E\nfrom .._flavour import aio\n"
    wanted = "from ..clock import C\nfrom ....errors import E\nfrom ...._flavour import aio\n"
    assert wanted == rewrite_imports(source, "layers/retry.py", layout)


def test_mixed_import() -> None:
    """One statement cannot import a room that is derived and one that is not."""
    layout = Layout({"clock.py": "_generated/sync/clock.py", "stack.py": "_generated/sync/stack.py"})
    with pytest.raises(SpecError, match="line 1"):
        rewrite_imports("from . import clock, errors\n", "stack.py", layout)


def test_missing_room(tmp_path: Path) -> None:
    """With the client there, each room of the table has to be there."""
    (tmp_path / "clock.py").write_text("", encoding="utf-8")
    assert {"clock.py": ""} == unasync.rooms(tmp_path)
    (tmp_path / "client.py").write_text("", encoding="utf-8")
    with pytest.raises(SpecError, match="the room is missing"):
        unasync.rooms(tmp_path)


def test_broken_room(tmp_path: Path) -> None:
    """A room that is no Python is named with its line."""
    with pytest.raises(SpecError, match=r"clock\.py: line 2 is no Python"):
        derived("\ndef (:\n")
    (tmp_path / "extra.py").write_text("def (:\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"extra\.py: line 1"):
        unasync.rooms(tmp_path)


def test_undeclared_room(tmp_path: Path) -> None:
    """A room with a coroutine that is not in the table has no sync twin, so it is an error."""
    (tmp_path / "extra.py").write_text("async def f() -> None: ...\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"extra\.py: the room is async"):
        unasync.rooms(tmp_path)
