"""A push that breaks off, what must hold after it, and what one more push makes of it.

Thirty dashboards, some of which are there already in all the ways that they can be. The connection
is cut before or after a request, or from there on for good; or the process is killed.
"""

from __future__ import annotations

import copy
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from llmdash.errors import GrafanaError
from llmdash.grafana.wanted import Wanted
from llmdash.testing.grafana import GRAFANA_9, GRAFANA_11, GRAFANA_13, FakeGrafana, Profile
from llmdash.testing.grafana.dashboards import Dashboards
from llmdash.testing.grafana.folders import Folders
from llmdash.testing.grafana.server import When
from tests.grafana.pages import page, pushed, wanted

PAGES = 30
#: The release of most installations, the oldest, and the newest, whose search is far behind.
TRIED = (GRAFANA_11, GRAFANA_9, GRAFANA_13)
#: What is never ours: another's page, an edited one, one of a file.
FOREIGN, EDITED, FILED = "llm-00", "llm-01", "llm-02"
#: What was pushed before and is unchanged, and what changes.
SAME, CHANGED = ("llm-03", "llm-04"), ("llm-05", "llm-06")
#: What was pushed before and is no longer built.
GONE = "llm-gone"


def every_page(title: str) -> Wanted:
    """All pages of a build; some have a title of their own."""
    uids = [f"llm-{n:02}" for n in range(PAGES)]
    return wanted(*(page(uid, f"{title} {uid}" if uid in CHANGED else "") for uid in uids))


@cache
def _prepared(profile: Profile) -> tuple[Dashboards, Folders]:
    with FakeGrafana(profile) as fake:
        _make(fake)
        return fake.dashboards, fake.folders


def prepare(fake: FakeGrafana) -> None:
    """Bring a Grafana to where the push that breaks off begins."""
    fake.dashboards, fake.folders = copy.deepcopy(_prepared(fake.profile))


def _make(fake: FakeGrafana) -> None:
    earlier = (EDITED, *SAME, *CHANGED)
    pushed(fake.url, wanted(*(page(uid) for uid in (*earlier, GONE, *KEPT))))
    folder = fake.dashboards.by_uid[EDITED].folder_uid
    fake.edit(EDITED, title="Edited")
    fake.dashboards.put(page(FOREIGN, "Theirs"), folder)
    fake.dashboards.put(page(FILED, "Filed"), folder, file="a.json")
    fake.dashboards.put(page("unrelated", "Unrelated"), folder)
    list(fake.dashboards.hits())
    fake.live()


#: They keep the share of what is pruned below a fifth; the build holds them too.
KEPT = tuple(f"llm-{n:02}" for n in range(7, 12))


def push(fake: FakeGrafana) -> None:
    pushed(fake.url, every_page("Changed"), prune=True)


@dataclass(frozen=True)
class State:
    """What a Grafana holds: contents, and how often each was written."""

    contents: dict[str, Any]
    versions: dict[str, int]


def state(fake: FakeGrafana) -> State:
    held = fake.dashboards.by_uid
    contents = {uid: copy.deepcopy((each.content, each.folder_uid)) for uid, each in held.items()}
    return State(contents, {uid: each.version for uid, each in held.items()})


@cache
def undisturbed(profile: Profile) -> tuple[State, State, int]:
    """What was there, what is there after a push, and of how many requests it is."""
    with FakeGrafana(profile) as fake:
        prepare(fake)
        before = state(fake)
        push(fake)
        return before, state(fake), len(fake.seen)


def check(fake: FakeGrafana, profile: Profile) -> None:
    """Nothing foreign has changed, nothing is lost, and one more push is all that it takes."""
    before, after, _ = undisturbed(profile)
    between = state(fake)
    for uid in (FOREIGN, EDITED, FILED, "unrelated"):
        assert before.contents[uid] == between.contents[uid], uid
    for uid, found in between.contents.items():
        assert found in (before.contents.get(uid), after.contents.get(uid)), uid
    fake.live()
    # The search of the newest releases tells late of what was written; so does everybody's clock.
    fake.dashboards.requests += 1000
    push(fake)

    assert after == state(fake)
    fake.live()
    push(fake)
    assert [] == fake.writes


def breaks_off(profile: Profile, number: int, how: str) -> None:
    """Break one push off at a request, and see that nothing is lost and another completes it.

    Args:
        profile: the release.
        number: which request; 0 is the first.
        how: `before` or `after` it is carried out, or `dead` for all from there on.
    """
    with FakeGrafana(profile) as fake:
        prepare(fake)
        if how == "dead":
            fake.die(number)
        else:
            fake.cut(number, "before" if how == "before" else "after")
        # It may have got no answer while it still planned.
        with suppress(GrafanaError):
            push(fake)
        try:
            check(fake, profile)
        except AssertionError as error:
            raise AssertionError(f"{profile.release}, request {number}, {how}: {error}") from error


KILLED = """
import sys
from tests.grafana.faults import every_page
from tests.grafana.pages import pushed
pushed(sys.argv[1], every_page("Changed"), prune=True)
"""


def is_killed(profile: Profile, number: int, when: When) -> None:
    """Kill the process of a push at a request, before it knows the answer, and see the same."""
    with FakeGrafana(profile) as fake:
        prepare(fake)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, fake.url],
            cwd=Path(__file__).resolve().parents[2],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def kill(at: int, then: When) -> None:
            if (at, then) == (number, when):
                process.send_signal(signal.SIGKILL)
                process.wait()

        fake.on_request = kill
        try:
            ended = process.wait(timeout=60)
        finally:
            process.kill()
        assert -signal.SIGKILL == ended, f"request {number}"
        check(fake, profile)
