"""Lines of JSON: what a program says of itself, for programs to read."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum


class Level(Enum):
    """From which on logs are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


def json_line(moment: datetime, event: str, fields: Mapping[str, object]) -> str:
    """Return what happened as one line; fields that are None are left out.

    It is ASCII, which no stream refuses, whatever its encoding.
    """
    told = {"time": moment.isoformat(timespec="milliseconds"), "event": event}
    told_fields = {name: value for name, value in fields.items() if value is not None}
    return _encode({**told, **told_fields})


#: Made once: `json.dumps` makes one for each call that names a default.
_encode = json.JSONEncoder(default=str).encode


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "level": record.levelname.lower(),
            **getattr(record, "fields", {}),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        moment = datetime.fromtimestamp(record.created, UTC)
        return json_line(moment, record.getMessage(), fields)


def log_to_stderr(level: Level) -> None:
    """Write all logs of the process as JSON to standard error, from a level on."""
    # What no line tells need not be found out for each: where it was logged, and by which task.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=level.name, handlers=[handler], force=True)
