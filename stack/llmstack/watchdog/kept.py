"""One start of one program: the keeper process that holds it, seen from the watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

from llmstack.watchdog import keeper
from llmstack.watchdog.configuration import Program, environment_of


class Kept:
    """A program with its keeper; when the keeper has gone, nothing of the program is left."""

    def __init__(self, program: Program) -> None:
        """Start it.

        Raises:
            OSError: no process can be made.
        """
        self._reports, written = os.pipe()
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, str(written)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(written,),
                # Ctrl-C in a terminal reaches the watchdog alone, which then stops the programs.
                start_new_session=True,
            )
        except OSError:
            os.close(self._reports)
            raise
        finally:
            os.close(written)
        asked = {
            "command": program.command,
            "folder": str(program.folder),
            "environment": environment_of(program),
            "output": None if program.output is None else str(program.output),
            "grace_seconds": program.stop_grace_seconds,
        }
        assert self._keeper.stdin is not None
        self._asking = self._keeper.stdin
        # If it died at once, that its reports end says so.
        with contextlib.suppress(BrokenPipeError):
            self._asking.write(json.dumps(asked).encode() + b"\n")
            self._asking.flush()

    @property
    def keeper_pid(self) -> int:
        """The process that holds the program."""
        return self._keeper.pid

    async def reports(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the keeper says, and end when it and all of the program have gone."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._reports, "rb")
        )
        try:
            while line := await reader.readline():
                yield json.loads(line)
        finally:
            transport.close()
        self.stop()
        # Its end of the pipe closes as it exits, so this takes no time.
        self._keeper.wait()

    def stop(self) -> None:
        """Ask for SIGTERM to the program's process group, and SIGKILL after its grace."""
        with contextlib.suppress(BrokenPipeError):
            self._asking.close()

    def hurry(self) -> None:
        """Ask for SIGKILL at once."""
        self._keeper.send_signal(signal.SIGTERM)
