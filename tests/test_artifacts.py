"""Writing files: each in one step, nothing half-written, and nothing touched that is not ours."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llmdash.artifacts import MANIFEST, Artifact, Difference, difference, write
from llmdash.errors import ArtifactError

RULES = Artifact("rules/inn.yaml", "groups: []\n")
PAGE = Artifact("dashboards/Inn/inn-everything.json", '{"title": "Gästehaus – überall"}\n')
NOTES = Artifact("signals.md", "# Signals\n")
ALL = (RULES, PAGE, NOTES)

PATHS = sorted(artifact.path for artifact in ALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "generated"


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest_of(*paths: str) -> str:
    head = "# The files that llmdash wrote here; it removes those that it no longer makes.\n"
    return head + "".join(f"{path}\n" for path in sorted(paths))


def test_a_first_build_writes_everything(folder: Path) -> None:
    """Folders are made, texts are UTF-8 without a change, and the manifest names what was written."""
    found = write(ALL, folder)

    assert Difference(missing=tuple(PATHS)) == found
    assert {
        MANIFEST: manifest_of(*PATHS),
        **{artifact.path: artifact.text for artifact in ALL},
    } == files(folder)
    assert PAGE.text.encode() == (folder / PAGE.path).read_bytes()


def test_a_second_build_writes_nothing(folder: Path) -> None:
    """What is there already is not touched, so nothing that watches the folder wakes up."""
    write(ALL, folder)
    os.utime(folder / RULES.path, (1, 1))

    assert Difference() == write(ALL, folder)
    assert (folder / RULES.path).stat().st_mtime == 1


def test_what_was_changed_by_hand_is_written_again(folder: Path) -> None:
    """A file of ours that somebody edited or removed comes back."""
    write(ALL, folder)
    (folder / RULES.path).write_text("groups: [mine]\n")
    (folder / NOTES.path).unlink()

    assert Difference((NOTES.path,), (RULES.path,)) == write(ALL, folder)
    assert (RULES.text, NOTES.text) == (
        (folder / RULES.path).read_text(),
        (folder / NOTES.path).read_text(),
    )


def test_everybody_may_read(folder: Path) -> None:
    """Grafana and Prometheus read as other users, whatever the umask of the one who builds."""
    before = os.umask(0o077)
    try:
        write(ALL, folder)
    finally:
        os.umask(before)

    assert {0o644} == {
        stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()
    }


def test_stale_files_go(folder: Path) -> None:
    """What an earlier build made and this one does not is removed, empty folders too."""
    write(ALL, folder)

    assert (PAGE.path,) == write([RULES, NOTES], folder).stale
    assert {MANIFEST, RULES.path, NOTES.path} == set(files(folder))
    assert not (folder / "dashboards").exists()


def test_foreign_files_stay(folder: Path) -> None:
    """What llmdash did not write is not its to remove, nor the folder that it stands in."""
    write(ALL, folder)
    mine = folder / "dashboards" / "Inn" / "mine.json"
    mine.write_text("{}")

    write([NOTES], folder)
    assert {MANIFEST, NOTES.path, "dashboards/Inn/mine.json"} == set(files(folder))


def test_a_foreign_file_in_the_way_is_refused(folder: Path) -> None:
    """Files that somebody else wrote are named, and nothing is written."""
    (folder / "rules").mkdir(parents=True)
    (folder / RULES.path).write_text("groups: [mine]\n")
    (folder / NOTES.path).write_text("mine\n")

    with pytest.raises(ArtifactError) as caught:
        write(ALL, folder)
    assert str(caught.value) == (
        f"{folder} holds files that llmdash did not write: rules/inn.yaml, signals.md. "
        "Move them away, or build into another folder with --output"
    )
    assert {RULES.path: "groups: [mine]\n", NOTES.path: "mine\n"} == files(folder)


def test_a_foreign_file_of_equal_text_is_no_harm(folder: Path) -> None:
    """A file that says already what we would write is taken over."""
    folder.mkdir()
    (folder / NOTES.path).write_text(NOTES.text)

    assert Difference((RULES.path,)) == write([RULES, NOTES], folder)
    assert manifest_of(RULES.path, NOTES.path) == (folder / MANIFEST).read_text()


@pytest.mark.parametrize(
    ("obstacle", "is_folder"), [(RULES.path, True), ("dashboards", False), ("rules", False)]
)
def test_what_cannot_be_replaced_is_an_error(obstacle: str, is_folder: bool, folder: Path) -> None:
    """A folder in a file's place, or a file in a folder's, is refused before anything is written."""
    if is_folder:
        (folder / obstacle).mkdir(parents=True)
    else:
        folder.mkdir()
        (folder / obstacle).write_text("mine\n")

    with pytest.raises(ArtifactError, match=f"{folder / obstacle} stands where .*; move it away"):
        write(ALL, folder)
    assert (folder / obstacle).is_dir() == is_folder
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name != obstacle]


@pytest.mark.parametrize("fails_at", [0, 1, 2, 3, 4])
def test_a_disk_that_refuses_leaves_whole_files(
    fails_at: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a build is cut off, each file is the old one or the new one, and the next build heals."""
    old = [Artifact(artifact.path, "old\n") for artifact in ALL]
    write(old, folder)
    replace, calls = os.replace, []

    def refuse(source: str, target: Path) -> None:
        calls.append(target)
        if len(calls) == fails_at + 1:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ArtifactError, match="No space left on device"):
        write(ALL, folder)
    monkeypatch.undo()

    left = files(folder)
    assert {MANIFEST, *PATHS} == set(left)
    assert all(left[each.path] in ("old\n", each.text) for each in ALL)
    assert fails_at == sum(left[each.path] == each.text for each in ALL) + (fails_at > 0)
    write(ALL, folder)
    assert {each.path: each.text for each in ALL} == {path: files(folder)[path] for path in PATHS}


