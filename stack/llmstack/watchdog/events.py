"""What happens, as lines of JSON: when, what, of which program and process, and why."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from typing import TextIO

from llmstack.json_log import json_line


class EventLog:
    """Writes one line for each event; values of environments are never among its arguments."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Choose where to: standard output if left out."""
        self._stream = sys.stdout if stream is None else stream

    def write(self, event: str, **facts: object) -> None:
        """Write an event; facts that are None are left out."""
        # Where nobody reads any more, programs are supervised all the same.
        with contextlib.suppress(BrokenPipeError):
            print(json_line(datetime.now(UTC), event, facts), file=self._stream, flush=True)
