"""Servers as child processes: a free port, a start that is waited for, an end for the group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import requests

POLL_SECONDS = 0.1
STOP_SECONDS = 20.0

Found = TypeVar("Found")


class ServerFailedError(Exception):
    """A server ended, or was not ready in time; the text has the end of its log."""


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def direct_session() -> requests.Session:
    """An HTTP session that takes no proxy from the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def answers(url: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        with direct_session() as session:
            return session.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def wait_until(read: Callable[[], Found | None], *, within: float, what: str) -> Found:
    """Read again and again until the answer is truthy, and return it."""
    deadline = time.monotonic() + within
    while True:
        found = read()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what}: not within {within:g} s; the last answer was {found!r}")
        time.sleep(POLL_SECONDS)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready_url: str,
    within: float,
    log: Path,
    environment: Mapping[str, str] | None = None,
    niceness: int = 0,
) -> Iterator[int]:
    """Run a server in its own process group until the block ends; yields the group's id.

    With `niceness` above 0 it gives way to other servers where cores are short.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=(lambda: _give_way(niceness)) if niceness else None,
        )

    def is_ready() -> bool:
        if process.poll() is not None:
            raise ServerFailedError(
                f"{command[0]} ended with {process.returncode}:\n{_end_of(log)}"
            )
        return answers(ready_url)

    try:
        try:
            wait_until(is_ready, within=within, what=f"{ready_url} answers")
        except TimeoutError as error:
            raise ServerFailedError(f"{error}; the log ends:\n{_end_of(log)}") from error
        yield process.pid
    finally:
        _stop(process)


def _give_way(niceness: int) -> None:
    os.nice(niceness)
    # Linux shares cores between sessions first; within a session alone would the above count.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(f"{niceness}\n")


def group_members(group: int) -> set[int]:
    """The live processes of a process group, read from /proc; zombies do not count."""
    members = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The command in parentheses may hold spaces, so the fields are read after it:
            # state, parent, group.
            state, _, member_of = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it ended in the meantime
            continue
        if int(member_of) == group and state not in "ZX":
            members.add(int(status.parent.name))
    return members


def started_in(folder: Path) -> list[str]:
    """The commands of all processes whose working folder is this one, or below it."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words, place = each.read_bytes().split(b"\0"), (each.parent / "cwd").readlink()
        except OSError:  # it ended in the meantime, or is somebody else's
            continue
        if place == folder or folder in place.parents:
            found.append(b" ".join(words).decode(errors="replace"))
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):  # all of the group has ended
            os.killpg(process.pid, number)
        try:
            wait_until(
                lambda: process.poll() is not None and not group_members(process.pid),
                within=STOP_SECONDS,
                what=f"process group {process.pid} ends",
            )
        except TimeoutError:
            continue
        return
    raise ServerFailedError(f"process group {process.pid} outlives SIGKILL")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])
