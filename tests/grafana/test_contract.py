"""What a push promises of any Grafana: each fake release, and a real one named LLMDASH_GRAFANA_URL.

Everything is done over the API, in a folder of the suite's own, under uids of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmdash.errors import GrafanaError
from llmdash.grafana.actions import Verb
from llmdash.grafana.wanted import Wanted, WantedDashboard
from llmdash.testing.grafana import PROFILES, FakeGrafana
from tests.grafana.pages import DATASOURCE, page, panel, pushed, verbs
from tests.grafana.server_under_test import (
    FOLDER,
    OWNER,
    PREFIX,
    CountingClient,
    ServerUnderTest,
    faked,
    real_grafana,
)

REAL = os.environ.get("LLMDASH_GRAFANA_URL", "")
A, B, C = (f"{PREFIX}{letter}" for letter in "abc")


@pytest.fixture(params=["real"] if REAL else [profile.release for profile in PROFILES])
def server(request: pytest.FixtureRequest) -> Iterator[ServerUnderTest]:
    if request.param == "real":
        with real_grafana(REAL) as real:
            yield real
        return
    profile = next(each for each in PROFILES if each.release == request.param)
    with FakeGrafana(profile) as fake:
        yield faked(fake)


def wanted(*contents: dict[str, Any], folder: tuple[str, ...] = (FOLDER,)) -> Wanted:
    datasource = {**DATASOURCE, "uid": f"{PREFIX}prometheus", "name": f"{PREFIX}prometheus"}
    return Wanted(tuple(WantedDashboard(folder, each) for each in contents), datasource)


def push(server: ServerUnderTest, what: Wanted, backups: Path | None = None, **more: Any) -> Result:
    client = server.client()
    given = {"owner": OWNER, "uid_prefix": PREFIX, **more}
    planned, outcomes = pushed(server.url, what, backups, client=client, **given)
    return Result(client, planned, outcomes)


class Result:
    """A push: what it did, and what it wrote."""

    def __init__(self, client: CountingClient, planned: Any, outcomes: Any) -> None:
        self.writes, self.planned, self.outcomes = client.written, planned, outcomes
        self.verbs = verbs(outcomes)

    def reason(self, uid: str) -> str:
        return str(next(each.action.reason for each in self.outcomes if each.action.uid == uid))


def test_the_second_push_writes_nothing(server: ServerUnderTest) -> None:
    """All is made at first; then no request writes, and no dashboard has a new version."""
    what = wanted(page(A), page(B))
    first = push(server, what)
    versions = [server.version(uid) for uid in (A, B)]
    second = push(server, what)

    assert {A: "create", B: "create"} == first.verbs
    assert [
        "POST /api/folders",
        "POST /api/dashboards/db",
        "POST /api/dashboards/db",
    ] == first.writes
    assert {A: "unchanged", B: "unchanged"} == second.verbs
    assert [] == second.writes
    assert versions == [server.version(uid) for uid in (A, B)]


def test_a_change_is_one_version(server: ServerUnderTest) -> None:
    """Only what differs is written, once, and what is there then is what was wanted."""
    push(server, wanted(page(A), page(B)))
    before = server.version(A), server.version(B)
    changed = page(A, panels=[panel(1, "Queue", targets=[{"refId": "A", "expr": "sum(up)"}])])
    result = push(server, wanted(changed, page(B)))

    assert {A: "update", B: "unchanged"} == result.verbs
    assert (before[0] + 1, before[1]) == (server.version(A), server.version(B))
    assert "sum(up)" == server.dashboard(A)["dashboard"]["panels"][0]["targets"][0]["expr"]
    assert {A: "unchanged", B: "unchanged"} == push(server, wanted(changed, page(B))).verbs


def test_an_edit_is_refused_and_shown(server: ServerUnderTest) -> None:
    """What somebody changed in the browser stays, with what differs in words; others are delivered."""
    push(server, wanted(page(A), page(B)))
    server.edit(A, title="Mine")
    result = push(server, wanted(page(A, refresh="1m"), page(B, refresh="1m")))

    assert {A: "refuse", B: "update"} == result.verbs
    assert "it was edited in Grafana since the last push" == result.reason(A)
    assert f"title: Mine → Page {A}" in [str(c) for c in result.planned.refusals[0].changes]
    assert "Mine" == server.dashboard(A)["dashboard"]["title"]


def test_an_edit_is_saved_before_it_is_overwritten(server: ServerUnderTest, tmp_path: Path) -> None:
    """The file holds what was there, and a second edit of the same page another file."""
    for edit in ("Mine", "Mine too"):
        push(server, wanted(page(A)))
        server.edit(A, title=edit)
        result = push(server, wanted(page(A)), tmp_path, overwrite_edits=True)

        assert {A: "update"} == result.verbs
        assert f"Page {A}" == server.dashboard(A)["dashboard"]["title"]
    saved = [json.loads((tmp_path / name).read_text()) for name in (f"{A}.json", f"{A}.2.json")]
    assert ["Mine", "Mine too"] == [each["title"] for each in saved]


def test_an_edit_that_is_built_in_is_no_edit(server: ServerUnderTest) -> None:
    """What was edited and is now wanted so is stamped anew, and free to change again."""
    push(server, wanted(page(A)))
    server.edit(A, title="Better")
    built_in = push(server, wanted(page(A, "Better")))
    further = push(server, wanted(page(A, "Best")))

    assert ({A: "update"}, {A: "update"}) == (built_in.verbs, further.verbs)
    assert {A: "unchanged"} == push(server, wanted(page(A, "Best"))).verbs


def test_a_move_is_an_edit(server: ServerUnderTest) -> None:
    """A dashboard that somebody put into another folder stays there."""
    push(server, wanted(page(A)))
    server.folder(f"{PREFIX}theirs", "llmdash contract test, theirs")
    there = server.dashboard(A)["dashboard"]
    server.save(there, f"{PREFIX}theirs")

    assert {A: "refuse"} == push(server, wanted(page(A))).verbs
    assert f"{PREFIX}theirs" == server.dashboard(A)["meta"]["folderUid"]


def test_a_build_may_move_a_page(server: ServerUnderTest) -> None:
    """What nobody edited follows the build to another folder."""
    push(server, wanted(page(A)))
    other = ("llmdash contract test, other",)
    result = push(server, wanted(page(A), folder=other))

    assert {A: "update"} == result.verbs
    assert other[0] == server.dashboard(A)["meta"]["folderTitle"]
    assert {A: "unchanged"} == push(server, wanted(page(A), folder=other)).verbs


def test_what_others_made_is_theirs(server: ServerUnderTest, tmp_path: Path) -> None:
    """A dashboard without our stamp is left alone under our uid too, unless it is adopted."""
    push(server, wanted(page(B)))
    folder_uid = server.dashboard(B)["meta"]["folderUid"]
    server.save(page(A, "Theirs"), folder_uid)
    refused = push(server, wanted(page(A), page(B)), overwrite_edits=True)
    before = server.dashboard(A)["dashboard"]["title"]
    adopted = push(server, wanted(page(A), page(B)), tmp_path, adopted=frozenset({A}))

    assert ({A: "refuse", B: "unchanged"}, "Theirs") == (refused.verbs, before)
    assert {A: "update", B: "unchanged"} == adopted.verbs
    assert "Theirs" == json.loads((tmp_path / f"{A}.json").read_text())["title"]


def test_another_packs_pages_are_theirs(server: ServerUnderTest) -> None:
    """Two packs in one Grafana have two owners, and neither writes or prunes the other's."""
    push(server, wanted(page(A)), owner="llmdash-test-other")
    result = push(server, wanted(page(A, "Ours"), page(B)), prune=True, is_confirmed=True)

    assert {A: "refuse", B: "create"} == result.verbs
    assert "it was pushed under the name llmdash-test-other" == result.reason(A)


