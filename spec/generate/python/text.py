"""Docstrings: wrapped, indented, and safe to stand between triple quotes."""

from __future__ import annotations

import textwrap

WIDTH = 118


def docstring(paragraphs: list[str], indent: str) -> str:
    """A docstring of paragraphs; one that is laid out already (it has line breaks) keeps its lines."""
    body = "\n\n".join(paragraph for paragraph in paragraphs if paragraph).replace("\\", "\\\\").replace('"""', '\\"""')
    lines = body.split("\n")
    if len(lines) == 1 and len(lines[0]) + len(indent) + 6 <= WIDTH + 2:
        return f'{indent}"""{_closed(lines[0])}"""\n'
    wrapped = "\n".join(line if "\n" in body and line.startswith(" ") else wrap(line, indent) for line in lines)
    text = textwrap.indent(wrapped, indent, lambda line: bool(line.strip())).lstrip()
    if "\n" not in text:
        return f'{indent}"""{_closed(text)}"""\n'
    return f'{indent}"""{text}\n{indent}"""\n'


def wrap(text: str, indent: str, hanging: str = "") -> str:
    """Text folded at the line width, the lines behind the first one with `hanging` before them."""
    width = WIDTH - len(indent) - 3
    return "\n".join(
        textwrap.wrap(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
    )


def section(title: str, entries: list[tuple[str, str]], indent: str) -> str:
    """A section of a docstring such as `Args:`, one entry per name; empty without entries."""
    if not entries:
        return ""
    lines = [
        textwrap.indent(wrap(f"{name}: {' '.join(text.split())}", indent + "    ", hanging="    "), "    ")
        for name, text in entries
    ]
    return f"{title}:\n" + "\n".join(lines)


def _closed(text: str) -> str:
    return text + " " if text.endswith('"') else text
