"""What a push leaves to a person, with the remedy: what only some Grafanas hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmdash.errors import GrafanaError, PushError
from llmdash.grafana.delivery import State
from llmdash.testing.grafana import (
    GRAFANA_9,
    GRAFANA_11,
    GRAFANA_12,
    GRAFANA_13,
    PROFILES,
    FakeGrafana,
    Profile,
    Reply,
)
from tests.grafana.pages import client_of, page, pushed, verbs, wanted

Prepare = Callable[[FakeGrafana, str], object]


def folder_of(fake: FakeGrafana) -> str:
    """The folder of pages, made as a push makes it."""
    pushed(fake.url, wanted(page("llm-other")))
    return next(iter(fake.folders.by_uid))


CASES: tuple[tuple[str, Profile, Prepare, str, str], ...] = (
    (
        "a file, with other content",
        GRAFANA_11,
        lambda fake, folder: fake.dashboards.put(page(title="Filed"), folder, file="a.json"),
        "the file a.json provisions it, with other content",
        "put the built file in its place, or take it out of the provisioning and push again",
    ),
    (
        "Git Sync",
        GRAFANA_12,
        lambda fake, folder: fake.dashboards.put(page(title="Synced"), folder, manager="repo"),
        "Git Sync provisions it, with other content",
        "commit the built file to what manages it, or push into another folder",
    ),
    (
        "a folder of Git Sync",
        GRAFANA_13,
        lambda fake, folder: setattr(fake.folders.by_uid[folder], "manager", "repo"),
        "its folder is managed by a Git repository",
        "commit the built file there, or push into another folder with --folder",
    ),
    (
        "the v2 schema, flattened",
        GRAFANA_12,
        lambda fake, folder: fake.dashboards.put(page(), folder, is_v2=True),
        "it is stored in Grafana's schema v2beta1, which ours would flatten",
        "export it if it is needed, delete it in Grafana and push again",
    ),
    (
        "the v2 schema, 406",
        GRAFANA_13,
        lambda fake, folder: fake.dashboards.put(page(), folder, is_v2=True),
        "it is stored in Grafana's schema v2, which ours would flatten",
        "export it if it is needed, delete it in Grafana and push again",
    ),
    (
        "no right to save",
        GRAFANA_11,
        lambda fake, folder: fake.dashboards.put(page(), folder, can_save=False),
        "the account may not save it",
        "give it the right to write in its folder",
    ),
    (
        "somebody else's",
        GRAFANA_11,
        lambda fake, folder: fake.dashboards.put(page(title="Theirs"), folder),
        "somebody else made it: it carries no stamp of ours",
        "give one of the two another uid, or take it over with --adopt llm-a, which saves it to a file first",
    ),
    (
        "a title that is taken",
        GRAFANA_9,
        lambda fake, folder: fake.dashboards.put(page("theirs", "Page llm-a"), folder),
        "its folder has another dashboard of this title (uid theirs)",
        "rename or remove that one, or push into another folder with --folder",
    ),
)


@pytest.mark.parametrize(("profile", "prepare", "reason", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])  # fmt: skip
def test_refused_before_anything_is_written(
    profile: Profile, prepare: Prepare, reason: str, remedy: str
) -> None:
    """Nothing of it is written, also with every permission to overwrite edits."""
    with FakeGrafana(profile) as fake:
        prepare(fake, folder_of(fake))
        fake.live()
        planned, outcomes = pushed(fake.url, wanted(page("llm-a")), overwrite_edits=True)

        assert {"llm-a": "refuse"} == verbs(outcomes)
        assert [(reason, remedy)] == [(each.reason, each.remedy) for each in planned.refusals]
        assert [] == fake.writes


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.release)
@pytest.mark.parametrize("how", [{"file": "a.json"}, {"manager": "repo"}], ids=["file", "git"])
def test_what_a_file_has_delivered_is_delivered(profile: Profile, how: dict[str, str]) -> None:
    """The same content from a file or a repository is what is wanted, in whatever folder."""
    with FakeGrafana(profile) as fake:
        fake.dashboards.put(page("llm-a"), "", **how)
        _, outcomes = pushed(fake.url, wanted(page("llm-a")))

        assert {"llm-a": "unchanged"} == verbs(outcomes)
        assert "has delivered the same" in outcomes[-1].action.reason


def test_a_plugins_dashboard_shows_when_it_is_written() -> None:
    """Nothing tells of the plugin before; its refusal is final."""
    with FakeGrafana(GRAFANA_11) as fake:
        pushed(fake.url, wanted(page("llm-a")))
        fake.dashboards.by_uid["llm-a"].plugin = "an-app"
        _, outcomes = pushed(fake.url, wanted(page("llm-a", "Ours")))

        assert {"llm-a": "failed"} == verbs(outcomes)
        assert "it belongs to a plugin; give ours another uid" in outcomes[-1].message
        assert "Page llm-a" == fake.dashboards.by_uid["llm-a"].content["title"]


def test_a_title_that_the_search_does_not_tell_of_yet() -> None:
    """Saving is refused by the server then, and nothing is taken over."""
    with FakeGrafana(GRAFANA_9) as fake:
        theirs = fake.dashboards.put(page("theirs", "Page llm-a"), folder_of(fake))
        fake.dashboards.index.pop("theirs")
        theirs.seen_at = 10**9
        _, outcomes = pushed(fake.url, wanted(page("llm-a")))

        assert {"llm-a": "failed"} == verbs(outcomes)
        assert "another dashboard of its folder has this title" in outcomes[-1].message
        assert ["theirs"] == [uid for uid, each in fake.dashboards.by_uid.items() if each.content["title"] == "Page llm-a"]  # fmt: skip


def test_two_of_a_title_where_titles_may_not_repeat() -> None:
    """The first is made, the second fails, and takes nothing over."""
    with FakeGrafana(GRAFANA_9) as fake:
        _, outcomes = pushed(fake.url, wanted(page("llm-a", "Same"), page("llm-b", "Same")))

        assert {"llm-a": "create", "llm-b": "failed"} == verbs(outcomes)


def test_one_that_fails_stops_nothing_but_itself() -> None:
    """The others are delivered, and the next push delivers what is left."""
    with FakeGrafana(GRAFANA_11) as fake:
        what = wanted(page("llm-a"), page("llm-b"), page("llm-c"))
        fake.answer(
            Reply(500, {"message": "database is locked"}), method="POST", path="/api/dashboards"
        )
        _, outcomes = pushed(fake.url, what)

        assert {"llm-a": "failed", "llm-b": "create", "llm-c": "create"} == verbs(outcomes)
        assert {"llm-a": "create", "llm-b": "unchanged", "llm-c": "unchanged"} == verbs(
            pushed(fake.url, what)[1]
        )


def test_what_rests_on_a_folder_waits_for_it() -> None:
    """Without the folder its pages are not sent, to nowhere or to the root."""
    with FakeGrafana(GRAFANA_11) as fake:
        fake.answer(Reply(403, {"message": "no right"}), method="POST", path="/api/folders")
        _, outcomes = pushed(fake.url, wanted(page("llm-a")))

        assert [State.FAILED, State.FAILED] == [each.state for each in outcomes]
        assert "its folder could not be made" == outcomes[-1].message
        assert {"/api/folders"} == {each.path for each in fake.writes}


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_planned_anew_once(status: int) -> None:
    """Then it is reported: whoever is saving there is not done."""
    with FakeGrafana(GRAFANA_13) as fake:
        text = "the object has been modified: requested RV does not match"
        fake.answer(Reply(status, {"message": text}), method="POST", path="/api/dashboards")
        _, once = pushed(fake.url, wanted(page("llm-a")))
        fake.answer(
            Reply(status, {"message": text}), method="POST", path="/api/dashboards", times=9
        )
        _, always = pushed(fake.url, wanted(page("llm-a", "Other")))

        assert ({"llm-a": "create"}, {"llm-a": "failed"}) == (verbs(once), verbs(always))
        assert 2 == sum(each.status == status for each in fake.seen[-5:])


def test_a_conflict_on_a_delete_is_planned_anew(tmp_path: Path) -> None:
    """Seen on unified storage for plain deletes."""
    with FakeGrafana(GRAFANA_13) as fake:
        pushed(fake.url, wanted(page("llm-a"), page("llm-b")))
        for _ in range(10):
            client_of(fake.url).get("/api/search")
        fake.answer(Reply(409, {"message": "requested RV does not match"}), method="DELETE")
        _, outcomes = pushed(
            fake.url, wanted(page("llm-a")), tmp_path, prune=True, is_confirmed=True
        )

        assert {"llm-a": "unchanged", "llm-b": "prune"} == verbs(outcomes)
        assert ["llm-a"] == list(fake.dashboards.by_uid)


def test_prune_believes_what_is_there_and_not_the_search() -> None:
    """A hit that has been edited, given away or deleted since is judged by what it is now."""
    with FakeGrafana(GRAFANA_11) as fake:
        what = wanted(page("llm-a"), page("llm-b"), page("llm-c"), page("llm-d"))
        pushed(fake.url, what)
        list(fake.dashboards.hits())
        for uid, tags in (("llm-b", []), ("llm-c", ["other:0123456789abcdef"])):
            fake.dashboards.by_uid[uid].content["tags"] = tags
            fake.dashboards.by_uid[uid].seen_at = 10**9
        gone = fake.dashboards.by_uid.pop("llm-d")
        fake.dashboards.index["llm-d"] = (
            gone.content["title"],
            gone.folder_uid,
            gone.content["tags"],
        )
        _, outcomes = pushed(fake.url, wanted(page("llm-a")), prune=True, is_confirmed=True)

        assert {"llm-a": "unchanged"} == verbs(outcomes)
        assert ["llm-a", "llm-b", "llm-c"] == list(fake.dashboards.by_uid)


def test_prune_judges_again_before_it_deletes() -> None:
    """An edit between plan and delete saves the page."""
    with FakeGrafana(GRAFANA_11) as fake:
        pushed(fake.url, wanted(page("llm-a"), page("llm-b")))
        fake.on_request = lambda _, when: (
            fake.edit("llm-b", title="Mine")
            if when == "before" and sum(each.path.endswith("/llm-b") for each in fake.seen[4:]) == 1
            else None
        )
        fake.seen.clear()
        _, outcomes = pushed(fake.url, wanted(page("llm-a")), prune=True, is_confirmed=True)
        fake.on_request = None

        assert "llm-b" in fake.dashboards.by_uid
        assert {"llm-a": "unchanged", "llm-b": "refuse"} == verbs(outcomes)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.release)
def test_what_is_sent_with_every_page(profile: Profile) -> None:
    """Its uid and folder, no number of its own, never leave to overwrite; to update, the version."""
    with FakeGrafana(profile) as fake:
        pushed(fake.url, wanted(page("llm-a")))
        pushed(fake.url, wanted(page("llm-a", "Other")))
        saves = [each.body for each in fake.writes if each.path == "/api/dashboards/db"]

        assert [("llm-a", None)] * 2 == [
            (b["dashboard"]["uid"], b["dashboard"]["id"]) for b in saves
        ]
        assert [(folder_of(fake), False, "llmdash push")] * 2 == [
            (each["folderUid"], each["overwrite"], each["message"]) for each in saves
        ]
        assert [None, 1] == [each["dashboard"].get("version") for each in saves]


# --- before anything is planned ----------------------------------------------------------------------


def test_another_organisation_is_noticed() -> None:
    """A token works in its own, whatever is asked for."""
    with FakeGrafana(GRAFANA_11, org_id=3, org_name="Elsewhere") as fake:
        expected = r"expected organisation 1, got 3 \(Elsewhere\); a token works in its own"
        with pytest.raises(GrafanaError, match=expected):
            pushed(fake.url, wanted(page()), org_id=1)
        assert [] == fake.writes


def test_what_is_no_grafana_is_noticed() -> None:
    """Something else that answers with JSON."""
    with FakeGrafana(GRAFANA_11) as fake:
        fake.answer(Reply(200, {"status": "success"}), path="/api/health")
        with pytest.raises(GrafanaError, match="it answers, but as no Grafana does"):
            pushed(fake.url, wanted(page()))


def test_a_hidden_release_is_taken_for_an_old_one() -> None:
    """Nothing is risked, and it is said."""
    with FakeGrafana(GRAFANA_11) as fake:
        fake.answer(Reply(200, {"database": "ok"}), path="/api/health")
        planned, outcomes = pushed(fake.url, wanted(page(), folder=("A", "B")))

        assert {"llm-a": "create"} == verbs(outcomes)
        assert ["A / B"] == [each.title for each in fake.folders.by_uid.values()]
        assert any("hides its release" in note for note in planned.notes)


def test_a_folder_that_could_be_two() -> None:
    """Nobody guesses which is meant."""
    with FakeGrafana(GRAFANA_11) as fake:
        fake.folders.put("one", "LLM")
        fake.folders.put("two", "LLM")
        with pytest.raises(
            PushError, match=r"2 folders have this title \(uids one, two\); say which"
        ):
            pushed(fake.url, wanted(page()))
        assert {"llm-a": "create"} == verbs(pushed(fake.url, wanted(page()), folder="two")[1])
        assert "two" == fake.dashboards.by_uid["llm-a"].folder_uid


@pytest.mark.parametrize("folder", ["A//B", "/A", "A/"])
def test_folders_that_are_none(folder: str) -> None:
    """A path has a title at each step."""
    with FakeGrafana(GRAFANA_11) as fake, pytest.raises(PushError, match="expected --folder"):
        pushed(fake.url, wanted(page()), folder=folder)


def test_no_right_to_see_datasources_is_a_note() -> None:
    """Editors have none; pages are delivered all the same."""
    with FakeGrafana(GRAFANA_11) as fake:
        fake.forbidden.add(("GET", "/api/datasources"))
        planned, outcomes = pushed(fake.url, wanted(page()))
        asked, _ = pushed(fake.url, wanted(page()), create_datasource=True)

        assert {"llm-a": "create"} == verbs(outcomes)
        assert any("may not see datasources" in note for note in planned.notes)
        assert ["the account may not see datasources"] == [each.reason for each in asked.refusals]


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"uid": "llmdash-prometheus", "name": "Prometheus", "readOnly": True, "url": "http://other"}, "a file provisions it: url is http://other, not http://prometheus:9090"),
        ({"uid": "mine", "name": "Prometheus"}, "another one has this name (uid mine); it is left as it is"),
    ],
)  # fmt: skip
def test_datasources_of_others_are_left_alone(held: dict[str, str], reason: str) -> None:
    """Provisioned ones, and any other of the name."""
    with FakeGrafana(GRAFANA_11) as fake:
        fake.datasources.put(**held)
        planned, _ = pushed(fake.url, wanted(page()), create_datasource=True)

        assert reason in [each.reason for each in planned.actions]
        assert 1 == len(fake.datasources.held)


def test_the_first_prometheus_is_the_default() -> None:
    """Where there is a default already, it stays."""
    for is_there, expected in ((False, True), (True, False)):
        with FakeGrafana(GRAFANA_11) as fake:
            if is_there:
                fake.datasources.put("x", "X", isDefault=True)
            pushed(fake.url, wanted(page()), create_datasource=True)

            assert expected is fake.datasources.held[-1]["isDefault"]


@pytest.mark.parametrize(("owner", "prefix"), [("a:b", "llm-"), ("", "llm-"), ("llmdash", "")])
def test_policies_that_cannot_be(owner: str, prefix: str) -> None:
    """A name that no stamp can hold, and a prefix that everything begins with."""
    with FakeGrafana(GRAFANA_11) as fake, pytest.raises(PushError, match="expected --"):
        pushed(fake.url, wanted(page()), owner=owner, uid_prefix=prefix)


# --- servers that keep something else than they are sent ------------------------------------------------


def test_what_a_server_makes_of_a_page_is_no_edit() -> None:
    """Told at once by looking: the page is stamped anew, and from then on nothing differs."""
    with FakeGrafana(GRAFANA_13) as fake:
        fake.dashboards.on_save = lambda content: {**content, "preload": False, "schemaVersion": 99}
        what, other = wanted(page("llm-a")), wanted(page("llm-a", "Other"))
        _, first = pushed(fake.url, what)
        version = fake.dashboards.by_uid["llm-a"].version
        _, second = pushed(fake.url, what)
        assert version == fake.dashboards.by_uid["llm-a"].version == 2
        _, changed = pushed(fake.url, other)
        _, again = pushed(fake.url, other)
        fake.edit("llm-a", title="Mine")
        _, edited = pushed(fake.url, other)

        assert ["create", "unchanged", "update", "unchanged", "refuse"] == [
            verbs(each)["llm-a"] for each in (first, second, changed, again, edited)
        ]


def test_who_edits_before_we_look_has_edited() -> None:
    """What is there is another version than ours: it gets no stamp of ours."""
    with FakeGrafana(GRAFANA_11) as fake:

        def edit(_: int, when: str) -> None:
            is_saved = bool(fake.seen) and fake.seen[-1].path == "/api/dashboards/db"
            if when == "after" and is_saved and fake.dashboards.by_uid["llm-a"].version == 1:
                fake.edit("llm-a", title="Mine")

        fake.on_request = edit
        pushed(fake.url, wanted(page("llm-a")))
        fake.on_request = None
        _, outcomes = pushed(fake.url, wanted(page("llm-a")))

        assert {"llm-a": "refuse"} == verbs(outcomes)
        assert "Mine" == fake.dashboards.by_uid["llm-a"].content["title"]
