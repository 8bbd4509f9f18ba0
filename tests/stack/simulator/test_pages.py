"""The metrics pages of played servers: the catalogue's facts, whatever the release, and moving values."""

from __future__ import annotations

from functools import cache

import pytest

from llmdash.build import Build
from llmdash.compiler import compile_pack
from llmdash.coverage import Coverage
from llmdash.metrics.metric import Counter, Histogram, Metric, Needs
from llmdash.metrics.triton import SERVER_VERSIONS
from llmdash.pack import DEFAULT
from llmstack.simulator.engine import Engine
from llmstack.simulator.engines import ENGINES
from llmstack.simulator.page import About, Answered, Page
from llmstack.simulator.play import play
from llmstack.simulator.presets import preset
from llmstack.simulator.request import Request
from llmstack.simulator.vllm_page import HIDDEN
from tests.exposition import Family, Scrape, captured_scrapes, read_exposition
from tests.metrics import test_catalogue as catalogue
from tests.stack.simulator.traffic import poisson

#: What a played server has, so that families which need it are there.
HAS = frozenset(
    {
        Needs.CUSTOM_METRICS,
        Needs.HISTOGRAM_LATENCIES,
        Needs.PERFORMANCE_METRICS,
        Needs.SINGLE_API_SERVER,
        Needs.TENSORRT_LLM,
    }
)
#: Releases with unlike names, edges or reasons.
VLLM_VERSIONS = ("0.8.5", "0.9.2", "0.11.0", "0.12.0", "0.16.0", "0.20.0", "0.32.0")


def page_of(engine: str, version: str = "") -> Page:
    """A page after a minute of traffic that preempts and finds prefixes, with its failures."""
    played = ENGINES[engine]
    chosen = preset("llama-3.1-8b-l4")
    model = Engine(chosen.rates, chosen.limits)
    made = played.page(model, About(played.usual_model or "m", played.version(version), 1.7e9))
    for step in play(model, poisson(3, 60, seed=2, prompt=(50, 1500))):
        made.stepped(step)
    again = [Request(10_000 + n, 100, 5, model.clock, (1, 2, 3, 4, 5), 5) for n in range(2)]
    for each in again:
        for step in play(model, [each]):
            made.stepped(step)
    made.failed("")
    made.aborted(again[0])
    made.answered(Answered("/v1/chat/completions", "POST", 200, 0.4, 300, 0))
    return made


@cache
def shown(engine: str, version: str = "") -> dict[str, Family]:
    made = page_of(engine, version)
    return read_exposition(made.text())


@cache
def built() -> Build:
    return compile_pack(DEFAULT)


def covered(engine: str) -> Coverage:
    """What the default pack reads of the source that an engine is scraped as."""
    (found,) = [each for each in built().coverage if each.source.name == engine]
    return found


def value(families: dict[str, Family], name: str, **labels: str) -> float:
    samples = [s for s in families[name].samples if labels.items() <= s.labels.items()]
    return sum(s.value for s in samples if s.name.endswith(("_count", name)))


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_pack_reads_is_shown(engine: str) -> None:
    """Every family that a panel or rule reads is there, unless it needs what is not played."""
    read = covered(engine)
    expected = {
        metric.name
        for metric in read.source.metrics
        if metric.name in read.used and not set(metric.needs) - HAS and not metric.versions.last
    }

    assert set() == expected - shown(engine).keys()


@pytest.mark.parametrize("engine", ENGINES)
def test_types_labels_and_edges_are_the_catalogues(engine: str) -> None:
    """As the source knows them that the pack has for it."""
    known = {metric.name: metric for metric in covered(engine).source.metrics}
    wrong = []
    for name, family in shown(engine).items():
        metric = known.get(name)
        if metric is None:
            wrong.append(f"{name}: not in the catalogue")
            continue
        names = frozenset(metric.labels.names)
        for labels in family.label_sets:
            unknown = frozenset() if metric.labels.is_open else labels - names
            if names - metric.optional_labels - labels or unknown:
                wrong.append(f"{name}: labels {sorted(labels)}")
        if metric.kind != family.kind:
            wrong.append(f"{name}: {family.kind}")
        for label, found in family.label_values:
            allowed = metric.labels.allowed(label)
            if allowed is not None and found not in allowed:
                wrong.append(f"{name}: {label}={found}")
        edges = metric.edges if isinstance(metric, Histogram) else ()
        varies = isinstance(metric, Histogram) and metric.edges_vary_by
        if not varies and edges != family.edges:
            wrong.append(f"{name}: edges {family.edges}")

    assert [] == wrong


