"""What a dashboard says, its stamp, and what servers may do to it without its being an edit."""

from __future__ import annotations

import pytest

from llmdash.grafana.content import (
    Stamp,
    canonical,
    fingerprint,
    is_as_pushed,
    is_owner,
    is_slowed,
    stamped,
    stamps_in,
)
from tests.grafana.pages import page, panel


def stamp_on(content: dict[str, object]) -> Stamp:
    (found,) = stamps_in(content["tags"])
    return found


@pytest.mark.parametrize(
    "held",
    [
        {"id": 7, "version": 12},
        {"iteration": 1},
        {"description": None},
        {"tags": ["llmdash", "other:0123456789abcdef"]},
        {"schemaVersion": 42.0},
    ],
)
def test_what_a_server_adds_says_nothing(held: dict[str, object]) -> None:
    """Numbers of its own, nulls, stamps and another spelling of a number."""
    assert canonical(page()) == canonical({**page(), **held})
    assert fingerprint(page(), "f") == fingerprint({**page(), **held}, "f")


@pytest.mark.parametrize(
    "held",
    [
        {"title": "Other"},
        {"tags": []},
        {"tags": ["llmdash", "mine"]},
        {"panels": []},
        {"refresh": ""},
    ],
)
def test_what_somebody_changes_says_something(held: dict[str, object]) -> None:
    """Also a tag more or less, for people sort by them."""
    assert canonical(page()) != canonical({**page(), **held})
    assert fingerprint(page(), "f") != fingerprint({**page(), **held}, "f")


def test_the_null_of_thresholds_stays() -> None:
    """It means: from below. A value that is no null is another threshold."""
    steps = [{"color": "green", "value": None}, {"color": "red", "value": 1}]
    thresholds = {"mode": "absolute", "steps": steps}
    content = page(panels=[panel(1, "A", fieldConfig={"defaults": {"thresholds": thresholds}})])

    assert (
        steps == canonical(content)["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    )


def test_the_folder_is_part_of_it() -> None:
    """A dashboard that somebody moved was edited."""
    assert fingerprint(page(), "one") != fingerprint(page(), "two")


def test_a_stamp_is_the_last_tag_and_there_is_one() -> None:
    """What was sent carries the fingerprint of itself; an older stamp goes."""
    sent = stamped(
        {**page(), "tags": ["llmdash", "llmdash:0123456789abcdef"], "version": 3}, "f", "us"
    )

    assert ["llmdash", f"us:{fingerprint(page(), 'f')}"] == sent["tags"]
    assert sent["id"] is None
    assert "version" not in sent


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["a", "us:0123456789abcdef"], [("us", "0123456789abcdef", "0123456789abcdef")]),
        (
            ["us:0123456789abcdef-fedcba9876543210"],
            [("us", "0123456789abcdef", "fedcba9876543210")],
        ),
        (["us:0123456789ABCDEF", "us:0123", "us", ":0123456789abcdef"], []),
        (None, []),
        ([7, None], []),
    ],
)
def test_stamps_are_found_among_tags(tags: object, expected: list[tuple[str, str, str]]) -> None:
    """Nothing else is taken for one."""
    assert expected == [(stamp.owner, stamp.sent, stamp.kept) for stamp in stamps_in(tags)]


def test_a_stamp_reads_as_it_was_written() -> None:
    """With one fingerprint, and with two."""
    for stamp in (Stamp("us", "0" * 16), Stamp("us", "0" * 16, "1" * 16)):
        assert (stamp,) == stamps_in([stamp.tag])


@pytest.mark.parametrize(("text", "expected"), [("llmdash", True), ("team-a.b_1", True), ("", False), ("a:b", False), ("-a", False), ("a b", False)])  # fmt: skip
def test_owners(text: str, expected: bool) -> None:
    """A name that the stamp can be split at."""
    assert expected is is_owner(text)


@pytest.mark.parametrize(
    ("sent", "held", "now", "expected"),
    [
        ("30s", "30s", "30s", True),
        # The server's shortest replaced it.
        ("1s", "5s", "1s", True),
        # It did, and we want another one now.
        ("1s", "5s", "10s", True),
        ("5s", "1m", "30s", True),
        # Nobody but a person makes it shorter, or switches it off.
        ("30s", "5s", "30s", False),
        ("30s", "", "30s", False),
        ("", "5s", "", False),
    ],
)
def test_a_longer_refresh_may_be_the_servers(
    sent: str, held: str, now: str, expected: bool
) -> None:
    """A refresh that is longer than any that may have been sent is no edit; a shorter one is."""
    stamp = stamp_on(stamped(page(refresh=sent), "f", "us"))

    assert expected is is_as_pushed(page(refresh=held), "f", stamp, now)


def test_an_edit_beside_a_longer_refresh_is_an_edit() -> None:
    """The refresh excuses nothing else."""
    stamp = stamp_on(stamped(page(refresh="1s"), "f", "us"))

    assert not is_as_pushed(page(refresh="5s", title="Mine"), "f", stamp, "1s")
    assert not is_as_pushed(page(refresh="5s"), "elsewhere", stamp, "1s")


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        ({"refresh": "1s"}, {"refresh": "5s"}, True),
        ({"refresh": "5s"}, {"refresh": "5s"}, False),
        ({"refresh": "10s"}, {"refresh": "5s"}, False),
        ({"refresh": "1s"}, {"refresh": "5s", "title": "Mine"}, False),
    ],
)
def test_what_is_only_slower(wanted: dict[str, str], held: dict[str, str], expected: bool) -> None:
    """The same page with a longer refresh."""
    assert expected is is_slowed(page(**wanted), page(**held))
