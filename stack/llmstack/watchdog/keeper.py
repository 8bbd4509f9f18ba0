"""A small process that holds one program and all that it starts, however far that has run away.

It is a script of its own, run without site-packages, so that it starts in some milliseconds and
nothing of the watchdog is copied into it. On Linux it adopts what the program leaves behind (a
subreaper), so when it ends, nothing of the program is left. It ends

- when the program does: what that left behind is ended too, so that a restart finds port and GPU
  free;
- when its standard input ends: asked to, or because the watchdog died in whatever way.

In: one line of JSON (`command`, `folder`, `environment`, `output`, `grace_seconds`), then nothing.
Out: lines of JSON, `{"pid": …}` or `{"error": …}`, then `{"status": …}` as `waitpid` has it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

#: From <linux/prctl.h>.
_PR_SET_CHILD_SUBREAPER = 36
#: How long to wait before looking again for what was killed but has not ended, in seconds.
_AGAIN_SECONDS = 0.05
#: What Python or the keeper ignores, and a program would inherit that.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP)
_OUTPUT_MODE = 0o644


def adopt_orphans() -> bool:
    """Become the parent of every process below whose own parent ends; tell whether that works."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False  # not Linux: what leaves the process group is not found again


def children(parent: int) -> list[int]:
    """Return the direct children of a process, ended ones that nobody has waited for too."""
    return [pid for pid, of in _parents().items() if of == parent]


def descendants(ancestor: int) -> list[int]:
    """Return all processes below a process, parents before children."""
    found, parents = [ancestor], _parents()
    for each in found:
        found += [pid for pid, of in parents.items() if of == each]
    return found[1:]


def _parents() -> dict[int, int]:
    found = {}
    for name in filter(str.isdigit, _processes()):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name, in brackets, may hold anything; the parent is the second field after it.
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
    return found


def _processes() -> list[str]:
    try:
        return os.listdir("/proc")
    except OSError:
        return []


class Keeper:
    """Starts the program, and ends all of it."""

    def __init__(self, asked: Mapping[str, Any], reports: int) -> None:
        """Remember what to run.

        Args:
            asked: what to run, as the module's docstring has it.
            reports: where to write what happens.
        """
        self._asked, self._reports = asked, reports
        self._grace: float = asked["grace_seconds"]
        self._program = 0
        #: When to kill; None while the program may run.
        self._deadline: float | None = None

    def run(self, woken: int) -> None:
        """Start the program and come back when nothing of it is left.

        Args:
            woken: becomes readable at a signal.
        """
        try:
            self._program = self._start()
        except OSError as error:
            self._report(error=f"{error.strerror}: {error.filename or self._asked['folder']}")
            return
        self._report(pid=self._program)
        waited: list[int] = [sys.stdin.fileno(), woken]
        while self._reap():
            for ready in select.select(waited, [], [], self._patience())[0]:
                if not os.read(ready, 4096):
                    waited.remove(ready)
                    self._end()
            if self._deadline is not None and time.monotonic() >= self._deadline:
                self._kill()

    def hurry(self, *_: object) -> None:
        """Kill at once; asked to by SIGTERM."""
        self._deadline = time.monotonic()

    def _start(self) -> int:
        os.chdir(self._asked["folder"])
        environment = self._asked["environment"]
        # The program is looked for where its own PATH says.
        os.environ["PATH"] = environment.get("PATH", os.defpath)
        actions: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, 2, 1),
        ]
        if self._asked["output"] is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            written = os.open(self._asked["output"], flags, _OUTPUT_MODE)
            actions = [
                actions[0],
                (os.POSIX_SPAWN_DUP2, written, 1),
                (os.POSIX_SPAWN_DUP2, written, 2),
            ]
        command = self._asked["command"]
        try:
            return os.posix_spawnp(
                command[0],
                command,
                environment,
                file_actions=actions,
                setsid=True,
                setsigmask=[],
                setsigdef=_IGNORED,
            )
        except OSError as error:
            raise OSError(error.errno, error.strerror, command[0]) from error

    def _reap(self) -> bool:
        """Wait for all that has ended; tell whether anything is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._program:
                self._report(status=status)
                # Of what it left behind nobody else knows.
                self._program = 0
                self._end()
                for each in self._left():
                    _signal(each, signal.SIGTERM)

    def _end(self) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
            if self._program:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._program, signal.SIGTERM)

    def _kill(self) -> None:
        for each in self._left():
            _signal(each, signal.SIGKILL)
        # More may have been started meanwhile, and the killed ones take a moment.
        self._deadline = time.monotonic() + _AGAIN_SECONDS

    def _left(self) -> Iterator[int]:
        found = descendants(os.getpid())
        yield from found or ([self._program] if self._program else [])

    def _patience(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _report(self, **said: object) -> None:
        # Where the watchdog is dead, what is left to do is to end the program.
        with contextlib.suppress(OSError):
            os.write(self._reports, json.dumps(said).encode() + b"\n")


def _signal(pid: int, number: int) -> None:
    # Ended meanwhile, or another user's: nothing that we could do.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def main(reports: int) -> None:
    """Run as the script that the watchdog starts.

    Args:
        reports: the file descriptor that is written to.
    """
    # What the program starts must not hold it open: its end says that the keeper has ended.
    os.set_inheritable(reports, False)
    adopt_orphans()
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(sys.stdin.fileno(), 65536)
        if not piece:
            return
        line += piece
    keeper = Keeper(json.loads(line), reports)
    signal.signal(signal.SIGTERM, keeper.hurry)
    keeper.run(read)


if __name__ == "__main__":
    main(int(sys.argv[1]))
