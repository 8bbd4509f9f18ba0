"""The command `llmdash push` as its user sees it: what it prints, and its exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmdash import artifacts
from llmdash.artifacts import Artifact
from llmdash.cli import main
from llmdash.grafana.client import Client
from llmdash.grafana.delivery import Delivery
from llmdash.testing.grafana import GRAFANA_11, PASSWORD, TOKEN, USER, FakeGrafana, Reply
from llmdash.yaml_text import to_yaml
from tests.grafana.pages import DATASOURCE, page, panel


@pytest.fixture
def fake() -> Iterator[FakeGrafana]:
    with FakeGrafana(GRAFANA_11) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmdash.grafana.client.FIRST_WAIT", 0.0)
    for name in ("GRAFANA_URL", "GRAFANA_TOKEN", "GRAFANA_USER", "GRAFANA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, *contents: dict[str, Any]) -> Path:
    """A folder as a build writes it."""
    files = [Artifact(f"dashboards/LLM/{each['uid']}.json", json.dumps(each)) for each in contents]
    datasource = Artifact(
        "grafana/provisioning/datasources/llmdash.yaml", to_yaml({"datasources": [DATASOURCE]})
    )
    artifacts.write([*files, datasource], folder)
    return folder


def push(fake: FakeGrafana, folder: Path | None, *more: str, **environment: str) -> Result:
    arguments = [
        "push",
        "--grafana-url",
        fake.url,
        *(["--from", str(folder)] if folder else []),
        *more,
    ]
    given = environment or {"GRAFANA_TOKEN": TOKEN}
    return CliRunner().invoke(main, arguments, env=given)


def test_the_first_push_and_the_second(fake: FakeGrafana, tmp_path: Path) -> None:
    """A line for each thing that is done, and how many there were; then that all is as it was."""
    folder = write(tmp_path / "built", page("llm-a", "A"), page("llm-b", "B"))
    first, second = push(fake, folder), push(fake, folder)

    assert 0 == first.exit_code
    assert (
        f"Grafana 11.6 at {fake.url}, organisation Main Org. (1)\n"
        "note: there is no Prometheus datasource; pages stay empty (--create-datasource)\n"
        "create     folder LLM (llm-674900a7)\n"
        "create     dashboard A (llm-a)\n"
        "create     dashboard B (llm-b)\n"
        "folders: 1 created; dashboards: 2 created\n"
    ) == first.output
    assert (0, "folders: 1 unchanged; dashboards: 2 unchanged") == (
        second.exit_code,
        second.output.splitlines()[-1],
    )


def test_drift_is_2_and_writes_nothing(fake: FakeGrafana, tmp_path: Path) -> None:
    """For CI: 0 while nothing would change, 2 when something would, 1 when a person is needed."""
    folder = write(tmp_path / "built", page("llm-a"))
    before = push(fake, folder, "--dry-run")
    written = len(fake.writes)
    push(fake, folder)
    same = push(fake, folder, "--dry-run")
    write(folder, page("llm-a", "Changed"))
    drifted = push(fake, folder, "--dry-run", "--diff", "text")
    fake.edit("llm-a", title="Edited")
    edited = push(fake, folder, "--dry-run")

    assert [2, 0, 2, 1] == [each.exit_code for each in (before, same, drifted, edited)]
    assert 0 == written
    assert 2 == len(fake.writes)
    assert "update Changed (llm-a)\n  title: Page llm-a → Changed\n" in drifted.output
    assert (
        "update     dashboard Changed (llm-a)\nfolders: 1 unchanged; dashboards: 1 to update\n"
        in drifted.output
    )
    assert (
        "refuse     dashboard Changed (llm-a): it was edited in Grafana since the last push\n"
        "           title: Edited → Changed\n"
        "           → build the edit in, or push with --overwrite-edits, which saves it to a file first\n"
    ) in edited.output


def test_mistakes_in_options_are_1(fake: FakeGrafana, tmp_path: Path) -> None:
    """2 means drift and nothing else, so that CI may trust it."""
    folder = write(tmp_path / "built", page())
    for more in (["--nope"], ["--timeout", "never"], ["--alerts", "email"], ["--org-id", "0"]):
        assert 1 == push(fake, folder, *more).exit_code, more
    assert 1 == CliRunner().invoke(main, ["push"]).exit_code
    assert [] == fake.seen


def test_what_cannot_be_is_said(fake: FakeGrafana, tmp_path: Path) -> None:
    """Without a traceback, and before anything is asked."""
    folder = write(tmp_path / "built", page())
    for more, expected in (
        (["--pack", "a:b"], "--pack and --from exclude each other"),
        (["--owner", "a:b"], "expected --owner of letters"),
        (["--uid-prefix", ""], "expected --uid-prefix of a character"),
    ):
        result = push(fake, folder, *more)
        assert (1, True) == (result.exit_code, expected in result.output), result.output
    (tmp_path / "empty").mkdir()
    assert "is not a folder that llmdash build wrote" in push(fake, tmp_path / "empty").output
    assert [] == fake.seen


def test_credentials_come_from_files_and_the_environment(fake: FakeGrafana, tmp_path: Path) -> None:
    """Never from arguments, which everybody on the machine can read."""
    folder = write(tmp_path / "built", page())
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    by_token = push(fake, folder, "--token-file", str(tmp_path / "token"), OTHER="x")
    by_user = push(fake, folder, "--password-file", str(tmp_path / "password"), GRAFANA_USER=USER)
    nobody = push(fake, folder, OTHER="x")

    assert [0, 0, 1] == [each.exit_code for each in (by_token, by_user, nobody)]
    assert (
        "401 Unauthorized; give a service account's token in GRAFANA_TOKEN or --token-file"
        in nobody.output
    )
    for each in (by_token, by_user, nobody):
        assert TOKEN not in each.output
        assert PASSWORD not in each.output


def test_json_is_one_document(fake: FakeGrafana, tmp_path: Path) -> None:
    """For programs: what was done and why, what failed, and what would be done."""
    folder = write(tmp_path / "built", page("llm-a"), page("llm-b"))
    planned = json.loads(push(fake, folder, "--dry-run", "--output", "json").output)
    fake.answer(Reply(500, {"message": "disk full"}), method="POST", path="/api/dashboards")
    result = push(fake, folder, "--output", "json")
    done = json.loads(result.output)

    assert ("llmdash-push/1", True, False) == (
        done["schema"],
        planned["is_dry_run"],
        done["is_dry_run"],
    )
    assert {"url": fake.url, "release": "11.6", "org": {"id": 1, "name": "Main Org."}} == done[
        "grafana"
    ]
    assert ["create"] * 3 == [each["verb"] for each in planned["actions"]]
    assert [("LLM", "done"), ("Page llm-a", "failed"), ("Page llm-b", "done")] == [
        (each["title"], each["state"]) for each in done["actions"]
    ]
    assert "500 disk full" in done["actions"][1]["message"]
    assert 1 == result.exit_code


def test_a_diff_for_a_review(fake: FakeGrafana, tmp_path: Path) -> None:
    """Markdown, with long queries below each other, and nothing that Markdown would take for itself."""
    long = 'sum by (model) (rate(llm_requests_total{status="error"}[5m])) / 2'
    folder = write(tmp_path / "built", page("llm-a"))
    push(fake, folder)
    queue = panel(1, "Queue *now*", targets=[{"refId": "A", "expr": long}])
    write(folder, page("llm-a", panels=[queue]))
    result = push(fake, folder, "--dry-run", "--diff", "markdown")

    assert (
        "### Update: Page llm-a (`llm-a`)\n"
        "\n"
        '- panel "Queue": title: Queue → Queue \\*now\\*\n'
        '- panel "Queue": query A changed\n'
        "\n"
        "  ```diff\n"
        "  - up\n"
        f"  + {long}\n"
        "  ```\n"
    ) in result.output
    assert "no dashboard changes" in push(fake, write(tmp_path / "same", page("llm-a")), "--dry-run", "--diff", "text").output  # fmt: skip


def test_of_many_differences_some_are_told(fake: FakeGrafana, tmp_path: Path) -> None:
    """Enough to see what it is about; the rest is asked for."""
    folder = write(tmp_path / "built", page("llm-a"))
    push(fake, folder)
    fake.edit("llm-a", title="Mine", description="Mine", refresh="5s", panels=[])
    result = push(fake, folder)

    assert [
        "           title: Mine → Page llm-a",
        "           refresh: 5s → 30s",
        "           description removed: Mine",
        "           and 1 more; see --diff text",
    ] == result.output.splitlines()[3:7]


def test_backups_are_named(fake: FakeGrafana, tmp_path: Path) -> None:
    """Where somebody's work went is said beside what was done."""
    folder = write(tmp_path / "built", page("llm-a"))
    push(fake, folder)
    fake.edit("llm-a", title="Mine")
    backups = tmp_path / "backups"
    result = push(fake, folder, "--overwrite-edits", "--backup-folder", str(backups))

    assert f"           saved in {backups / 'llm-a.json'}\n" in result.output
    assert "Mine" == json.loads((backups / "llm-a.json").read_text())["title"]