def searchable(server: ServerUnderTest, *uids: str) -> None:
    """Wait until the search tells of dashboards: it may be behind."""
    for _ in range(200):
        hits = server.api.get("/api/search", {"type": "dash-db", "limit": "5000"}).body
        if {hit["uid"] for hit in hits} >= set(uids):
            return
    raise AssertionError(f"the search does not tell of {uids}")


def test_prune_deletes_what_is_ours_and_no_longer_built(server: ServerUnderTest) -> None:
    """Neither what others made under our prefix goes, nor a copy of ours under another uid."""
    push(server, wanted(page(A), page(B)))
    there = server.dashboard(A)
    folder_uid, copied = there["meta"]["folderUid"], there["dashboard"]
    server.save(page(C, "Theirs"), folder_uid)
    copy = {**copied, "id": None, "uid": "llmdashtestcopy", "title": "A copy"}
    server.save(copy, folder_uid)
    searchable(server, A, B, C, "llmdashtestcopy")
    try:
        kept = push(server, wanted(page(A)))
        pruned = push(server, wanted(page(A)), prune=True, is_confirmed=True)

        assert {A: "unchanged"} == kept.verbs
        assert any("--prune deletes them" in note for note in kept.planned.notes)
        assert {A: "unchanged", B: "prune"} == pruned.verbs
        assert (True, False, True, True) == tuple(
            server.exists(uid) for uid in (A, B, C, "llmdashtestcopy")
        )
        again = push(server, wanted(page(A)), prune=True, is_confirmed=True)
        assert ({A: "unchanged"}, []) == (again.verbs, again.writes)
    finally:
        path = "/api/dashboards/uid/llmdashtestcopy"
        server.api.write("DELETE", path, expected=(200, 404))


