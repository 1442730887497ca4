"""Names: wire spelling → neutral snake_case and PascalCase, and the folding under which two names collide."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+|[0-9]+")


def words(name: str) -> list[str]:
    """`If-Match` → `["If", "Match"]`."""
    return _WORDS.findall(name)


def snake(name: str) -> str:
    """`If-Match` → `if_match`; a name that is snake_case already stays as it is."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return "_".join(word.lower() for word in words(name))


def pascal(name: str) -> str:
    """`users.roles` → `UsersRoles`."""
    return "".join(word[:1].upper() + word[1:] for word in words(name))


def constant(value: str) -> str:
    """The name of an enum's member: `users.create` → `USERS_CREATE`, `-created_at` → `MINUS_CREATED_AT`."""
    spelled = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"^-(?=\w)", "minus_", value)).strip("_").upper()
    return f"VALUE_{spelled}" if not spelled or spelled[0].isdigit() else spelled


def folded(name: str) -> str:
    """The form in which two names collide: case and separators do not tell names apart."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
