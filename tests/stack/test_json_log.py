"""Lines of JSON: what stands in one, and that logs and events are such lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmstack.json_log import Level, json_line, log_to_stderr
from llmstack.watchdog.events import EventLog

MOMENT = datetime(2031, 7, 11, 13, 17, 19, 230_000, UTC)


@pytest.fixture
def logs() -> Iterator[None]:
    """The handlers of others are there again afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(level)


def test_a_line() -> None:
    """When, what, and all fields that are not None; what is no JSON as text, all of it in ASCII."""
    fields = {"model": "größe", "key": None, "path": Path("/a"), "count": 0}

    assert (
        '{"time": "2031-07-11T13:17:19.230+00:00", "event": "two\\nlines", '
        '"model": "gr\\u00f6\\u00dfe", "path": "/a", "count": 0}'
    ) == json_line(MOMENT, "two\nlines", fields)


@pytest.mark.usefixtures("logs")
def test_logs(capsys: pytest.CaptureFixture[str]) -> None:
    """From a level on, with the fields that are given and with exceptions."""
    log_to_stderr(Level.WARNING)
    log = logging.getLogger("a")
    log.info("not told")
    log.warning("told", extra={"fields": {"status": 7, "error": None}})
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("failed")
    told, failed = map(json.loads, capsys.readouterr().err.splitlines())

    assert ["time", "event", "level", "status"] == list(told)
    assert ("told", "warning", 7) == (told["event"], told["level"], told["status"])
    assert ("failed", "error") == (failed["event"], failed["level"])
    assert failed["exception"].endswith("RuntimeError: broken")


def test_events() -> None:
    """The same lines; facts that are None are left out."""
    stream = io.StringIO()
    EventLog(stream).write("started", program="a", pid=None)
    told = json.loads(stream.getvalue())

    assert {"time": told["time"], "event": "started", "program": "a"} == told


def test_events_that_nobody_reads() -> None:
    """What is supervised goes on where the other end of the pipe is gone."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    EventLog(Broken()).write("started")
