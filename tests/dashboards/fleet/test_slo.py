"""The page of promises: who suffers is on top, budgets add up, and nothing is shown that nobody counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.fleet.promise_questions import PromiseQuestions
from llmdash.dashboards.fleet.slo import slo
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Table, Text
from llmdash.dashboards.policy import BUDGET_LEFT
from llmdash.dashboards.variables import QueryVariable
from llmdash.layer import Layer
from llmdash.pack import DEFAULT, Pack
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.printer import concrete, to_text
from llmdash.promql.windows import Duration
from llmdash.slos.rules import Promises, promises
from llmdash.slos.slo import Outcomes, Slo, Up
from llmdash.slos.tiers import Severity, Tier
from llmdash.sources import dcgm, gateway, sglang, triton, vllm
from llmdash.sources.source import Role, Source
from tests.dashboards.judged_by_promtool import judged
from tests.oracle import violations

ANSWERED = Slo(
    name="answered",
    title="Answered | well",
    indicator=Outcomes(),
    objective=0.99,
    roles=(Role.GATEWAY, Role.ENGINE),
)
ALIVE = Slo(name="alive", title="Alive", indicator=Up(), objective=0.9, by=())

SMALL = {"sources": (triton(), gateway()), "slos": (ANSWERED, ALIVE)}
CHOSEN = concrete({}, {"slo": ".*", "source": ".*", "model": ".*"})


def promised(
    sources: tuple[Source, ...] = DEFAULT.sources, slos: tuple[Slo, ...] = DEFAULT.slos
) -> Promises:
    return promises(slos, sources, DEFAULT.placement, DEFAULT.intervals)


def page(
    sources: tuple[Source, ...] = DEFAULT.sources, slos: tuple[Slo, ...] = DEFAULT.slos
) -> Dashboard:
    found = slo(promised(sources, slos), Layer(sources))
    assert found is not None
    return found


def small() -> Dashboard:
    return page(**SMALL)  # type: ignore[arg-type]  # the names are those of page


def expressions(dashboard: Dashboard) -> Iterator[Expr]:
    for panel in dashboard.panels():
        yield from (query.expr for query in panel.queries)
    yield from (annotation.expr for annotation in dashboard.annotations)


def shown(panel: str, query: str) -> str:
    queries = {each.key: each.expr for each in small().panel(panel).queries}
    return to_text(queries[query], CHOSEN)


def only(text: str, labels: dict[str, str]) -> str:
    """Return the one series of an expression that has these labels."""
    one = "vector(1)"
    for name, value in labels.items():
        one = f'label_replace({one}, "{name}", "{value}", "", "")'
    return f"({text}) and on ({', '.join(labels)}) {one}"


def table(dashboard: Dashboard) -> Table:
    found = dashboard.panel("promises")
    assert isinstance(found, Table)
    return found


def words(dashboard: Dashboard) -> str:
    found = dashboard.panel("promises-in-words")
    assert isinstance(found, Text)
    return found.markdown


# --- what is on the page -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "slos"),
    [
        (DEFAULT.sources, DEFAULT.slos),
        ((triton(), gateway()), (ANSWERED, ALIVE)),
        ((gateway(),), DEFAULT.slos),
        ((vllm(),), (ALIVE,)),
    ],
    ids=["everything", "two promises", "one source", "nothing by model"],
)
def test_the_page_is_valid(
    sources: tuple[Source, ...], slos: tuple[Slo, ...], grafana_schemas: Path
) -> None:
    """Nothing is wrong with it, by our own checks and by Grafana's schemas."""
    found = page(sources, slos)

    assert () == found.problems()
    assert [] == violations(render(found), grafana_schemas)


def test_without_promises_there_is_no_page() -> None:
    """GPUs promise nothing, and a bare vLLM cannot tell of answered requests."""
    assert slo(promised((dcgm(),)), Layer((dcgm(),))) is None
    assert slo(promised((vllm(),), (ANSWERED,)), Layer((vllm(),))) is None


