"""BurstGPT's traces (github.com/HPMLL/BurstGPT, CC-BY-4.0): ChatGPT and GPT-4 over months.

Seconds count from the first day's start. A request that failed has 0 tokens of response. Newer
files name the session and the time elapsed besides; columns are found by their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from llmstack.load.traces.form import Form, Part, Row, parts_by_line, whole_number
from llmstack.load.traces.source import Source

_NAMES = (b"Timestamp", b"Model", b"Request tokens", b"Response tokens", b"Log Type")


def _parts(source: Source) -> Iterator[Part]:
    header = source.first_line().split(b",")
    at, model, request, response, log = (header.index(name) for name in _NAMES)

    def read(line: bytes) -> Row:
        cells = line.split(b",")
        if len(cells) != len(header):
            raise ValueError(line)
        return Row(
            Decimal(cells[at].decode()),
            whole_number(cells[request]),
            whole_number(cells[response]),
            f"{cells[model].decode()} {cells[log].decode()}",
        )

    return parts_by_line(source, read, b",".join(header).decode(), has_header=True)


BURSTGPT = Form(
    "burstgpt",
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
    lambda line: set(_NAMES) <= set(line.split(b",")),
    _parts,
    has_more_columns=True,
)
