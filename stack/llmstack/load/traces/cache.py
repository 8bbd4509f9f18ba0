"""The normalised trace kept in a file, so that a trace of a week is read from its source once.

The file is gzipped CSV. Its first line says what it was made of, and it is made anew when that
differs: the source's path, size or time of change, the limit, or how we normalise. It is written
beside its place and moved there when it is whole, so that nobody ever finds half of one.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from llmstack.errors import ConfigurationError
from llmstack.load.traces.normalise import normalised
from llmstack.load.traces.source import BLOCK, Source

SUFFIX = ".norm.csv.gz"
#: Changes whenever the same source would be normalised otherwise.
VERSION = 1
_MARK = b"# "
_ENDS_OF_NAMES = (".gz", ".csv", ".jsonl", ".json")
#: zlib's quickest level. Digits repeat little, so looking for repetitions costs time and gains 1 %.
_LEVEL, _GZIP_BITS, _MEMORY_LEVEL = 1, 31, 8


def cached(path: Path, folder: Path | None = None, limit: int | None = None) -> Path:
    """Return the normalised file of a trace; it is made where there is none that fits.

    Args:
        path: the trace as published.
        folder: where the file lies; beside the trace if left out, or in the user's cache where
            nothing can be written there.
        limit: only so many rows.

    Raises:
        ConfigurationError: the trace cannot be used, or the file cannot be written.
    """
    made_of = _made_of(path, limit)
    place = (folder or _usual_folder(path)) / (_name(path) + SUFFIX)
    if _first_line(place) != _line(made_of):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _write(place, _chunks(_line(made_of), normalised(Source(path), limit)))
        except OSError as error:
            raise ConfigurationError(
                f"{place}: expected to write the normalised trace there, got "
                f"{error.strerror or error}; name a folder with --cache-dir, or use --no-cache"
            ) from error
    return place


def _made_of(path: Path, limit: int | None) -> Mapping[str, object]:
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: expected a file that can be read, got {error.strerror or error}"
        ) from error
    return {
        "version": VERSION,
        "source": str(path.resolve()),
        "size": found.st_size,
        "changed_ns": found.st_mtime_ns,
        "limit": limit,
    }


def _line(made_of: Mapping[str, object]) -> bytes:
    return _MARK + json.dumps(made_of).encode() + b"\n"


def _first_line(place: Path) -> bytes | None:
    try:
        with gzip.open(place) as file:
            return file.readline(BLOCK)
    except (OSError, EOFError, zlib.error):
        # Not there, or not ours: it is made anew.
        return None


def _usual_folder(path: Path) -> Path:
    beside = path.resolve().parent
    if os.access(beside, os.W_OK):
        return beside
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # Files of one name may lie in many folders.
    return home / "llmstack" / "traces" / sha256(bytes(beside)).hexdigest()[:8]


def _name(path: Path) -> str:
    name = path.name
    for end in _ENDS_OF_NAMES:
        name = name.removesuffix(end)
    return name


def _chunks(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of a size that is worth compressing."""
    held, size = [first], 0
    for piece in rest:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _write(place: Path, chunks: Iterable[bytes]) -> None:
    """Write a file, which is there whole or not at all."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        compressor = zlib.compressobj(
            _LEVEL, zlib.DEFLATED, _GZIP_BITS, _MEMORY_LEVEL, zlib.Z_HUFFMAN_ONLY
        )
        with part.open("wb") as file:
            for chunk in chunks:
                file.write(compressor.compress(chunk))
            file.write(compressor.flush())
        part.replace(place)
    except BaseException:
        # Also when somebody ends the run.
        with contextlib.suppress(OSError):
            part.unlink()
        raise
