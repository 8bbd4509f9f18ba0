"""The one seam to the machine: programs that are asked, disks, ports and files."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from llmstack.memory_budget import Model, read_model

#: A program that says nothing for so long is taken for one that fails, in seconds. nvidia-smi takes
#: some where the driver must be loaded first.
_PATIENCE_SECONDS = 30


class PortState(Enum):
    """Whether a port can be published."""

    FREE = "free"
    TAKEN = "taken"
    #: By this user, that is; Docker may.
    FORBIDDEN = "not allowed to this user"
    #: The address is none of this machine's.
    ELSEWHERE = "not an address of this machine"


@dataclass(frozen=True)
class Disk:
    """A file system."""

    #: The same number for two paths that share its space.
    device: int
    free_bytes: int


class Machine(Protocol):
    """What may be asked."""

    def run(self, *command: str) -> tuple[int, str] | None:
        """Return exit status and output (errors too) of a program; None where there is none."""

    def disk(self, path: Path) -> Disk | None:
        """Return the disk where a path is, or would be made; None if nobody can tell."""

    def port(self, host: str, number: int) -> PortState:
        """Return whether a port can be published."""

    def is_readable(self, path: Path) -> bool:
        """Tell whether a file or folder can be read."""

    def exists(self, path: Path) -> bool:
        """Tell whether there is anything."""

    def text(self, path: Path) -> str:
        """Return what a file says; nothing if it cannot be read."""

    def read_model(self, config: Path) -> Model:
        """Return the model of a config.json, or raise ModelError."""


class ThisMachine:
    """The machine that the program runs on."""

    def run(self, *command: str) -> tuple[int, str] | None:
        """Run a program."""
        found = shutil.which(command[0])
        if found is None:
            return None
        try:
            done = subprocess.run(
                [found, *command[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE_SECONDS,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            return 124, f"no answer within {_PATIENCE_SECONDS} s"
        except OSError as error:
            return 126, str(error)
        return done.returncode, "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip())))

    def disk(self, path: Path) -> Disk | None:
        """Ask the nearest folder that is there already."""
        for folder in (path, *path.parents):
            try:
                return Disk(folder.stat().st_dev, shutil.disk_usage(folder).free)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                return None
        return None

    def port(self, host: str, number: int) -> PortState:
        """Take it for a moment."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as taken:
            # Connections that ended a minute ago are no reason.
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind((host, number))
            except PermissionError:
                return PortState.FORBIDDEN
            except OSError as error:
                is_taken = error.errno == errno.EADDRINUSE
                return PortState.TAKEN if is_taken else PortState.ELSEWHERE
        return PortState.FREE

    def is_readable(self, path: Path) -> bool:
        """Ask the kernel."""
        mode = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
        return os.access(path, mode)

    def exists(self, path: Path) -> bool:
        """Ask the kernel; a folder that may not be looked into has nothing."""
        try:
            return path.exists()
        except OSError:
            return False

    def text(self, path: Path) -> str:
        """Read it."""
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def read_model(self, config: Path) -> Model:
        """Read it."""
        return read_model(config)