def test_a_promise_that_nobody_counts_is_not_shown() -> None:
    """Triton alone has no gap between tokens: the page does not speak of it, nor ask for it."""
    found = page((triton(),))

    assert "ttft" in words(found)
    assert "inter-token" not in words(found)
    assert "inter-token" in words(page())


def test_the_page_reads_recordings_only() -> None:
    """It costs the same for any number of replicas: what promises record, and alerts."""
    names = {
        each.series.name
        for expression in expressions(page())
        for each in expression.walk()
        if isinstance(each, Selector)
    }

    assert {"ALERTS"} == {name for name in names if not name.startswith("llm:slo_")}
    assert {"llm:slo_budget_left:ratio", "llm:slo_good:increase3d"} <= names


def test_a_reader_chooses_promise_source_and_model() -> None:
    """Every query follows all choices that its series can follow; objectives are for all."""
    names = [each.name for each in page().variables if isinstance(each, QueryVariable)]
    loose = {
        each.series.name
        for expression in expressions(page())
        for each in expression.walk()
        if isinstance(each, Selector) and {"slo", "source"} - {m.label for m in each.matchers}
    }

    assert ["slo", "source", "model"] == names
    assert {"llm:slo_objective:ratio"} == loose


def test_without_a_promise_by_model_there_is_no_such_choice() -> None:
    """What is promised for all together has no model to choose, and no column of it."""
    found = page((vllm(),), (ALIVE,))

    assert ["datasource", "slo", "source"] == [each.name for each in found.variables]
    assert ["slo", "source"] == [each.label for each in table(found).label_columns]


def test_the_table_judges_first() -> None:
    """What has a colour comes before what has none, and the least budget is on top."""
    found = table(page())
    colored = [bool(column.thresholds) for column in found.columns]

    assert ["left", "alerts", "burn", "time", "coverage", "objective", "events"] == [
        column.query_key for column in found.columns
    ]
    assert sorted(colored, reverse=True) == colored
    assert ("Budget left", False) == (found.sort_by, found.descending)
    assert ("red", BUDGET_LEFT) == (found.columns[0].base_color, found.columns[0].thresholds)


def test_burn_is_drawn_for_each_window_with_its_limits() -> None:
    """The dashed lines are those of the tiers: 14.4 pages within the hour, 1 asks within 3 days."""
    limits = {
        panel.key: [(limit.value, limit.color) for limit in getattr(panel, "thresholds", ())]
        for panel in page().panels()
        if panel.key.startswith("burn-") and panel.key != "burn-alerts"
    }

    assert {
        "burn-1h": [(1.0, "orange"), (14.4, "red")],
        "burn-6h": [(1.0, "orange"), (6.0, "red")],
        "burn-1d": [(1.0, "orange"), (3.0, "orange")],
        "burn-3d": [(1.0, "orange")],
    } == limits


def test_tiers_of_ones_own_have_graphs_of_their_own() -> None:
    """A promise of a week that pages after 7 % in two hours is drawn over two hours, at 5.88."""
    tier = Tier(Severity.PAGE, 0.07, Duration.parse("2h"), Duration.parse("10m"))
    week = Duration.parse("7d")
    own = Slo(
        name="own", title="Own", indicator=Up(), objective=0.999, period=week, tiers=(tier,), by=()
    )
    asked = PromiseQuestions(promised((vllm(),), (own,)).series)  # type: ignore[arg-type]  # it is counted

    assert ["1h", "2h"] == [str(window) for window in asked.windows]
    assert [1.0, 5.88] == [limit.value for limit in asked.burn_limits(asked.windows[1])]
    assert not asked.has_fast
    assert "far-beyond" not in {panel.key for panel in page((vllm(),), (own,)).panels()}