@pytest.mark.parametrize("version", VLLM_VERSIONS)
def test_vllm_is_as_its_release_was(version: str) -> None:
    """What is compared with captured pages of real servers holds of the played one."""
    scrape = Scrape("played", "vllm", version, shown("vllm", version))
    hidden = {name for name, since in HIDDEN.items() if since.includes(version)}
    missing = {
        metric.name
        for metric in catalogue.SERVERS["vllm"].metrics
        if metric.versions.includes(version) and not metric.needs
    } - shown("vllm", version).keys()
    for agrees in (
        catalogue.test_every_family_is_known,
        catalogue.test_every_family_is_expected_in_its_version,
        catalogue.test_types_are_equal,
        catalogue.test_labels_are_equal,
        catalogue.test_label_values_are_in_their_closed_set,
        catalogue.test_edges_are_equal,
        catalogue.test_quantiles_are_equal,
    ):
        agrees(scrape)

    assert hidden >= missing


def test_a_real_vllm_shows_nothing_more() -> None:
    """The played 0.32 has each family of the captured page, with its type and labels."""
    (real,) = [scrape for scrape in captured_scrapes() if scrape.file == "vllm-0.32.0.prom"]
    found = shown("vllm", "0.32.0")
    own_labels = {"vllm:cache_config_info"}

    assert {name: family.kind for name, family in real.families.items()} == {name: found[name].kind for name in real.families}  # fmt: skip
    assert [] == [name for name, family in real.families.items() if name not in own_labels and family.labels != found[name].labels]  # fmt: skip


def test_a_real_triton_shows_nothing_more() -> None:
    """The played one has each core family of the captured page of 2.51 but summaries, with its type."""
    (real,) = [scrape for scrape in captured_scrapes() if scrape.file == "triton-2.51.0.prom"]
    release = {version: release for release, version in SERVER_VERSIONS.items()}["2.51"]
    found = shown("triton-vllm", release)
    expected = {name: family.kind for name, family in real.families.items() if family.kind != "summary"}  # fmt: skip

    assert expected == {name: found[name].kind for name in expected}


@pytest.mark.parametrize("engine", ENGINES)
def test_counters_move_with_traffic(engine: str) -> None:
    """Whatever the pack reads has risen, but for what nothing here can move."""
    read, families = covered(engine), shown(engine)

    def can_move(metric: Metric) -> bool:
        return isinstance(metric, Counter | Histogram) and not metric.idle_without

    # Nothing here makes garbage that Python cannot collect, and no tokens are drafted.
    still = {
        metric.name
        for metric in read.source.metrics
        if metric.name in read.used & families.keys()
        and can_move(metric)
        and not value(families, metric.name)
    }

    assert set() == {name for name in still if "spec_decode" not in name} - {"python_gc_objects_uncollectable_total"}  # fmt: skip


def test_a_vllm_page_adds_up() -> None:
    """Tokens of all sources are all prompt tokens, and requests of all reasons all that ended."""
    families = shown("vllm")
    tokens, ended = "vllm:prompt_tokens_by_source_total", "vllm:request_success_total"

    assert value(families, "vllm:prompt_tokens_total") == value(families, tokens)
    assert value(families, "vllm:e2e_request_latency_seconds") == value(families, ended) - value(families, ended, finished_reason="error")  # fmt: skip
    assert 80 == value(families, "vllm:prompt_tokens_cached_by_source_total")
    assert 1 == value(families, ended, finished_reason="error")


@pytest.mark.parametrize(
    ("engine", "version", "told"),
    [
        ("vllm", "0.6.4", "SIMULATOR_ENGINE_VERSION: vllm is played from 0.8.4, got 0.6.4"),
        ("vllm", "newest", "SIMULATOR_ENGINE_VERSION: expected one such as 0.32.0, got 'newest'"),
        ("triton-trtllm", "24.10", "triton-trtllm is played from 24.12, got 24.10"),
    ],
)
def test_a_version_that_is_not_played_is_told(engine: str, version: str, told: str) -> None:
    """With what is."""
    with pytest.raises(Exception, match=told):
        ENGINES[engine].version(version)
