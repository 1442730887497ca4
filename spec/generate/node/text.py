"""How TypeScript is laid out: a line while it fits, else one item per line; and JSDoc, wrapped and escaped."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

WIDTH = 120


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets: `Group("const a: Op = {", ("id: 'a'",), "};")`. Items may be groups themselves."""

    before: str
    items: tuple[Group | str, ...]
    after: str

    def flat(self) -> str:
        """The group in one line; braces keep a space inside."""
        inside = ", ".join(item if isinstance(item, str) else item.flat() for item in self.items)
        space = " " if inside and self.before.endswith("{") else ""
        return f"{self.before}{space}{inside}{space}{self.after}"


def lay(found: Group | str, indent: str = "", behind: str = "") -> str:
    """The text of a group within the line width; `behind` is what follows it in its last line."""
    if isinstance(found, str):
        return f"{indent}{found}{behind}"
    flat = f"{indent}{found.flat()}{behind}"
    if len(flat) <= WIDTH or not found.items:
        return flat
    lines = [lay(item, indent + "  ", ",") for item in found.items]
    return "\n".join([f"{indent}{found.before}", *lines, f"{indent}{found.after}{behind}"])


def alternatives(head: str, items: tuple[str, ...], behind: str = ";") -> str:
    """A union type behind its head: in one line, else one alternative per line."""
    flat = f"{head} {' | '.join(items)}{behind}"
    return flat if len(flat) <= WIDTH else "\n".join([head, *(f"  | {item}" for item in items)]) + behind


def jsdoc(paragraphs: list[str], indent: str, tags: list[str] | None = None) -> str:
    """A doc comment of paragraphs and then tags, with its line break; empty if there is nothing to say."""
    said = [safe(" ".join(paragraph.split())) for paragraph in paragraphs if paragraph.strip()]
    tags = tags or []
    if not said and not tags:
        return ""
    if len(said) == 1 and not tags and len(f"{indent}/** {said[0]} */") <= WIDTH:
        return f"{indent}/** {said[0]} */\n"
    lines: list[str] = []
    for paragraph in said:
        lines += ["", *_wrapped(paragraph, indent)] if lines else _wrapped(paragraph, indent)
    lines += [""] if lines and tags else []
    for tag in tags:
        lines += _wrapped(tag, indent, "  ")
    body = "\n".join(f"{indent} * {line}" if line else f"{indent} *" for line in lines)
    return f"{indent}/**\n{body}\n{indent} */\n"


def safe(text: str) -> str:
    """Text that cannot end its comment, nor be taken for a tag by TSDoc, which reads code spans literally."""
    spans = re.split(r"(`[^`]*`)", text.replace("*/", "*\\/"))
    return "".join(span if span.startswith("`") else re.sub(r"([{}@<>])", r"\\\1", span) for span in spans)


def _wrapped(text: str, indent: str, hanging: str = "") -> list[str]:
    width = WIDTH - len(indent) - len(" * ")
    return textwrap.wrap(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
