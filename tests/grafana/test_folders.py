"""Where pages go: the uids of folders, and which are made."""

from __future__ import annotations

import pytest

from llmdash.grafana.actions import Policy
from llmdash.grafana.folders import folder_uid, plan_folders
from llmdash.grafana.held import HeldFolder, Release, Server

OLD, NEW = Server(1, "Main", Release(10, 4)), Server(1, "Main", Release(11, 0))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("llm-serving",), "llm-serving-e52be8cd"),
        (("LLM",), "llm-674900a7"),
        (("Team Ä", "Modelle & mehr"), "llm-team-modelle-mehr-09a0dcb4"),
        (("日本",), "llm-cf2abf0c"),
        (("x" * 99,), "llm-xxxxxxxxxxxxxxxxxxxxxxxxxxx-"),
    ],
)
def test_uids_are_readable_and_stay(path: tuple[str, ...], expected: str) -> None:
    """The same at each push, within what Grafana takes, and another for another path."""
    found = folder_uid(path, "llm-")

    assert found.startswith(expected)
    assert found.isascii()
    assert len(found) <= 40
    assert found != folder_uid((*path, "more"), "llm-")


@pytest.mark.parametrize(
    ("server", "held", "made", "places"),
    [
        (NEW, [], [("A", None), ("B", "A")], {("A",): None, ("A", "B"): None}),
        (NEW, [HeldFolder("a", "A")], [("B", "a")], {("A",): "a", ("A", "B"): None}),
        # A folder of the title elsewhere is another one.
        (NEW, [HeldFolder("a", "A"), HeldFolder("b", "B")], [("B", "a")], {("A",): "a"}),
        (NEW, [HeldFolder("a", "A"), HeldFolder("b", "B", "a")], [], {("A",): "a", ("A", "B"): "b"}),
        # Without nesting only folders with pages are made, named after their path.
        (OLD, [], [("A / B", None)], {("A", "B"): None}),
        (OLD, [HeldFolder("ab", "A / B")], [], {("A", "B"): "ab"}),
    ],
)  # fmt: skip
def test_which_are_made(
    server: Server,
    held: list[HeldFolder],
    made: list[tuple[str, str | None]],
    places: dict[tuple[str, ...], str | None],
) -> None:
    """Those that are not there by uid or title, outer ones first; a page goes where they are."""
    paths: tuple[tuple[str, ...], ...] = (("A",), ("A", "B"))
    found = plan_folders(paths, {("A", "B")}, held, server, Policy())
    uids = {path: folder_uid(path, "llm-") for path in paths}
    payloads = [action.payload for action in found.actions if action.payload]
    # What a folder of ours stands in is known by the title that was made before.
    titles = {uids[path]: path[-1] for path in paths}

    assert made == [(p["title"], titles.get(str(p.get("parentUid")), p.get("parentUid"))) for p in payloads]  # fmt: skip
    for path, uid in places.items():
        assert (uid or uids[path]) == found.places[path]


def test_a_folder_of_ours_that_was_renamed() -> None:
    """It is found by its uid, and keeps the name that somebody gave it."""
    uid = folder_uid(("A",), "llm-")
    found = plan_folders([("A",)], {("A",)}, [HeldFolder(uid, "Renamed")], NEW, Policy())

    assert (uid, "it is called Renamed there") == (found.places[("A",)], found.actions[0].reason)
