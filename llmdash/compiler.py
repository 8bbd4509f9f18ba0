"""From a pack to the files of a build: plain functions from values to values.

Everything that is wrong is gathered and said at once; nothing here reads or writes a file.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from llmdash import documents, provisioning
from llmdash.alerts.alert import Alert, AlertGroup, alert_names
from llmdash.alerts.alertmanager import alertmanager_configuration
from llmdash.alerts.burn import burn_alerts
from llmdash.alerts.grafana_managed import managed_rules
from llmdash.alerts.links import Links
from llmdash.alerts.questions import Questions
from llmdash.artifacts import Artifact
from llmdash.build import Build
from llmdash.coverage import Coverage, coverage_of
from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.grafana import render
from llmdash.dashboards.normalise import to_json_text
from llmdash.dashboards.portable import portable
from llmdash.errors import LlmdashError, PackError
from llmdash.pack import MakeAlerts, Pack
from llmdash.problems import Problem
from llmdash.recordings import RuleGroup, recordings_of
from llmdash.rule_files import alert_file, rule_file
from llmdash.slos.rules import Promises, slo_rules
from llmdash.sources.source import Source
from llmdash.yaml_text import to_yaml

Made = TypeVar("Made")

#: A page and the name of the source that it is of; None for a page over recordings.
PageOf = tuple[Dashboard, str | None]


@dataclass
class _Gathered:
    """What went wrong so far."""

    problems: list[Problem] = field(default_factory=list)

    def attempt(self, place: str, make: Callable[[], Made]) -> Made | None:
        """Return what is made; an error becomes a problem at its place."""
        try:
            return make()
        except LlmdashError as error:
            message = str(error)
        except Exception as error:
            # A page is a user's own code: whatever it raises is said with the rest, and where.
            where = _where(error)
            message = f"{type(error).__name__}: {error} ({where.filename}, line {where.lineno})"
        self.problems.append(Problem(place, message, "compiles"))
        return None


def _where(error: Exception) -> traceback.FrameSummary:
    """Return the deepest line outside of llmdash that led to an error, else the deepest."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parent)
    others = [f for f in frames if not f.filename.startswith((ours, "<"))]
    return (others or frames)[-1]


def compile_pack(pack: Pack) -> Build:
    """Return everything that a pack makes, with the problems met on the way."""
    gathered = _Gathered()
    gathered.problems += _pack_problems(pack)
    groups = _compile_recordings(pack, gathered)
    promised = gathered.attempt("slos", lambda: pack.promises)
    made_pages = _compile_pages(pack, promised, gathered)
    rules = {f"rules/{group.name}.yaml": rule_file([group]) for group in groups.values()}
    if promised is not None:
        rules |= _slo_files(pack, promised)
    alerts = _alert_groups(pack, promised, gathered)
    links = Links(pack.grafana_url, pack.runbooks_url, {page.uid: page for page, _ in made_pages})
    for group in alerts:
        path = f"rules/{group.name}.yaml"
        if path in rules:
            text = "another group of rules has this name; rename the function that makes these"
            gathered.problems.append(Problem(f"alerts {group.name}", text, "compiles"))
        rules[path] = alert_file(group, links)
        gathered.problems += _link_problems(links, group)
    dashboards = _render(pack, [page for page, _ in made_pages], gathered)
    covered = tuple(_covered(source, made_pages, groups) for source in pack.sources)
    writers: dict[str, Callable[[], str]] = {
        **{path: partial(to_yaml, content) for path, content in rules.items()},
        **{path: partial(to_json_text, content) for path, content in dashboards.items()},
        "signals.md": lambda: documents.signals_table(pack.sources),
        "cookbook.md": lambda: documents.cookbook(pack.layer),
        "coverage.md": lambda: documents.coverage_report(covered),
    }
    if alerts:
        told = alert_names(alerts)
        writers["alertmanager/alertmanager.yaml"] = partial(_alertmanager, pack, told)
        # Beside the provisioning folder: mounted with it, every alert would be told of twice.
        filed = next((page.folder for page, _ in made_pages if page.folder), "llmdash")
        writers["grafana/alerting/llmdash.yaml"] = partial(
            _managed, alerts, links, pack.datasource_uid, filed
        )
    if promised is not None and promised.slos:
        writers["slos.md"] = partial(documents.slos_page, promised, pack.intervals)
    artifacts = list(_provisioning_files(pack))
    for path, write in writers.items():
        artifact = gathered.attempt(path, partial(_artifact, path, write))
        if artifact is not None:
            artifacts.append(artifact)
    recorded = len(groups) == len(pack.layer.sources)
    problems = tuple(gathered.problems)
    sources = {_path(page): of for page, of in made_pages}
    made = tuple(sorted(artifacts))
    return Build(pack, made, dashboards, rules, problems, recorded, covered, sources)


def _covered(
    source: Source, made_pages: Sequence[PageOf], groups: Mapping[str, RuleGroup]
) -> Coverage:
    """Return what the pages of a source, shared pages and its recordings read of it."""
    pages = [page for page, of in made_pages if of in (None, source.name)]
    own = [groups[source.name]] if source.name in groups else []
    return coverage_of(source, pages, own)


def _alertmanager(pack: Pack, names: Sequence[str]) -> str:
    teams = sorted({slo.team for slo in pack.slos if slo.team})
    return to_yaml(alertmanager_configuration(names, teams, pack.receivers))


def _managed(groups: Sequence[AlertGroup], links: Links, datasource_uid: str, folder: str) -> str:
    return to_yaml(managed_rules(groups, links, datasource_uid, folder))


