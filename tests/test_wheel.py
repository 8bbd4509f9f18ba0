"""The built wheel is all that a user needs: in an empty venv it builds the default pack."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from llmdash.artifacts import MANIFEST

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    command += [str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_builds_the_default_pack(wheel: Path, tmp_path: Path) -> None:
    """Installed alone, far from any checkout, it writes the bytes that are committed."""
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run([*install, "--constraint", str(ROOT / "constraints.txt")], check=True)
    subprocess.run([programs / "llmdash", "build"], cwd=tmp_path, check=True, capture_output=True)
    paths = (tmp_path / "generated" / MANIFEST).read_text().splitlines()[1:]

    assert paths
    for path in paths:
        assert (ROOT / "generated" / path).read_bytes() == (
            tmp_path / "generated" / path
        ).read_bytes(), path


def test_wheel_says_that_it_is_typed(wheel: Path) -> None:
    """The marker for type checkers is inside."""
    listing = subprocess.run(
        [sys.executable, "-m", "zipfile", "--list", str(wheel)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert "llmdash/py.typed" in listing
