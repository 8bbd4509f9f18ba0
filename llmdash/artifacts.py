"""The files that a build writes: their paths and texts, and the one place that touches the disk.

A manifest in the folder names what we wrote, so that a later build removes its own stale files and
never anybody else's.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from llmdash.errors import ArtifactError

MANIFEST = ".llmdash-manifest"


@dataclass(frozen=True, order=True)
class Artifact:
    """A file to be written: its path below the folder (with `/`), and its text."""

    path: str
    text: str

    def __post_init__(self) -> None:
        """Refuse a path that leaves the folder."""
        parts = PurePosixPath(self.path)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise ArtifactError(f"{self.path!r}: an artifact's path must stay inside the folder")


@dataclass(frozen=True)
class Difference:
    """How a folder departs from what a build would write."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.missing or self.changed or self.stale)

    def lines(self) -> list[str]:
        """Return a line for each file that differs."""
        return [
            *(f"missing  {path}" for path in self.missing),
            *(f"changed  {path}" for path in self.changed),
            *(f"stale    {path}" for path in self.stale),
        ]


def difference(artifacts: Sequence[Artifact], folder: Path) -> Difference:
    """Compare a folder with the artifacts; nothing is written."""
    wanted = {artifact.path: artifact.text for artifact in artifacts}
    ours = _manifest(folder)
    missing = [path for path in wanted if not (folder / path).is_file()]
    changed = [
        path
        for path, text in wanted.items()
        if path not in missing and _read(folder / path) != text
    ]
    stale = [path for path in ours if path not in wanted and (folder / path).is_file()]
    if not missing and not changed and ours != set(wanted):
        changed.append(MANIFEST)
    return Difference(tuple(sorted(missing)), tuple(sorted(changed)), tuple(sorted(stale)))


def write(artifacts: Sequence[Artifact], folder: Path) -> Difference:
    """Bring a folder to the artifacts and return what was changed.

    Every file is replaced in one step; files of earlier builds that are no longer made go, files
    that are not ours stay.

    Raises:
        ArtifactError: a file that we did not write stands in the way, or the disk refuses.
    """
    found = refuse_conflicts(artifacts, folder)
    ours = _manifest(folder)
    texts = {artifact.path: artifact.text for artifact in artifacts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Until all is done the manifest names old and new files, so that a build that is cut off
        # leaves nothing that the next one would not know as ours.
        _replace(folder / MANIFEST, _listing({*ours, *texts}))
        for path in (*found.missing, *found.changed):
            if path != MANIFEST:
                _replace(folder / path, texts[path])
        for path in found.stale:
            (folder / path).unlink()
            _remove_empty(folder, (folder / path).parent)
        _replace(folder / MANIFEST, _listing(texts))
    except OSError as error:
        place = error.filename or folder
        raise ArtifactError(f"cannot write {place}: {error.strerror or error}") from error
    return found


def read(folder: Path) -> tuple[Artifact, ...]:
    """Return the files that a build wrote into a folder, in order.

    Raises:
        ArtifactError: no build wrote the folder, or one of its files is gone.
    """
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{folder} is not a folder that llmdash build wrote; run it first")
    found = []
    for path in sorted(_manifest(folder)):
        if not (folder / path).is_file():
            raise ArtifactError(f"{folder / path} is gone; run llmdash build again")
        found.append(Artifact(path, _read(folder / path)))
    return tuple(found)


def save_aside(folder: Path, name: str, text: str) -> Path:
    """Write a file beside those that are there, under a number if its name is taken.

    Raises:
        ArtifactError: the disk refuses.
    """
    stem, dot, ending = name.rpartition(".")
    path, number = folder / name, 1
    try:
        while path.exists():
            number += 1
            path = folder / f"{stem}.{number}{dot}{ending}"
        _replace(path, text)
    except OSError as error:
        raise ArtifactError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def refuse_conflicts(artifacts: Sequence[Artifact], folder: Path) -> Difference:
    """Return what would be changed; nothing is written.

    Raises:
        ArtifactError: a file or folder that we did not make stands in the way.
    """
    found = difference(artifacts, folder)
    ours = _manifest(folder)
    foreign = [path for path in found.changed if path not in ours and path != MANIFEST]
    if foreign:
        listing = ", ".join(foreign)
        raise ArtifactError(
            f"{folder} holds files that llmdash did not write: {listing}. "
            "Move them away, or build into another folder with --output"
        )
    for path in found.missing:
        obstacle = _obstacle(folder, path)
        if obstacle is not None:
            raise ArtifactError(f"{obstacle} stands where {folder / path} belongs; move it away")
    return found


def _obstacle(folder: Path, path: str) -> Path | None:
    """Return a folder in a file's place, or a file in a folder's."""
    target = folder / path
    if target.is_dir():
        return target
    parents = [folder / parent for parent in PurePosixPath(path).parents]
    return next((parent for parent in parents if parent.exists() and not parent.is_dir()), None)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _manifest(folder: Path) -> set[str]:
    path = folder / MANIFEST
    if not path.is_file():
        return set()
    lines = _read(path).splitlines()
    inside = (line for line in lines if line and not line.startswith("#"))
    # A hand-edited manifest must not make us delete what is outside.
    paths = ((line, PurePosixPath(line)) for line in inside)
    return {line for line, path in paths if not path.is_absolute() and ".." not in path.parts}


def _listing(paths: Iterable[str]) -> str:
    head = "# The files that llmdash wrote here; it removes those that it no longer makes.\n"
    return head + "".join(f"{path}\n" for path in sorted(paths))


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for the owner only; Grafana and Prometheus read as other users.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _remove_empty(folder: Path, parent: Path) -> None:
    while parent != folder and not any(parent.iterdir()):
        parent.rmdir()
        parent = parent.parent
