"""A file of a trace as published, plain or gzipped, read in blocks of whole lines."""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from llmstack.errors import ConfigurationError

#: Bytes that are read at a time; few enough for the caches of a CPU.
BLOCK = 1 << 17
#: The longest line, in bytes; one of Mooncake's has a few thousand.
LONGEST_LINE = 16 << 20
#: How much of a line that is wrong is shown, in bytes.
SHOWN = 80
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Block:
    """Whole lines; each ends with a line feed, the last of a file too."""

    #: The number of its first line; the file's first is 1.
    line: int
    lines: bytes


@dataclass(frozen=True)
class Source:
    """A file that can be read again and again."""

    path: Path

    def first_line(self) -> bytes:
        """Return the first line without its end; nothing of an empty file."""
        for block in self.blocks():
            return block.lines.partition(b"\n")[0]
        return b""

    def blocks(self) -> Iterator[Block]:
        """Yield all lines; the ends that Windows gives them are made those of Unix.

        Raises:
            ConfigurationError: it cannot be read, or ends too early.
        """
        try:
            with self.path.open("rb") as file:
                is_gzip = file.read(len(_GZIP)) == _GZIP
            with gzip.open(self.path) if is_gzip else self.path.open("rb") as file:
                yield from self._blocks(file)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ConfigurationError(
                f"{self.path}: expected a whole gzip file, got {error}; fetch or make it again"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"{self.path}: expected a file that can be read, got {error.strerror or error}"
            ) from error

    def _blocks(self, file: BinaryIO | gzip.GzipFile) -> Iterator[Block]:
        number, rest = 1, file.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
        while read := file.read(BLOCK):
            whole, end, rest = (rest + read).rpartition(b"\n")
            if len(rest) > LONGEST_LINE:
                raise self.wrong(number, "a line of text", rest)
            if end:
                lines = whole + end
                if b"\r" in lines:
                    lines = lines.replace(b"\r\n", b"\n")
                yield Block(number, lines)
                number += lines.count(b"\n")
        if last := rest.rstrip():
            yield Block(number, last + b"\n")

    def wrong(self, line: int, expected: str, found: bytes) -> ConfigurationError:
        """Return the error of a line.

        Args:
            line: its number.
            expected: what should stand there.
            found: what stands there; a part is shown.
        """
        text = found[:SHOWN].decode("utf-8", "replace")
        more = "…" if len(found) > SHOWN else ""
        return ConfigurationError(f"{self.path}:{line}: expected {expected}, got {text!r}{more}")
