"""A form of trace: how its files are known, and what rows they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from llmstack.errors import ConfigurationError
from llmstack.load.traces.source import Block, Source

#: What every normalised trace says of a request, and what some say besides.
COLUMNS = ("at", "prompt_tokens", "answer_tokens")
MORE_COLUMNS = ("kind", "prefix")
#: Digits of a number of tokens; more are a mistake.
TOKENS = rb"[0-9]{1,9}+"
#: What would end a cell or a line of the normalised file.
_ENDS = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one whole second."""

    #: Of a clock of the form's own.
    second: int
    #: Each is the fraction of the second with its point, or nothing, the cells after, a line feed.
    rows: list[bytes]
    #: The line of the first in the file.
    line: int


@dataclass(frozen=True)
class Form:
    """One way in which traces are published."""

    name: str
    #: What the first line of a file looks like; the line after it too where it is a header.
    expected: str
    matches: Callable[[bytes], bool]
    #: Yields the rows in the order of the file.
    parts: Callable[[Source], Iterator[Part]]
    has_more_columns: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its rows when they are normalised."""
        return COLUMNS + (MORE_COLUMNS if self.has_more_columns else ())


@dataclass(frozen=True)
class Row:
    """One request as a trace that is read line by line says it."""

    #: Seconds of the form's own clock.
    at: Decimal
    prompt_tokens: int
    answer_tokens: int
    kind: str = ""
    prefix: str = ""

    def part(self, line: int) -> Part:
        """Return it as the only row of a part."""
        second = int(self.at)
        fraction = f"{self.at - second:f}".removeprefix("0") if self.at != second else ""
        kind, prefix = _ENDS.sub(" ", self.kind), self.prefix
        row = f"{fraction},{self.prompt_tokens},{self.answer_tokens},{kind},{prefix}\n"
        return Part(second, [row.encode()], line)


def parts_by_line(
    source: Source, read: Callable[[bytes], Row], expected: str, *, has_header: bool
) -> Iterator[Part]:
    """Yield the rows of a file that is read line by line.

    Args:
        source: the file.
        read: makes a row of a line, or raises ValueError.
        expected: what a line looks like.
        has_header: its first line is no row.

    Raises:
        ConfigurationError: a line that cannot be.
    """
    for block in without_header(source) if has_header else source.blocks():
        for number, line in enumerate(block.lines.splitlines(), block.line):
            try:
                row = read(line)
                if row.at < 0 or not row.at.is_finite():
                    raise ValueError(row.at)
            except (ValueError, KeyError, TypeError, ArithmeticError) as error:
                raise source.wrong(number, expected, line) from error
            yield row.part(number)


def without_header(source: Source) -> Iterator[Block]:
    """Yield the blocks of a file without its first line."""
    blocks = source.blocks()
    for block in blocks:
        _, _, lines = block.lines.partition(b"\n")
        yield Block(block.line + 1, lines)
        break
    yield from blocks


def whole_number(found: object) -> int:
    """Return a number of tokens.

    Raises:
        ValueError: it is none.
    """
    if isinstance(found, bytes) and re.fullmatch(TOKENS, found):
        return int(found)
    if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**9:
        return found
    raise ValueError(f"expected a number of tokens, got {found!r}")


def unknown(source: Source, found: bytes, forms: tuple[Form, ...]) -> ConfigurationError:
    """Return the error of a file that is of no form."""
    known = "".join(f"\n  {form.name}: {form.expected}" for form in forms)
    return ConfigurationError(
        f"{source.wrong(1, 'a trace of a known form', found)}; known are{known}"
    )
