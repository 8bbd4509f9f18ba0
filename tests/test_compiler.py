"""From a pack to the files of a build: complete, the same bytes every time, all problems at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
import yaml

from llmdash.alerts import ALERTS
from llmdash.alerts.alert import Alert
from llmdash.alerts.questions import Questions
from llmdash.build import Build, panels_of
from llmdash.checks import checked
from llmdash.compiler import compile_pack, portable_artifacts
from llmdash.dashboards import dashboard as dashboards
from llmdash.dashboards.dashboard import Dashboard, Link, Row
from llmdash.dashboards.identifiers import identifier
from llmdash.dashboards.layout import Band, Cell, Placed
from llmdash.dashboards.panel import Panel
from llmdash.dashboards.panels import Query, Stat
from llmdash.errors import BuildError
from llmdash.intervals import Intervals
from llmdash.layer import Layer, of_role
from llmdash.metrics.metric import Versions
from llmdash.pack import DEFAULT, MakeSharedPage, Pack
from llmdash.promql.expressions import total
from llmdash.promql.windows import Duration
from llmdash.sources import (
    app,
    dcgm,
    gateway,
    sglang,
    triton,
    triton_trtllm,
    triton_vllm,
    trtllm,
    vllm,
)
from llmdash.sources.source import Role, Source
from llmdash.sources.vllm import PREFIXES

PAGES = "dashboards/llm-serving"

#: What is recorded; a test of servers is not.
RECORDED = [source.name for source in DEFAULT.layer.sources]
#: Promises are counted on several sources at once.
SLO_FILES = ("slo", "slo-alerts")
#: The subjects of alerts.
SUBJECTS = (
    "serving",
    "failure",
    "latency",
    "queue",
    "kv-cache",
    "replica",
    "speculation",
    "adapter",
    "gpu-error",
    "gpu-limit",
    "bucket",
    "watching",
)
ALERT_FILES = tuple(f"{subject}-alerts" for subject in SUBJECTS)
NAMES = ", ".join(sorted(source.name for source in DEFAULT.sources))


def waiting(layer: Layer, key: str = "waiting") -> Panel:
    queued = of_role(layer.gauge("requests_waiting"), Role.ENGINE)
    return Stat(
        key=key,
        title="Waiting",
        description="More than a few for long means that capacity is short.",
        queries=(Query("waiting", total(queued)),),
    )


def page(
    *keys: str, uid: str = "inn", title: str = "Inn", link: str = "", folder: str = "Inn"
) -> MakeSharedPage:
    """Return a page with a panel of each key."""

    def the_inn(layer: Layer) -> Dashboard:
        return Dashboard(
            uid=uid,
            title=title,
            description="An inn.",
            folder=folder,
            rows=(Row(key="now", title="Now", panels=tuple(waiting(layer, key) for key in keys)),),
            links=(Link(title="Away", uid=link),) if link else (),
        )

    return the_inn


def asking(question: Callable[[Layer], object]) -> MakeSharedPage:
    """Return a page that asks the layer something, and comes no further."""

    def asks_the_layer(layer: Layer) -> Dashboard:
        raise AssertionError(f"this was meant to be refused, and is {question(layer)}")

    return asks_the_layer


def pack(*shared: MakeSharedPage, sources: tuple[Source, ...] = (vllm(),)) -> Pack:
    return Pack(
        sources=sources, shared_pages=shared, slo_pages=(), engine_pages=(), source_pages={}
    )


@cache
def default() -> Build:
    return compile_pack(DEFAULT)


def paths(built: Build) -> list[str]:
    return [artifact.path for artifact in built.artifacts]


def problems_of(pack: Pack) -> list[str]:
    """Return what compiling and checking say, in order."""
    try:
        checked(compile_pack(pack))
    except BuildError as error:
        return [str(problem) for problem in error.problems]
    return []


def colliding_keys() -> tuple[str, str]:
    seen: dict[int, str] = {}
    keys = (f"k{number}" for number in range(10**6))
    return next(
        (seen[found], key) for key in keys if seen.setdefault(found := identifier(key), key) != key
    )


# --- what ships ----------------------------------------------------------------------------------


def test_the_default_pack_is_sound() -> None:
    """What ships compiles and passes every check."""
    built = default()

    assert () == built.problems
    assert built is checked(built)


def test_a_build_is_these_files() -> None:
    """The files of the default pack, sorted: documents, pages, provisioning and rules."""
    pages = [path for path in paths(default()) if path.startswith(PAGES)]

    assert sorted(paths(default())) == paths(default())
    assert [
        "alertmanager/alertmanager.yaml",
        "cookbook.md",
        "coverage.md",
        "grafana/alerting/llmdash.yaml",
        "grafana/provisioning/dashboards/llmdash.yaml",
        "grafana/provisioning/datasources/llmdash.yaml",
        "prometheus/prometheus.yaml",
        *sorted(f"rules/llmdash-{name}.yaml" for name in (*RECORDED, *SLO_FILES, *ALERT_FILES)),
        "signals.md",
        "slos.md",
    ] == [path for path in paths(default()) if path not in pages]


def test_a_pack_that_promises_nothing() -> None:
    """Without promises there is no page of them, and no rule."""
    files = paths(checked(compile_pack(Pack(sources=(triton(),), slos=()))))

    assert "signals.md" in files
    assert [] == [path for path in files if "slo" in path]


def test_subjects_of_alerts_of_one_name() -> None:
    """The second would take the first one's file, so it is a problem that says what to do."""

    def queue_alerts(asked: Questions) -> Iterator[Alert]:
        yield from ALERTS[3](asked)

    built = compile_pack(Pack(sources=(vllm(),), alerts=(*ALERTS, queue_alerts)))

    assert [
        "alerts llmdash-queue-alerts: another group of rules has this name; rename the function "
        "that makes these (compiles)"
    ] == [str(problem) for problem in built.problems]


