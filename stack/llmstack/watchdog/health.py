"""One health check: a GET, of whose answer the status alone is read, within a time."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from llmstack.watchdog.lifecycle import Answer

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
#: The first status that says no.
_FIRST_BAD = 400
#: More than any status line has, in bytes.
_LONGEST_LINE = 4096


async def check(url: str, timeout_seconds: float) -> tuple[Answer, str]:
    """Return what a check came to, and in words why it is not healthy.

    No proxy of the environment is asked: what is checked runs on this machine.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            status = await _status(url)
    except TimeoutError:
        return Answer.SILENT, f"no answer within {timeout_seconds:g} s"
    except OSError as error:
        return Answer.BAD, f"no connection: {error.strerror or error}"
    except ValueError as error:
        return Answer.BAD, str(error)
    if status >= _FIRST_BAD:
        return Answer.BAD, f"status {status}"
    return Answer.HEALTHY, ""


async def _status(url: str) -> int:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or 80, limit=_LONGEST_LINE
    )
    try:
        lines = (f"GET {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}")
        rest = ("User-Agent: llmstack-watchdog", "Accept: */*", "Connection: close", "", "")
        writer.write("\r\n".join((*lines, *rest)).encode())
        await writer.drain()
        # A line that is too long is a ValueError.
        found = _STATUS.match(await reader.readline())
    finally:
        writer.close()
    if found is None:
        raise ValueError("no HTTP answer")
    return int(found[1])
