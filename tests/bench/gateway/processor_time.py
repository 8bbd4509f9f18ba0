"""The processor time of a server with all its children, and the core that it has to itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.process import group_members

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(group: int) -> float:
    """Return the user and system time of a process group, with that of children that have ended."""
    ticks = 0
    for process in group_members(group):
        try:
            # The command in parentheses may hold spaces, so the fields are read after it: utime,
            # stime, cutime and cstime are the 14th to the 17th of all.
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended in the meantime
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def cores() -> tuple[set[int], set[int]]:
    """Return the cores of the client and the engine, and the one of what is measured.

    Where there is one only, they share it.
    """
    able = sorted(os.sched_getaffinity(0))
    return set(able[:-1] or able), {able[-1]}


@contextmanager
def kept_to(allowed: set[int]) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