def test_every_source_has_the_pages_that_it_can_fill() -> None:
    """Each page of each source, by subject; one that would have fewer than three panels is left out."""
    engine = ["latency", "traffic", "scheduler", "cache"]
    found: dict[str | None, list[str]] = {}
    for path, of in default().page_sources.items():
        uid = path.removeprefix(f"{PAGES}/llm-").removesuffix(".json")
        found.setdefault(of, []).append(uid.removeprefix(f"{of}-"))

    assert {
        None: ["fleet", "compare", "capacity", "honesty", "slo"],
        "vllm": ["overview", "service", *engine, "extras"],
        "triton": ["overview", "latency", "traffic"],
        "triton-vllm": ["overview", "latency", "traffic"],
        "triton-trtllm": ["overview", "tensorrt-llm", *engine],
        "sglang": ["overview", *engine],
        "trtllm": ["overview", *engine],
        "gateway": ["overview"],
        "app": ["overview"],
        "dcgm": ["gpu"],
        "load": ["overview"],
    } == found


@pytest.mark.parametrize("path", default().dashboards)
def test_no_page_is_thin(path: str) -> None:
    """A page that ships has three panels or more."""
    panels = [p for p in panels_of(default().dashboards[path]) if p["type"] != "text"]

    assert len(panels) >= 3


def test_files_hold_what_the_build_says() -> None:
    """The texts of rules and pages are the plain data that checks read."""
    built = default()
    texts = {artifact.path: artifact.text for artifact in built.artifacts}

    assert dict(built.dashboards) == {path: json.loads(texts[path]) for path in built.dashboards}
    assert dict(built.rules) == {path: yaml.safe_load(texts[path]) for path in built.rules}
    assert [] == [path for path, text in texts.items() if not text.endswith("\n")]


def test_a_rule_file_is_one_group() -> None:
    """A source's rules are one group, evaluated at the pack's interval."""
    of = Pack(sources=(triton(),), intervals=Intervals(recordings=Duration.parse("37s")))
    (group,) = compile_pack(of).rules["rules/llmdash-triton.yaml"]["groups"]

    assert ("llmdash-triton", "37s") == (group["name"], group["interval"])
    assert {
        "record": "llm:queue_time_seconds_sum:rate5m",
        "expr": 'sum by (model) (rate(nv_inference_queue_duration_us{model!=""}[5m])) / 1000000',
        "labels": {"role": "engine", "source": "triton"},
    } in group["rules"]


def test_windows_follow_the_pack() -> None:
    """One constant is the window of every rate and part of every name."""
    of = Pack(sources=(triton(),), intervals=Intervals(rate_window=Duration.parse("11m")))
    built = checked(compile_pack(of))
    rates = [rule for _, rule in built.rule_items() if "rate(" in rule["expr"]]

    assert len(rates) == 14
    assert [] == [r for r in rates if "[11m]" not in r["expr"] or ":rate11m" not in r["record"]]


@pytest.mark.parametrize("source", DEFAULT.sources, ids=lambda source: source.name)
def test_a_pack_of_one_source_has_no_page_of_another(source: Source) -> None:
    """What belongs to a source that the pack does not have is left out; its own pages are all there."""
    built = checked(compile_pack(Pack(sources=(source,))))
    ours = {path for path, of in default().page_sources.items() if of == source.name}

    assert ours == {path for path, of in built.page_sources.items() if of is not None}
    # Nothing is promised of GPUs, nor to a client that tests.
    promised = () if source.role in (Role.GPU, Role.LOAD) else SLO_FILES
    recorded = (source.name,) if source.is_recorded else ()
    told = {f"rules/llmdash-{name}.yaml" for name in ALERT_FILES}
    assert {f"rules/llmdash-{name}.yaml" for name in (*recorded, *promised)} == (
        set(built.rules) - told
    )
    # Alerts on GPUs are those of a source that watches GPUs, and the other way round.
    on_gpus = any("gpu" in path for path in set(built.rules) & told)
    assert on_gpus == (source.role is Role.GPU)