def test_prune_spares_edits(server: ServerUnderTest, tmp_path: Path) -> None:
    """What somebody edited is saved before it goes, and only when that was allowed."""
    push(server, wanted(page(A), page(B)))
    server.edit(B, title="Mine")
    searchable(server, A, B)
    refused = push(server, wanted(page(A)), prune=True, is_confirmed=True)
    allowed = push(
        server, wanted(page(A)), tmp_path, prune=True, is_confirmed=True, overwrite_edits=True
    )

    assert ({A: "unchanged", B: "refuse"}, True) == (refused.verbs, B in allowed.verbs)
    assert "Mine" == json.loads((tmp_path / f"{B}.json").read_text())["title"]
    assert not server.exists(B)


def test_prune_of_many_wants_a_yes(server: ServerUnderTest) -> None:
    """One of two is over a fifth: nothing is deleted until somebody confirms."""
    push(server, wanted(page(A), page(B)))
    searchable(server, A, B)
    result = push(server, wanted(page(A)), prune=True)

    assert {A: "unchanged", B: "refuse"} == result.verbs
    assert "1 of our 2 dashboards would be deleted, over 20%" == result.reason(B)
    assert server.exists(B)


def test_a_title_may_be_taken(server: ServerUnderTest) -> None:
    """Where titles may not repeat nothing is written; elsewhere it is said. Nothing is taken over."""
    push(server, wanted(page(A)))
    folder_uid = server.dashboard(A)["meta"]["folderUid"]
    server.save(page(C, "Taken"), folder_uid)
    searchable(server, A, C)
    result = push(server, wanted(page(A), page(B, "Taken")))

    if result.verbs[B] == "refuse":
        assert f"its folder has another dashboard of this title (uid {C})" == result.reason(B)
        assert not server.exists(B)
    else:
        assert (
            f"another dashboard of the folder is called Taken too (uid {C})" in result.planned.notes
        )
        assert server.exists(B)
    assert "Taken" == server.dashboard(C)["dashboard"]["title"]


def test_folders_stand_in_folders_where_they_can(server: ServerUnderTest) -> None:
    """Before release 11 a path is one folder; its uid is the same at each push."""
    path = (FOLDER, "inner")
    push(server, wanted(page(A), folder=path))
    title = server.dashboard(A)["meta"]["folderTitle"]

    assert title in ("inner", f"{FOLDER} / inner")
    assert [] == push(server, wanted(page(A), folder=path)).writes


def test_a_folder_is_found_by_its_title_or_uid(server: ServerUnderTest) -> None:
    """Whoever made it: a page more in a folder destroys nothing."""
    server.folder(f"{PREFIX}made", f"{FOLDER}, made by hand")
    by_title = push(server, wanted(page(A)), folder=f"{FOLDER}, made by hand")
    by_uid = push(server, wanted(page(A)), folder=f"{PREFIX}made")

    assert ({A: "create"}, {A: "unchanged"}) == (by_title.verbs, by_uid.verbs)
    assert f"{PREFIX}made" == server.dashboard(A)["meta"]["folderUid"]