def test_promises_are_said_in_words() -> None:
    """Each source with the threshold that is an edge there, or with why it cannot tell."""
    text = words(page((sglang(), vllm()), DEFAULT.slos))

    assert "sglang (2 s, far beyond: 8 s), vllm (2.5 s, far beyond: 10 s)" in text
    assert "sglang: expected a bucket edge, got 0.15; the nearest edges are 0.1 and 0.2" in text
    assert "| `answered` | Answered \\| well | 99% over 30d, for each model |" in words(small())


def test_a_pack_without_the_page_has_none() -> None:
    """Pages over promises are a setting like all pages."""
    assert [slo] == list(DEFAULT.slo_pages)
    assert () == Pack(slo_pages=()).slo_pages


# --- what it answers -----------------------------------------------------------------------------

OF_A = 'slo="answered",source="gateway",role="gateway",model="a"'
OF_B = 'slo="answered",source="gateway",role="gateway",model="b"'
OF_ENGINE = 'slo="answered",source="triton",role="engine",model="a"'

#: Of 10,000 requests of a period 100 may be bad; the hour had 30 bad ones of a, and 5 of b.
EVENTS = {
    'llm:slo_objective:ratio{slo="answered"}': "0.99x30",
    f"llm:slo_total:increase1h{{{OF_A}}}": "300x30",
    f"llm:slo_good:increase1h{{{OF_A}}}": "270x30",
    f"llm:slo_total:increase1h{{{OF_B}}}": "100x30",
    f"llm:slo_good:increase1h{{{OF_B}}}": "95x30",
    f"llm:slo_total:increase1h{{{OF_ENGINE}}}": "300x30",
    f"llm:slo_good:increase1h{{{OF_ENGINE}}}": "290x30",
    f"llm:slo_total:period{{{OF_A}}}": "7000x30",
    f"llm:slo_total:period{{{OF_B}}}": "3000x30",
    f"llm:slo_total:period{{{OF_ENGINE}}}": "2000x30",
}
#: A quarter may be bad, which binary fractions hold exactly.
DAYS = {
    'llm:slo_objective:ratio{slo="answered"}': "0.75x30",
    f"llm:slo_total:increase3d{{{OF_A}}}": "1000x30",
    f"llm:slo_good:increase3d{{{OF_A}}}": "625x30",
}
IDLE = {
    'llm:slo_objective:ratio{slo="answered"}': "0.75x30",
    f"llm:slo_total:increase3d{{{OF_A}}}": "0x30",
    f"llm:slo_good:increase3d{{{OF_A}}}": "0x30",
}
LINE = '{slo="answered",source="gateway",model="a"}'
BUDGETS = {
    f"llm:slo_budget_left:ratio{{{OF_A}}}": "-3x30",
    f"llm:slo_budget_left:ratio{{{OF_B}}}": "0.2x30",
    f"llm:slo_budget_left:ratio{{{OF_ENGINE}}}": "0.9x30",
}
FIRING = f'ALERTS{{alertname="B",alertstate="firing",severity="critical",tier="page-1h",{OF_A}}}'
TICKET = f'ALERTS{{alertname="B",alertstate="firing",severity="warning",tier="ticket-1d",{OF_A}}}'
PENDING = f'ALERTS{{alertname="B",alertstate="pending",severity="critical",tier="page-6h",{OF_A}}}'


@pytest.mark.parametrize(
    ("panel", "query", "series", "expected", "labels"),
    [
        ("burn-3d", "burn", DAYS, 1.5, LINE),
        ("burn-3d", "burn", IDLE, 0.0, LINE),
        ("forecast-3d", "left", DAYS, -0.5, LINE),
        ("forecast-3d", "left", IDLE, 1.0, LINE),
        ("overspent", "count", BUDGETS, 1.0, "{}"),
        ("nearly-spent", "count", BUDGETS, 2.0, "{}"),
    ],
    ids=["burn", "idle", "forecast", "idle forecast", "overspent", "nearly spent"],
)
def test_what_the_page_says(
    promtool: Path,
    tmp_path: Path,
    panel: str,
    query: str,
    series: dict[str, str],
    expected: float,
    labels: str,
) -> None:
    """Bad events over those that may be; an idle window burns nothing and foretells no loss."""
    assert "" == judged(promtool, tmp_path, shown(panel, query), series, expected, labels)