@pytest.mark.parametrize(
    "sources",
    [
        *((vllm(prefix=prefix),) for prefix in PREFIXES),
        *((vllm(versions=Versions(first)),) for first in ("0.6.4", "0.8.5", "0.9.2", "0.12", "0.20")),
        (vllm(versions=Versions("0.8.4", "0.9.1")),),
        (vllm(versions=Versions("0.6.0", "0.8.3"), v0=True),),
        *((triton(versions=Versions(first)),) for first in ("22.04", "24.11", "26.01")),
        (triton(versions=Versions("22.04", "23.01")),),
        (vllm(v0=True, max_model_len=8192),),
        (vllm(edges={"vllm:time_to_first_token_seconds": (0.7, 1.1, 13)}), triton()),
        (vllm(job="east"), triton(job="south")),
        (triton_vllm(versions=Versions("23.09", "24.08"), job="west"), triton_trtllm(name="z" * 23, job="east")),
        (triton_trtllm(backend=Versions("0.7.0", "0.15.0")),),
        (sglang(versions=Versions("0.4.6", "0.4.6")), trtllm(prefix="trtllm:"), gateway(job="door")),
        (dcgm(versions=Versions("3.3.5", "4.5.3")), app(edges={"llm_request_duration_seconds": (7,)})),
        (dcgm(versions=Versions("4.7.0")), gateway()),
    ],
    ids=lambda sources: " ".join(f"{s.title} {s.dialect.versions} {s.dialect.prefix[1]}" for s in sources),
)  # fmt: skip
def test_every_setting_of_a_source_builds(sources: tuple[Source, ...]) -> None:
    """Pages and rules follow a source's prefix, releases and edges; no panel asks for what is not there."""
    assert [] == problems_of(Pack(sources=sources))


def test_portable_pages_are_those_of_the_build() -> None:
    """Each page has a form to be imported by hand, without the folder above all pages."""
    built = default()
    portable = {artifact.path: json.loads(artifact.text) for artifact in portable_artifacts(built)}

    assert sorted(path.removeprefix("dashboards/") for path in built.dashboards) == list(portable)
    assert [["DS_PROMETHEUS"]] * len(built.dashboards) == [
        [given["name"] for given in content["__inputs"]] for content in portable.values()
    ]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    """Neither the seed of hashes nor the locale nor a second build changes a byte."""
    settings = [
        {"PYTHONHASHSEED": "7", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "11", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
        {"PYTHONHASHSEED": "13", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "llmdash", "build", "--output", str(tmp_path / str(place))],
            env={**os.environ, **setting},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for place, setting in enumerate(settings)
    ]
    printed = [process.communicate()[0] for process in running]

    assert [0, 0, 0] == [process.returncode for process in running], printed
    wanted = {artifact.path: artifact.text.encode() for artifact in default().artifacts}
    for place in range(len(settings)):
        folder = tmp_path / str(place)
        assert wanted == {path: (folder / path).read_bytes() for path in wanted}


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "problems"),
    [
        (pack(page("waiting")), []),
        (
            pack(page("waiting"), page("queue", title="Tavern")),
            ["dashboard inn: 2 dashboards share this uid: Inn, Tavern (compiles)"],
        ),
        (
            pack(page("waiting", "waiting")),
            ["inn/waiting: expected one panel of this key, got 2 (dashboard_is_sound)"],
        ),
        (
            pack(page("waiting", link="tavern")),
            ["inn: links to tavern, which is not built (link_resolves)"],
        ),
        (
            pack(page("waiting", link="tavern"), page("queue", uid="tavern", link="inn")),
            [],
        ),
        (
            pack(asking(lambda layer: layer.counter("requets"))),
            ["page asks_the_layer: no signal is called requets; did you mean requests? (compiles)"],
        ),
        (
            pack(asking(lambda layer: layer.counter("generation_tokens")), sources=(triton(),)),
            ["page asks_the_layer: no source answers generation_tokens (compiles)"],
        ),
        (
            pack(asking(lambda layer: total(layer.counter("requests")))),
            [
                "page asks_the_layer: expected the label role kept in sum of llm:requests:rate5m, "
                "got by no label; keep it in by(), or select one role (compiles)"
            ],
        ),
        (
            pack(page("waiting", folder="..")),
            [
                "dashboards/../inn.json: 'dashboards/../inn.json': an artifact's path must stay "
                "inside the folder (compiles)"
            ],
        ),
        (
            pack(sources=(triton(job="east"), triton(job="west"))),
            ["pack: sources: 2 sources share the source triton (compiles)"],
        ),
        (
            pack(sources=(triton(job="west"), triton(name="east", job="west"))),
            [
                "pack: sources: 2 sources share the scrape job west (compiles)",
                "sources triton and east: nv_inference_first_response_histogram_ms_bucket and 8 more "
                "can answer for both; give each a job matcher, or matchers that cannot hold together "
                "(sources_are_disjoint)",
            ],
        ),
        (
            Pack(target_models={"vlm": {"a:11": "blue"}}, targets={"inn": ("a:11",)}),
            [
                f"pack: targets: inn is no source of it ({NAMES}) (compiles)",
                f"pack: target_models: vlm is no source of it ({NAMES}) (compiles)",
            ],
        ),
        (
            Pack(source_pages={"vlm": ()}),
            ["pack: source_pages: no source is a vlm; did you mean vllm? (compiles)"],
        ),
    ],
)
def test_what_is_wrong_is_found(broken: Pack, problems: list[str]) -> None:
    """Pages of one uid, keys that meet, signals and sources that nobody knows: each with its place."""
    assert problems == problems_of(broken)