def test_a_short_refresh_is_no_drift(server: ServerUnderTest) -> None:
    """A server that allows none so short replaces it: that is said, and neither an edit nor a change."""
    push(server, wanted(page(A, refresh="1s")))
    again = push(server, wanted(page(A, refresh="1s")))
    other = push(server, wanted(page(A, "Other", refresh="1s")))

    assert [] == again.writes
    assert {A: "update"} == other.verbs


def test_who_writes_first_wins(server: ServerUnderTest) -> None:
    """An edit between plan and write makes the lock refuse; planned anew, it is an edit."""
    push(server, wanted(page(A)))
    client = _Racing(server)
    _, outcomes = pushed(
        server.url, wanted(page(A, "Ours")), client=client, owner=OWNER, uid_prefix=PREFIX
    )

    assert {A: "refuse"} == verbs(outcomes)
    assert "Theirs" == server.dashboard(A)["dashboard"]["title"]


class _Racing(CountingClient):
    """Lets somebody edit just before the first write."""

    def __init__(self, server: ServerUnderTest) -> None:
        super().__init__(server.url, server.credentials)
        self._server: ServerUnderTest | None = server

    def write(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        server, self._server = self._server, None
        if server is not None:
            server.edit(A, title="Theirs")
        return super().write(method, path, *args, **kwargs)


def test_a_dry_run_cannot_write(server: ServerUnderTest) -> None:
    """Its client holds back all but GET, whoever asks it."""
    client = server.client(read_only=True)
    _, outcomes = pushed(server.url, wanted(page(A)), client=client, owner=OWNER, uid_prefix=PREFIX)

    assert {A: "failed"} == verbs(outcomes)
    assert not server.exists(A)
    with pytest.raises(GrafanaError, match="a dry run sends nothing but GET; DELETE was held back"):
        client.write("DELETE", f"/api/dashboards/uid/{A}")


def test_the_datasource_is_made_once_and_never_changed(server: ServerUnderTest) -> None:
    """It is made when asked for; another address in the build leaves it as it is, and says so."""
    what = wanted(page(A))
    unasked = push(server, what)
    asked = push(server, what, create_datasource=True)
    moved = Wanted(what.dashboards, {**what.datasource, "url": "http://elsewhere:9090"})
    again = push(server, moved, create_datasource=True)

    assert "POST /api/datasources" not in unasked.writes
    assert ["POST /api/datasources"] == asked.writes
    assert [] == again.writes
    reason = "it is left as it is: url is http://prometheus:9090, not http://elsewhere:9090"
    assert reason == again.reason(f"{PREFIX}prometheus")


# --- rules of Grafana's own ------------------------------------------------------------------------


def rule(name: str, **more: Any) -> dict[str, Any]:
    """A rule as a file provisions it."""
    asked = {"refId": "query", "datasource": {"type": "prometheus", "uid": "?"}, "expr": "up == 0", "instant": True, "intervalMs": 1000, "maxDataPoints": 43200}  # fmt: skip
    fires = {"refId": "threshold", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "threshold", "expression": "query", "conditions": [{"evaluator": {"type": "gt", "params": [0]}}], "intervalMs": 1000, "maxDataPoints": 43200}  # fmt: skip
    return {
        "uid": f"{PREFIX}{name}",
        "title": f"Test{name}",
        "condition": "threshold",
        "data": [
            {"refId": "query", "queryType": "", "relativeTimeRange": {"from": 600, "to": 0}, "datasourceUid": "?", "model": asked},
            {"refId": "threshold", "queryType": "", "relativeTimeRange": {"from": 0, "to": 0}, "datasourceUid": "__expr__", "model": fires},
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": "2m",
        "keepFiringFor": "5m",
        "annotations": {"summary": "It is down."},
        "dashboardUid": A,
        "panelId": 1,
        "labels": {"severity": "critical"},
        "isPaused": False,
        **more,
    }  # fmt: skip


def with_rules(*rules: dict[str, Any]) -> Wanted:
    what = wanted(page(A))
    group = {
        "orgId": 1,
        "name": "llmdash-test",
        "folder": FOLDER,
        "interval": "20s",
        "rules": list(rules),
    }
    return Wanted(what.dashboards, what.datasource, (group,))


def rules_done(result: Result) -> dict[str, str]:
    return {
        each.action.uid.removeprefix(PREFIX): each.action.verb.value
        for each in result.outcomes
        if each.action.kind.value in ("alert rule", "rule group")
    }


ALERTS: dict[str, Any] = {"with_alerts": True, "create_datasource": True}


def test_rules_are_delivered_once(server: ServerUnderTest) -> None:
    """Rules, then the interval of their group; the second push writes nothing."""
    what = with_rules(rule("One"), rule("Two"))
    first = push(server, what, **ALERTS)
    second = push(server, what, **ALERTS)
    there = server.api.get(f"/api/v1/provisioning/alert-rules/{PREFIX}One").body

    assert {"One": "create", "Two": "create", "llmdash-test": "create"} == rules_done(first)
    assert [] == [str(each) for each in first.outcomes if each.state.value == "failed"]
    assert ({"One": "unchanged", "Two": "unchanged"}, []) == (rules_done(second), second.writes)
    assert (A, "1") == tuple(there["annotations"][k] for k in ("__dashboardUid__", "__panelId__"))
    assert f"{PREFIX}prometheus" == there["data"][0]["datasourceUid"]
    path = f"/api/v1/provisioning/folder/{there['folderUID']}/rule-groups/llmdash-test"
    assert 20 == server.api.get(path).body["interval"]


def test_a_changed_rule_is_written_alone(server: ServerUnderTest) -> None:
    """One request, for the one that differs."""
    push(server, with_rules(rule("One"), rule("Two")), **ALERTS)
    result = push(server, with_rules(rule("One", **{"for": "3m"}), rule("Two")), **ALERTS)

    assert {"One": "update", "Two": "unchanged"} == rules_done(result)
    assert [f"PUT /api/v1/provisioning/alert-rules/{PREFIX}One"] == result.writes


def test_an_edited_rule_is_refused(server: ServerUnderTest, tmp_path: Path) -> None:
    """Where people may edit rules, their edits stay until somebody allows otherwise."""
    what = with_rules(rule("One"))
    editable: dict[str, Any] = {**ALERTS, "are_alerts_editable": True}
    push(server, what, **editable)
    path = f"/api/v1/provisioning/alert-rules/{PREFIX}One"
    there = server.api.get(path).body
    server.api.write("PUT", path, {**there, "for": "9m"}, headers={"X-Disable-Provenance": "true"})
    refused = push(server, what, **editable)
    allowed = push(server, what, tmp_path, overwrite_edits=True, **editable)

    assert ({"One": "refuse"}, {"One": "update"}) == (rules_done(refused), rules_done(allowed))
    assert "9m" == json.loads((tmp_path / f"{PREFIX}One.json").read_text())["for"]
    assert {"One": "unchanged"} == rules_done(push(server, what, **editable))


def test_rules_that_nobody_may_edit_stay_so(server: ServerUnderTest) -> None:
    """Grafana does not give back what it kept from people: that is said before anything is written."""
    push(server, with_rules(rule("One")), **ALERTS)
    result = push(server, with_rules(rule("One")), are_alerts_editable=True, **ALERTS)

    assert ({"One": "refuse"}, []) == (rules_done(result), result.writes)


def test_rules_that_are_gone_are_pruned(server: ServerUnderTest) -> None:
    """Ours only: what somebody put into the group stays."""
    push(server, with_rules(rule("One"), rule("Two")), **ALERTS)
    there = server.api.get(f"/api/v1/provisioning/alert-rules/{PREFIX}One").body
    theirs = {**there, "uid": f"{PREFIX}Theirs", "title": "Theirs", "annotations": {}}
    server.api.write("POST", "/api/v1/provisioning/alert-rules", theirs, expected=(201,))
    result = push(server, with_rules(rule("One")), prune=True, is_confirmed=True, **ALERTS)

    assert {"One": "unchanged", "Two": "prune"} == rules_done(result)
    uids = {each["uid"] for each in server.api.get("/api/v1/provisioning/alert-rules").body}
    assert ({f"{PREFIX}One", f"{PREFIX}Theirs"}, False) == (
        {uid for uid in uids if uid.startswith(PREFIX)},
        f"{PREFIX}Two" in uids,
    )


def test_verbs_are_all_seen() -> None:
    """The suite has a case of each thing that a push can do."""
    text = Path(__file__).read_text()

    assert [] == [verb.value for verb in Verb if f'"{verb.value}"' not in text]
