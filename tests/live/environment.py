"""Virtual environments that hold the real servers, made once in a cache folder and then reused."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STAMP = "complete"

#: What every server of the tests calls its model.
MODEL = "tiny"


class UnavailableError(Exception):
    """A real server cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the cache."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of this environment."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder that packages are installed into."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def run(self, *arguments: str) -> str:
        """Run this environment's interpreter and return what it prints."""
        finished = subprocess.run(
            [str(self.python), *arguments], capture_output=True, text=True, check=False
        )
        if finished.returncode != 0:
            raise UnavailableError(f"python {' '.join(arguments)}: {last_line(finished.stderr)}")
        return finished.stdout

    def pip(self, *arguments: str) -> str:
        """Run pip in this environment and return what it prints."""
        return self.run("-m", "pip", *arguments)


def cache_folder() -> Path:
    """The folder that keeps installed servers between runs."""
    configured = os.environ.get("LLMDASH_LIVE_CACHE")
    return Path(configured).resolve() if configured else REPOSITORY / ".tools" / "live"


def prepared_environment(
    name: str, recipe: Sequence[str], install: Callable[[Environment], None]
) -> Environment:
    """Return the environment of this name, installing it first unless that was completed before.

    The stamp is written last and holds the recipe: what an interrupted run left, and what an
    older recipe made, is removed and made again.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    environment = Environment(cache / name)
    stamp = environment.folder / STAMP
    wanted = "\n".join([sys.version, *recipe]) + "\n"
    with _only_one_at_a_time(cache / f"{name}.lock"):
        if not stamp.is_file() or stamp.read_text() != wanted:
            shutil.rmtree(environment.folder, ignore_errors=True)
            _create(environment)
            install(environment)
            stamp.write_text(wanted)
    return environment


def last_line(text: str) -> str:
    """The last line that is not empty, which is where pip and Python put the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _create(environment: Environment) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "venv", str(environment.folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        reason = last_line(finished.stderr or finished.stdout)
        raise UnavailableError(f"no virtual environment can be made: {reason}")


@contextmanager
def _only_one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
