"""What is to be delivered: the dashboards, datasource and rules of a build."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from llmdash.artifacts import Artifact
from llmdash.errors import PushError
from llmdash.grafana.content import Json
from llmdash.yaml_text import YamlError, read_yaml_documents

DASHBOARDS = "dashboards/"
DATASOURCE = "grafana/provisioning/datasources/llmdash.yaml"
RULES = "grafana/alerting/llmdash.yaml"

#: The titles of folders on the way to a dashboard, outermost first; none is Grafana's own root.
FolderPath = tuple[str, ...]


@dataclass(frozen=True)
class WantedDashboard:
    """A dashboard, and the folder that it belongs in."""

    folder: FolderPath
    content: Json

    @property
    def uid(self) -> str:
        """Its name in addresses."""
        return str(self.content["uid"])

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.content["title"])


@dataclass(frozen=True)
class Wanted:
    """Everything that a push can deliver."""

    dashboards: tuple[WantedDashboard, ...]
    datasource: Json
    #: Groups of Grafana's own alert rules, as in a file that provisions them.
    rule_groups: tuple[Json, ...] = ()

    def folders(self) -> tuple[FolderPath, ...]:
        """Return every folder that is needed, outer ones first."""
        found = dict.fromkeys(
            dashboard.folder[:depth]
            for dashboard in self.dashboards
            for depth in range(1, len(dashboard.folder) + 1)
        )
        return tuple(sorted(found, key=lambda path: (len(path), path)))

    def moved_to(self, folder: FolderPath) -> Wanted:
        """Return the same with every dashboard in one folder."""
        moved = tuple(WantedDashboard(folder, each.content) for each in self.dashboards)
        return Wanted(moved, self.datasource, self.rule_groups)


def wanted_of(artifacts: Sequence[Artifact], place: str) -> Wanted:
    """Return what the files of a build want delivered.

    Args:
        artifacts: all files of the build.
        place: what messages call the build.

    Raises:
        PushError: it holds no dashboards, some that are none, or two of one uid.
    """
    by_path = {artifact.path: artifact.text for artifact in artifacts}
    problems: list[str] = []
    dashboards = tuple(_dashboards(by_path, problems))
    for uid, times in Counter(dashboard.uid for dashboard in dashboards).items():
        if times > 1:
            problems.append(f"{times} dashboards have the uid {uid}")
    if not dashboards and not problems:
        problems.append("it holds no dashboards; run llmdash build first")
    datasources: list[Json] = _document(by_path, DATASOURCE, problems).get("datasources") or [{}]
    groups = _document(by_path, RULES, problems).get("groups") or ()
    if problems:
        raise PushError("\n".join(f"{place}: {problem}" for problem in problems))
    return Wanted(dashboards, datasources[0], tuple(groups))


def _dashboards(by_path: Mapping[str, str], problems: list[str]) -> Iterator[WantedDashboard]:
    for path in sorted(by_path):
        if not path.startswith(DASHBOARDS) or not path.endswith(".json"):
            continue
        try:
            content = json.loads(by_path[path])
        except ValueError as error:
            problems.append(f"{path}: expected JSON, got {error}")
            continue
        missing = _missing(content)
        if missing:
            problems.append(f"{path}: expected a dashboard, got one without {missing}")
            continue
        yield WantedDashboard(PurePosixPath(path).parts[1:-1], content)


def _missing(content: Any) -> str:
    given = content if isinstance(content, dict) else {}
    absent: Iterable[str] = (name for name in ("uid", "title") if not given.get(name))
    return " and ".join(absent)


def _document(by_path: Mapping[str, str], path: str, problems: list[str]) -> Json:
    if path not in by_path:
        return {}
    try:
        documents = read_yaml_documents(by_path[path])
    except YamlError as error:
        problems.append(f"{path}: expected YAML, got {error}")
        return {}
    found = documents[0].content if documents else {}
    return found if isinstance(found, dict) else {}
