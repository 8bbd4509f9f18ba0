"""The page of measurements: sections that are written apart, each with a table of promises."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")
_TITLE = "# Measurements"
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One measurement beside what it is held against."""

    what: str
    measured: str
    against: str
    ratio: str
    #: What was promised; nothing where a number is only told.
    promised: str = ""
    is_kept: bool = True

    @property
    def line(self) -> str:
        """The line of the table."""
        kept = ("yes" if self.is_kept else "NO") if self.promised else ""
        cells = (self.what, self.measured, self.against, self.ratio, self.promised, kept)
        return f"| {' | '.join(cells)} |".replace("  ", " ")


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    title: str
    #: How it was measured.
    text: str
    #: The heads of the first four columns.
    heads: tuple[str, str, str, str]
    rows: Sequence[Row]

    @property
    def is_kept(self) -> bool:
        """Tell whether all promises are kept."""
        return all(row.is_kept for row in self.rows)

    def __str__(self) -> str:
        """Return the section as Markdown."""
        head = " | ".join((*self.heads, "promised", "kept"))
        lines = "\n".join(row.line for row in self.rows)
        return (
            f"## {self.title}\n\n{self.text}\n\nMachine: {machine()}.\n\n"
            f"| {head} |\n|{' --- |' * 6}\n{lines}\n"
        )


def machine() -> str:
    """Say what was measured on."""
    python = f"Python {platform.python_version()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {python}"


def with_section(page: str, section: Section) -> str:
    """Return a page with a section put in place of the one of its title, the others as they were."""
    parts = [part.strip() for part in _SECTION.split(page)[1:]]
    texts = {part.splitlines()[0]: part for part in parts}
    texts[f"## {section.title}"] = str(section).strip()
    return "\n\n".join((_TITLE, *texts.values())) + "\n"


def write(section: Section) -> None:
    """Put a section into the page of results."""
    page = RESULTS.read_text() if RESULTS.exists() else ""
    RESULTS.write_text(with_section(page, section))
