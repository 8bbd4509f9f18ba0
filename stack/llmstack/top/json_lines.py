"""A reading as one line of JSON, for programs."""

from __future__ import annotations

import json
from datetime import datetime
from math import isfinite, isnan
from typing import Any

from llmstack.top.engines import is_beyond
from llmstack.top.figures import Figure, Reading, Row

#: Raised when a key changes its meaning or goes.
VERSION = 1


def json_line(reading: Reading, moment: datetime) -> str:
    """Return a reading; a figure is null where nobody tells it, and where nothing happened."""
    gpus = reading.gpus
    told = {
        "version": VERSION,
        "time": moment.isoformat(timespec="milliseconds"),
        "rows": [_row(row) for row in reading.rows],
        "gpus": None if gpus is None else {"count": gpus.count, "watts": gpus.watts},
        "problems": [{"server": each.server, "problem": each.text} for each in reading.problems],
    }
    return json.dumps(told, ensure_ascii=False, allow_nan=False)


def _row(row: Row) -> dict[str, Any]:
    figures = {figure.value: _finite(row.figures.get(figure)) for figure in Figure}
    idle = [figure.value for figure in Figure if isnan(row.figures.get(figure, 0.0))]
    return {
        "source": row.source,
        "role": row.role.value,
        "model": row.model,
        **figures,
        # What is told here, and that nothing has happened to.
        "no_traffic": idle,
        # The edge of the last bucket is shown, and the figure is anywhere beyond it.
        "beyond_buckets": [figure.value for figure in Figure if is_beyond(row, figure)],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
