"""Wakes the loop at a time, to a tenth of a millisecond where Linux's timers can be had.

asyncio rounds its own timers up to whole milliseconds (selectors.EpollSelector.select), which would
be late by more than the lag that is looked for.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from time import monotonic

#: Of timerfd_create(2) and timerfd_settime(2).
_CLOCK_MONOTONIC, _NON_BLOCKING, _ABSOLUTE = 1, os.O_NONBLOCK, 1


class _Times(ctypes.Structure):
    """`struct itimerspec`: a period and a time."""

    _fields_ = (
        ("period_seconds", ctypes.c_long),
        ("period_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class Alarm:
    """Calls something at a time of `time.monotonic`, once or again and again."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """Know what is called; nothing is until `set`.

        Args:
            ring: what is called.
        """
        self._ring, self._loop = ring, asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._timer = _new_timer()
        if self._timer >= 0:
            self._loop.add_reader(self._timer, self._rung)

    def set(self, at: float, every: float = 0.0) -> None:
        """Call at a time, or as soon as may be where it is over.

        Args:
            at: the time.
            every: seconds from then to the next time, and so on; 0 for no other. Times that were
                missed are not made up for.
        """
        if self._timer < 0:
            self._cancel()
            self._handle = self._loop.call_later(max(0.0, at - monotonic()), self._call, at, every)
            return
        # A time of 0 would switch it off.
        nanoseconds = max(1, round(at * 1e9))
        period = divmod(round(every * 1e9), 1_000_000_000)
        times = _Times(*period, *divmod(nanoseconds, 1_000_000_000))
        assert _C is not None
        _C.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(times), None)

    def close(self) -> None:
        """Never call again."""
        self._cancel()
        if self._timer >= 0:
            self._loop.remove_reader(self._timer)
            os.close(self._timer)
            self._timer = -1
            self._ring = _nothing

    def _rung(self) -> None:
        try:
            os.read(self._timer, 8)
        except BlockingIOError:  # it was set again in the meantime
            return
        self._ring()

    def _call(self, at: float, every: float) -> None:
        if every:
            missed = max(0, int((monotonic() - at) / every))
            self.set(at + every * (missed + 1), every)
        self._ring()

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


def _nothing() -> None:
    pass


_C = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _new_timer() -> int:
    """Return a descriptor, or -1 where there is no such thing."""
    create = getattr(_C, "timerfd_create", None)
    return -1 if create is None else int(create(_CLOCK_MONOTONIC, _NON_BLOCKING))