@pytest.mark.parametrize(
    ("panel", "kept", "expected"),
    [
        ("eaten-by-promise", 'role="gateway"', 0.35),
        ("eaten-by-promise", 'role="engine"', 0.5),
        ("eaten-by-source", 'role="engine",source="triton"', 0.5),
        ("eaten-by-model", 'role="gateway",model="a"', 0.3),
        ("eaten-by-model", 'role="gateway",model="b"', 0.05),
    ],
)
def test_bands_add_up_to_what_the_promise_lost(
    promtool: Path, tmp_path: Path, panel: str, kept: str, expected: float
) -> None:
    """30 and 5 bad of 100 that may be are 0.35; a gateway's requests are not added to engines'."""
    alone = dict(each.split("=") for each in kept.replace('"', "").split(","))
    text = f"round({only(shown(panel, 'eaten'), alone)}, 0.0001)"
    labels = f'{{slo="answered",{kept}}}'

    assert "" == judged(promtool, tmp_path, text, EVENTS, expected, labels)


def test_a_lost_budget_is_drawn_at_the_floor(promtool: Path, tmp_path: Path) -> None:
    """Overspent three times over, a line stands at -100 %, where the others can still be read."""
    lost = {key: value for key, value in BUDGETS.items() if OF_A in key}

    assert "" == judged(promtool, tmp_path, shown("budget-left", "left"), lost, -1.0, LINE)
    assert "" == judged(promtool, tmp_path, shown("promises", "left"), lost, -3.0, LINE)


def test_the_table_knows_what_is_promised(promtool: Path, tmp_path: Path) -> None:
    """The objective stands beside each line, as soon as its events are counted."""
    counted = {key: value for key, value in EVENTS.items() if OF_A in key or "objective" in key}

    assert "" == judged(promtool, tmp_path, shown("promises", "objective"), counted, 0.99, LINE)


@pytest.mark.parametrize(
    ("firing", "tiers", "pages", "state"),
    [((), 0.0, 0.0, None), ((FIRING, PENDING), 1.0, 1.0, 2.0), ((TICKET,), 1.0, 0.0, 1.0)],
    ids=["none", "a page", "a ticket"],
)
def test_alerts_are_counted_and_named(
    promtool: Path,
    tmp_path: Path,
    firing: tuple[str, ...],
    tiers: float,
    pages: float,
    state: float | None,
) -> None:
    """None firing is a zero while promises are counted; one that is pending does not fire."""
    series = {
        f"llm:slo_total:increase1h{{{OF_A}}}": "300x30",
        f"llm:slo_burn:ratio1h{{{OF_A}}}": "3x30",
        **dict.fromkeys(firing, "1x30"),
    }
    tier = "page-1h" if pages else "ticket-1d"
    named = LINE.replace("}", f',tier="{tier}"}}')

    assert "" == judged(promtool, tmp_path, shown("promises", "alerts"), series, tiers, LINE)
    assert "" == judged(promtool, tmp_path, shown("pages-now", "count"), series, pages)
    assert "" == judged(promtool, tmp_path, shown("burn-alerts", "firing"), series, state, named)


def test_events_far_beyond_a_threshold_are_a_share(promtool: Path, tmp_path: Path) -> None:
    """60 of 100 events are not even tolerable: a promise with a large budget pages at half."""
    series = {
        f"llm:slo_total:increase5m{{{OF_A}}}": "100x30",
        f"llm:slo_tolerable:increase5m{{{OF_A}}}": "40x30",
    }
    (query,) = page().panel("far-beyond").queries

    assert "" == judged(promtool, tmp_path, to_text(query.expr, CHOSEN), series, 0.6, LINE)
