"""Why a server has not answered, in one line that does not name its address again."""

from __future__ import annotations

import os

import aiohttp


def told(error: Exception) -> str:
    """Return what an error of a request is, for people."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        # What a resolver says has numbers of its own, which are below zero.
        is_known = number is not None and number > 0
        return f"cannot be reached: {os.strerror(number or 0) if is_known else error.os_error}"
    return " ".join(f"{error}".split()) or type(error).__name__
