"""What a build wants delivered: from memory and from the folder that it wrote, the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash import artifacts
from llmdash.artifacts import Artifact
from llmdash.errors import ArtifactError, PushError
from llmdash.grafana.wanted import wanted_of

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_build() -> None:
    """All its pages in their folder, the datasource, and a rule for each alert."""
    found = wanted_of(artifacts.read(ROOT / "generated"), "generated")
    paths = sorted((ROOT / "generated" / "dashboards").rglob("*.json"))

    assert [path.stem for path in paths] == [each.uid for each in found.dashboards]
    assert (("llm-serving",),) == found.folders()
    assert "llmdash-prometheus" == found.datasource["uid"]
    assert "llmdash-slo-alerts" == found.rule_groups[0]["name"]


def test_outer_folders_come_first() -> None:
    """Each path that is needed, once; a page may stand in none."""
    content = '{{"uid": "{0}", "title": "{0}"}}'
    files = [
        Artifact(f"dashboards/{path}.json", content.format(path[-1]))
        for path in ("a/b/x", "a/y", "z")
    ]
    found = wanted_of(files, "it")

    assert (("a",), ("a", "b")) == found.folders()
    assert [("a", "b"), ("a",), ()] == [each.folder for each in found.dashboards]
    assert [("One",)] * 3 == [each.folder for each in found.moved_to(("One",)).dashboards]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "it: it holds no dashboards; run llmdash build first"),
        ({"rules/a.yaml": ""}, "it: it holds no dashboards"),
        ({"dashboards/a.json": "{"}, "it: dashboards/a.json: expected JSON, got "),
        ({"dashboards/a.json": "[]"}, "it: dashboards/a.json: expected a dashboard, got one without uid and title"),
        ({"dashboards/a.json": '{"uid": "a"}'}, "it: dashboards/a.json: expected a dashboard, got one without title"),
        ({f"dashboards/{n}.json": '{"uid": "a", "title": "A"}' for n in "xy"}, "it: 2 dashboards have the uid a"),
        ({"dashboards/a.json": '{"uid": "a", "title": "A"}', "grafana/alerting/llmdash.yaml": "a: ["}, "it: grafana/alerting/llmdash.yaml: expected YAML, got line"),
    ],
)  # fmt: skip
def test_builds_that_cannot_be_delivered(files: dict[str, str], expected: str) -> None:
    """Each file that is wrong is named, before anything is sent."""
    with pytest.raises(PushError) as found:
        wanted_of([Artifact(path, text) for path, text in files.items()], "it")

    assert expected in str(found.value)


def test_only_what_a_build_wrote_is_delivered(tmp_path: Path) -> None:
    """A folder that no build wrote is refused, and so is one that lost a file; strangers are left out."""
    with pytest.raises(
        ArtifactError, match="is not a folder that llmdash build wrote; run it first"
    ):
        artifacts.read(tmp_path)
    artifacts.write([Artifact("dashboards/a.json", "{}"), Artifact("b", "")], tmp_path)
    (tmp_path / "dashboards" / "stranger.json").write_text("{}")

    assert ["b", "dashboards/a.json"] == [each.path for each in artifacts.read(tmp_path)]
    (tmp_path / "b").unlink()
    with pytest.raises(ArtifactError, match="b is gone; run llmdash build again"):
        artifacts.read(tmp_path)


def test_nothing_is_saved_over(tmp_path: Path) -> None:
    """A file of the name stays, and the new one has a number."""
    paths = [artifacts.save_aside(tmp_path / "new", "a.json", text) for text in ("1", "2", "3")]

    assert ["a.json", "a.2.json", "a.3.json"] == [path.name for path in paths]
    assert ["1", "2", "3"] == [path.read_text() for path in paths]
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot write"):
        artifacts.save_aside(tmp_path / "file", "a.json", "")