def test_ids_that_collide_are_found() -> None:
    """Two keys whose numbers are equal by chance are named."""
    one, other = colliding_keys()

    assert [
        f"inn/{other}: expected an id of its own, got that of {one}; rename it (dashboard_is_sound)"
    ] == problems_of(pack(page(one, other)))


def test_panels_that_overlap_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that puts panels on one place is said, whoever made it."""

    def piled(rows: Iterable[tuple[Sequence[Panel], bool]]) -> tuple[Band, ...]:
        ((panels, _),) = rows
        placed = tuple(Placed(each, Cell(0, 1, 7, 5)) for each in panels)
        return (Band(Cell(0, 0, 24, 1), placed),)

    monkeypatch.setattr(dashboards, "stack", piled)

    assert ["inn/now: waiting and queue overlap (dashboard_is_sound)"] == problems_of(
        pack(page("waiting", "queue"))
    )


def test_a_page_that_breaks_is_found() -> None:
    """What a user's page raises is a problem of that page, with the line that raised it."""

    def the_cellar(layer: Layer) -> Dashboard:
        raise ValueError(f"no beer for {len(layer.sources)}")

    (problem,) = problems_of(pack(page("waiting"), the_cellar))

    assert problem.startswith("page the_cellar: ValueError: no beer for 1 (")
    assert re.search(r"\(.*test_compiler\.py, line \d+\) \(compiles\)$", problem)


def test_a_window_that_is_too_short_is_said_once() -> None:
    """A window under four scrapes is said of the pack, not of every rule that has it."""
    short = Intervals(rate_window=Duration.parse("59s"))

    assert [
        "pack: intervals: rate_window 59s is under 4 scrapes of 15s: use 1m or more (compiles)"
    ] == problems_of(Pack(sources=(triton(),), shared_pages=(), intervals=short))


def test_everything_wrong_is_said_at_once() -> None:
    """A build fails once, with every problem in one message, each of them once."""
    broken = Pack(
        sources=(triton(),),
        shared_pages=(
            page("waiting", "waiting"),
            page("queue", link="tavern"),
            asking(lambda layer: layer.counter("requets")),
        ),
        engine_pages=(),
        source_pages={},
        target_models={"inn": {}},
        intervals=Intervals(retention=Duration.parse("3m")),
    )
    with pytest.raises(BuildError) as caught:
        checked(compile_pack(broken))
    lines = str(caught.value).splitlines()

    assert f"{len(lines) - 1} problems, nothing was written:" == lines[0]
    assert len(set(lines)) == len(lines)
    assert lines[1:8] == [
        "  pack: intervals: retention 3m is under the window 5m (compiles)",
        "  pack: target_models: inn is no source of it (triton) (compiles)",
        "  slos: SLO availability: expected its period of 30d to be kept, got samples kept for 3m; "
        "shorten the period, or keep samples longer (compiles)",
        "  page asks_the_layer: no signal is called requets; did you mean requests? (compiles)",
        "  dashboard inn: 2 dashboards share this uid: Inn, Inn (compiles)",
        "  inn/waiting: expected one panel of this key, got 2 (dashboard_is_sound)",
        "  inn: links to tavern, which is not built (link_resolves)",
    ]
    assert all("is over the retention of 3m (window_is_sound)" in line for line in lines[8:])