def _artifact(path: str, write: Callable[[], str]) -> Artifact:
    return Artifact(path, write())


def portable_artifacts(built: Build) -> tuple[Artifact, ...]:
    """Return the dashboards of a build in the form that Grafana's import dialog asks about."""
    return tuple(
        Artifact(path.removeprefix("dashboards/"), to_json_text(portable(content)))
        for path, content in sorted(built.dashboards.items())
    )


def _pack_problems(pack: Pack) -> Iterator[Problem]:
    for text in pack.intervals.problems():
        yield Problem("pack: intervals", text, "compiles")
    for what, names in (
        ("source", [source.name for source in pack.sources]),
        ("scrape job", [source.job for source in pack.sources]),
    ):
        for name, times in Counter(names).items():
            if times > 1:
                yield Problem(
                    "pack: sources", f"{times} sources share the {what} {name}", "compiles"
                )
    for setting, text in pack.unknown_names():
        yield Problem(f"pack: {setting}", text, "compiles")


def _compile_recordings(pack: Pack, gathered: _Gathered) -> dict[str, RuleGroup]:
    found = {}
    for source in pack.layer.sources:
        group = gathered.attempt(
            f"recordings of {source.name}",
            partial(recordings_of, source, pack.intervals, pack.placement),
        )
        if group is not None:
            found[source.name] = group
    return found


def _compile_pages(pack: Pack, promised: Promises | None, gathered: _Gathered) -> list[PageOf]:
    pages: list[PageOf] = []

    def take(place: str, make: Callable[[], Dashboard | None], of: str | None = None) -> None:
        page = gathered.attempt(place, lambda: _dashboard(make()))
        if page is not None:
            pages.append((page, of))

    for shared in pack.shared_pages:
        take(f"page {_name(shared)}", partial(shared, pack.layer))
    if promised is not None:
        for over in pack.slo_pages:
            take(f"page {_name(over)}", partial(over, promised, pack.layer))
    for source in pack.sources:
        for own in pack.pages_of(source):
            place = f"page {_name(own)} of {source.name}"
            take(place, partial(own, source, pack.layer), source.name)
    gathered.problems += _page_problems([page for page, _ in pages])
    return list({_path(page): (page, of) for page, of in pages}.values())


def _render(
    pack: Pack, pages: Sequence[Dashboard], gathered: _Gathered
) -> dict[str, dict[str, Any]]:
    found = {}
    for page in pages:
        make = partial(render, page, pack.intervals.scrape)
        content = gathered.attempt(f"dashboard {page.uid}", make)
        if content is not None:
            found[_path(page)] = content
    return found


def _dashboard(made: object) -> Dashboard | None:
    if made is not None and not isinstance(made, Dashboard):
        raise PackError(f"expected a Dashboard, got {type(made).__name__}")
    return made


def _name(make: Callable[..., object]) -> str:
    return getattr(make, "__name__", repr(make))


def _page_problems(pages: Sequence[Dashboard]) -> Iterator[Problem]:
    for uid, times in Counter(page.uid for page in pages).items():
        if times > 1:
            titles = ", ".join(page.title for page in pages if page.uid == uid)
            yield Problem(
                f"dashboard {uid}", f"{times} dashboards share this uid: {titles}", "compiles"
            )
    known = {page.uid for page in pages}
    for page in pages:
        for text in page.problems():
            place, _, message = text.partition(": ")
            yield Problem(place, message, "dashboard_is_sound")
        for uid in sorted(page.linked_uids() - known):
            yield Problem(page.uid, f"links to {uid}, which is not built", "link_resolves")


def _path(page: Dashboard) -> str:
    folder = f"{page.folder}/" if page.folder else ""
    return f"dashboards/{folder}{page.uid}.json"


def _slo_files(pack: Pack, promised: Promises) -> dict[str, dict[str, Any]]:
    if promised.series is None:
        return {}
    return {"rules/llmdash-slo.yaml": rule_file(slo_rules(promised, pack.intervals))}


def _alert_groups(pack: Pack, promised: Promises | None, gathered: _Gathered) -> list[AlertGroup]:
    """Return the groups of alerts: those on promises, and those of each subject.

    Each has a file of its own: a rule test reads only what it is about.
    """
    found = []
    series = None if promised is None else promised.series
    if series is not None:
        found.append(burn_alerts(series, pack.layer.gauge("up", "sum"), pack.intervals.alerts))
    asked = Questions(pack.layer, pack.limits)
    for make in pack.alerts:
        subject = _name(make)
        alerts = gathered.attempt(f"alerts {subject}", partial(_made_of, make, asked))
        if alerts:
            name = f"llmdash-{subject.replace('_', '-')}"
            found.append(AlertGroup(name, pack.intervals.alerts, alerts))
    return found


def _made_of(make: MakeAlerts, asked: Questions) -> tuple[Alert, ...]:
    return tuple(make(asked))


def _link_problems(links: Links, group: AlertGroup) -> Iterator[Problem]:
    for place, text in links.problems(group.alerts):
        yield Problem(place, text, "link_resolves")


def _provisioning_files(pack: Pack) -> Iterator[Artifact]:
    scrape = provisioning.scrape_configuration(pack)
    yield Artifact("prometheus/prometheus.yaml", to_yaml(scrape))
    folder = "grafana/provisioning"
    datasource = provisioning.datasource(pack)
    yield Artifact(f"{folder}/datasources/llmdash.yaml", to_yaml(datasource))
    provider = provisioning.dashboard_provider(pack)
    yield Artifact(f"{folder}/dashboards/llmdash.yaml", to_yaml(provider))
