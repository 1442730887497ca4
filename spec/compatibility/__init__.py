"""What callers of the last release would trip over in today's document, by JSON pointer."""

from .operations import breaking

__all__ = ["breaking"]