def test_a_first_build_cut_off_is_known_as_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest names files before they are written, so the next build may replace or remove them."""
    replace = os.replace

    def refuse(source: str, target: Path) -> None:
        if target.name == "signals.md":
            raise PermissionError(13, "Permission denied", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ArtifactError) as caught:
        write(ALL, folder)
    monkeypatch.undo()

    assert str(caught.value) == f"cannot write {folder / 'signals.md'}: Permission denied"
    assert {MANIFEST, RULES.path, PAGE.path} == set(files(folder))
    write([NOTES], folder)
    assert {MANIFEST, NOTES.path} == set(files(folder))


def test_a_text_that_cannot_be_written_leaves_no_trace(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary file goes even when writing is interrupted by something else than the disk."""

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt(descriptor)

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(ALL, folder)
    monkeypatch.undo()

    assert {} == files(folder)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file in place of a parent of the folder is said with its path."""
    (tmp_path / "file").write_text("mine\n")

    with pytest.raises(ArtifactError, match=r"cannot write .*/file/generated: Not a directory"):
        write(ALL, tmp_path / "file" / "generated")


@pytest.mark.parametrize(
    "line", ["../precious", "rules/../../precious", "{outside}/precious", "./../precious"]
)
def test_a_tampered_manifest_deletes_nothing_outside(line: str, tmp_path: Path) -> None:
    """A manifest that was edited by hand cannot make a build delete what is beyond its folder."""
    folder, precious = tmp_path / "generated", tmp_path / "precious"
    precious.write_text("precious\n")
    write([NOTES], folder)
    (folder / MANIFEST).write_text(manifest_of(NOTES.path, line.format(outside=tmp_path)))

    assert () == write([NOTES], folder).stale
    assert "precious\n" == precious.read_text()


def test_dots_in_a_name_are_no_way_out(folder: Path) -> None:
    """A file with two dots in its name is ours like any other."""
    dotted = Artifact("dashboards/inn..json", "{}\n")
    write([dotted, NOTES], folder)

    assert not difference([dotted, NOTES], folder)
    assert ("dashboards/inn..json",) == write([NOTES], folder).stale


def test_a_manifest_that_is_no_text_names_nothing(folder: Path) -> None:
    """Bytes that are no UTF-8 are read as an empty manifest, and replaced."""
    write([NOTES], folder)
    (folder / MANIFEST).write_bytes(b"\xff\xfe")

    assert (MANIFEST,) == write([NOTES], folder).changed
    assert manifest_of(NOTES.path) == (folder / MANIFEST).read_text()


@pytest.mark.parametrize(
    "path", ["/etc/inn.yaml", "../inn.yaml", "rules/../../inn.yaml", "..", "", "."]
)
def test_a_path_out_of_the_folder_is_refused(path: str) -> None:
    """An artifact cannot be written outside the folder of its build."""
    with pytest.raises(ArtifactError) as caught:
        Artifact(path, "text")

    assert f"{path!r}: an artifact's path must stay inside the folder" == str(caught.value)


def test_a_difference_is_listed(folder: Path) -> None:
    """Missing, changed and stale files are told apart, and nothing is written to tell."""
    write([RULES, PAGE], folder)
    (folder / RULES.path).write_text("mine\n")
    before = files(folder)
    found = difference([RULES, NOTES], folder)

    assert [
        "missing  signals.md",
        "changed  rules/inn.yaml",
        "stale    dashboards/Inn/inn-everything.json",
    ] == found.lines()
    assert bool(found)
    assert before == files(folder)


def test_a_folder_that_is_not_there_misses_everything(folder: Path) -> None:
    """Comparing with a folder that nobody made says what is missing and makes nothing."""
    assert tuple(PATHS) == difference(ALL, folder).missing
    assert not folder.exists()


def test_a_manifest_that_fell_behind_is_a_difference(folder: Path) -> None:
    """Files may be as they should while the manifest is not: that is said, and mended."""
    write(ALL, folder)
    (folder / MANIFEST).unlink()

    assert [f"changed  {MANIFEST}"] == difference(ALL, folder).lines()
    write(ALL, folder)
    assert not difference(ALL, folder)
