"""Azure's traces of 2023, 2024 and 2025 (github.com/Azure/AzurePublicDataset, CC-BY-4.0).

The files of 2023 and 2024 have the same columns. Stamps of 2023 are naive and have 7 digits of
fraction, those of 2024 have an offset and 6 digits, or none where they are zero; the file of 2025
has the number of images besides. All are in the order of their time.

A week of 2024 has 27 million rows. Most of a second's rows begin with the same 19 bytes, so they
are taken together: one match finds and checks them all, and no row is looked at alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from llmstack.load.traces.form import (
    TOKENS,
    Form,
    Part,
    Row,
    parts_by_line,
    whole_number,
    without_header,
)
from llmstack.load.traces.source import Source

_HEADER = b"TIMESTAMP,ContextTokens,GeneratedTokens"
_HEADER_WITH_IMAGES = b"TIMESTAMP,NumImages,ContextTokens,GeneratedTokens"
_EXPECTED = "YYYY-MM-DD HH:MM:SS[.fraction][+00:00],<tokens>,<tokens>"
_EXPECTED_WITH_IMAGES = "YYYY-MM-DD HH:MM:SS[.fraction][+00:00],<images>,<tokens>,<tokens>"

_SECOND = rb"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)"
_FRACTION = rb"(?:\.[0-9]{1,9}+)?+"
_OFFSET = b"+00:00"
_REST = _FRACTION + rb"(?:\+00:00)?+," + TOKENS + b"," + TOKENS + rb"\n"
_EPOCH, _ONE_SECOND = datetime(1970, 1, 1), timedelta(seconds=1)
#: Rows that follow one another in one second.
_ROWS_OF_A_SECOND = re.compile(_SECOND + _REST + rb"(?:\1" + _REST + rb")*+")
_STAMP = re.compile(_SECOND + b"(" + _FRACTION + b")" + rb"(?:\+00:00)?")


def _parts(source: Source) -> Iterator[Part]:
    for block in without_header(source):
        lines, start, number = block.lines, 0, block.line
        while start < len(lines):
            match = _ROWS_OF_A_SECOND.match(lines, start)
            second = _seconds(match[1]) if match else None
            if match is None or second is None:
                raise source.wrong(number, _EXPECTED, lines[start : lines.index(b"\n", start)])
            rows = match[0].replace(_OFFSET, b"").split(match[1])[1:]
            yield Part(second, rows, number)
            start, number = match.end(), number + len(rows)


def _seconds(stamp: bytes) -> int | None:
    """Return seconds since 1970 of a stamp in UTC, or nothing where the calendar lacks it."""
    try:
        return (datetime.fromisoformat(stamp.decode()) - _EPOCH) // _ONE_SECOND
    except ValueError:
        return None


def _row_with_images(line: bytes) -> Row:
    stamp, images, prompt, answer = line.split(b",")
    match = _STAMP.fullmatch(stamp)
    second = _seconds(match[1]) if match else None
    if match is None or second is None:
        raise ValueError(stamp)
    kind = "image" if whole_number(images) else "text"
    at = second + Decimal((match[2] or b"0").decode())
    return Row(at, whole_number(prompt), whole_number(answer), kind)


def _parts_with_images(source: Source) -> Iterator[Part]:
    return parts_by_line(source, _row_with_images, _EXPECTED_WITH_IMAGES, has_header=True)


AZURE = Form(
    "azure",
    _HEADER.decode(),
    lambda line: line == _HEADER,
    _parts,
)
AZURE_MULTIMODAL = Form(
    "azure-multimodal",
    _HEADER_WITH_IMAGES.decode(),
    lambda line: line == _HEADER_WITH_IMAGES,
    _parts_with_images,
    has_more_columns=True,
)