def test_a_backup_that_cannot_be_written_stops_the_write(fake: FakeGrafana, tmp_path: Path) -> None:
    """Nothing is overwritten that was not saved."""
    folder = write(tmp_path / "built", page("llm-a"))
    push(fake, folder)
    fake.edit("llm-a", title="Mine")
    (tmp_path / "file").write_text("")
    result = push(
        fake, folder, "--overwrite-edits", "--backup-folder", str(tmp_path / "file" / "inner")
    )

    assert (1, "Mine") == (result.exit_code, fake.dashboards.by_uid["llm-a"].content["title"])
    assert "failed     dashboard Page llm-a (llm-a): cannot write" in result.output


def test_interrupted_it_says_so(
    fake: FakeGrafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is told, and that the next push completes it."""
    folder = write(tmp_path / "built", page("llm-a"), page("llm-b"))
    usual = Delivery._outcome

    def interrupted(self: Delivery, action: Any) -> Any:
        if action.uid == "llm-b":
            raise KeyboardInterrupt
        return usual(self, action)

    monkeypatch.setattr(Delivery, "_outcome", interrupted)
    result = push(fake, folder)
    monkeypatch.undo()

    assert 1 == result.exit_code
    assert "create     dashboard Page llm-a (llm-a)\n" in result.output
    assert "folders: 1 created; dashboards: 1 created\n" in result.output
    assert "interrupted; the next push completes it" in result.output
    assert "dashboards: 1 created, 1 unchanged" in push(fake, folder).output


def test_the_shipped_pack_is_pushed_from_memory(fake: FakeGrafana) -> None:
    """Without --from it is built; what it sends is what the committed folder holds."""
    generated = Path(__file__).resolve().parents[2] / "generated"
    result = push(fake, None, "--create-datasource", "--alerts", "grafana")
    again = push(fake, generated, "--create-datasource", "--alerts", "grafana")

    assert (0, 0) == (result.exit_code, again.exit_code), result.output
    assert "unchanged" in again.output.splitlines()[-1]
    assert "created" not in again.output.splitlines()[-1]


def test_a_bar_on_a_terminal(fake: FakeGrafana, tmp_path: Path) -> None:
    """There the lines come when all is done; the bar goes to the terminal and not into a pipe."""
    folder = write(tmp_path / "built", page("llm-a"), page("llm-b"))
    ours, theirs = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-m", "llmdash", "push", "--grafana-url", fake.url, "--from", str(folder)],
        env={**os.environ, "GRAFANA_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert 0 == process.returncode
    assert "pushing" in shown
    assert "100%" in shown
    assert "create     dashboard Page llm-b (llm-b)\n" in process.stdout.decode()
    assert "pushing" not in process.stdout.decode()


def test_questions_are_asked_at_once_and_writes_one_after_the_other(
    fake: FakeGrafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads are bounded; a write waits for the one before."""
    running: dict[str, int] = {"GET": 0, "POST": 0}
    most = {"GET": 0, "POST": 0}
    usual = Client._send

    def counted(self: Client, method: str, path: str, **given: Any) -> Any:
        running[method] += 1
        most[method] = max(most[method], running[method])
        try:
            return usual(self, method, path, **given)
        finally:
            running[method] -= 1

    monkeypatch.setattr(Client, "_send", counted)
    fake.latency = 0.01
    folder = write(tmp_path / "built", *(page(f"llm-{n}") for n in range(24)))
    push(fake, folder)

    assert 1 < most["GET"] <= 8
    assert 1 == most["POST"]
