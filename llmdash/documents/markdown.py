"""The little Markdown that our pages need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Built by llmdash; changes made here are lost at the next build. -->\n"


def cell(text: str) -> str:
    """Return text that cannot break a table."""
    return " ".join(text.replace("|", "\\|").splitlines())


def code(text: str) -> str:
    """Return text as code, fit for a table."""
    return f"`{cell(text)}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are taken as they are."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def fenced(text: str, language: str = "promql") -> str:
    """Return text as a block of code."""
    return f"```{language}\n{text}\n```\n"
