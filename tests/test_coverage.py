"""What counts as read: a panel that explains itself, or a rule, on a page of that source."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llmdash.coverage import Coverage, coverage_of
from llmdash.dashboards.dashboard import Annotation, Dashboard, Row
from llmdash.dashboards.panels import Panel, Query, Stat
from llmdash.dashboards.variables import QueryVariable
from llmdash.metrics.metric import Needs
from llmdash.promql.expressions import rate, total
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import Duration
from llmdash.recordings import Recording, RuleGroup
from llmdash.sources import dcgm, triton, vllm
from llmdash.sources.source import Source
from tests.sources.examples import DOORS, FULL, GUESTS, METRICS, STORY, WORDS, inn

OF_GUESTS = total(rate(GUESTS.select(), "11m"))
OF_DOORS = total(DOORS.select())
OF_STORIES = total(rate(STORY.count(), "11m"))


def stat(key: str, expr: Expr, description: str) -> Panel:
    return Stat(key=key, title=key, description=description, queries=(Query("value", expr),))


def page(*panels: Panel, annotations: Sequence[Annotation] = ()) -> Dashboard:
    row = Row(key="now", title="Now", panels=panels)
    return Dashboard(
        uid="inn",
        title="Inn",
        description="An inn.",
        rows=(row,),
        variables=(QueryVariable(name="wing", selector=FULL.select(), of="wing"),),
        annotations=tuple(annotations),
    )


def rules(*expressions: Expr) -> RuleGroup:
    found = [Recording(f"llm:x{n}:sum", expr, ()) for n, expr in enumerate(expressions)]
    return RuleGroup("llmdash-inn", Duration.parse("30s"), tuple(found))


def test_panels_and_rules_count() -> None:
    """A family is used when a panel or a recording reads any of its series."""
    shown = page(stat("doors", OF_DOORS, "How many doors there are."))
    found = coverage_of(inn(), [shown], [rules(OF_STORIES)])

    assert {DOORS.name, STORY.name} == found.used
    assert (2, 2 / 9) == (found.used_of(METRICS), found.share_of(METRICS))
    assert {m.name for m in METRICS} - found.used == {m.name for m in found.unused}


def test_variables_and_events_do_not_count() -> None:
    """Choosing by a family's label, or marking its events, shows nothing of it."""
    event = Annotation(key="full", name="Full", expr=OF_GUESTS, title="Full")

    found = coverage_of(inn(), [page(stat("doors", OF_DOORS, "Doors."), annotations=[event])], [])

    assert {DOORS.name} == found.used


def test_a_list_of_families_does_not_count() -> None:
    """Panels that share one text explain nothing of their own."""
    listed = page(
        stat("doors", OF_DOORS, "A metric."),
        stat("guests", OF_GUESTS, "A metric."),
        stat("stories", OF_STORIES, "How many stories are told."),
    )

    assert {STORY.name} == coverage_of(inn(), [listed], []).used


def test_what_another_exporter_shows_is_not_used() -> None:
    """Only families of the source itself are counted, whatever else its pages ask."""
    assert frozenset() == coverage_of(triton(), [page(stat("d", OF_DOORS, "Doors."))], []).used


@pytest.mark.parametrize(
    ("source", "there", "not_there"),
    [
        (inn(), "inn_doors", WORDS.name),
        (vllm(), "vllm:num_requests_running", "vllm:nixl_xfer_time_seconds"),
        (triton(), "nv_gpu_utilization", "nv_inference_queue_summary_us"),
        (dcgm(), "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_DEV_FAN_SPEED"),
    ],
)
def test_what_is_there_by_default(source: Source, there: str, not_there: str) -> None:
    """A family that needs hardware only is there by default, one that needs a setting is not."""
    found = {metric.name for metric in Coverage(source, frozenset()).by_default}
    known = {metric.name: metric for metric in source.metrics}

    assert (True, False) == (there in found, not_there in found)
    assert not_there in known


def test_no_setting_is_hardware() -> None:
    """What DCGM exports only with a counters file of one's own is not there by default."""
    covered = Coverage(dcgm(), frozenset())
    own = {metric.name for metric in dcgm().metrics if Needs.OWN_COUNTERS not in metric.needs}

    assert own == {metric.name for metric in covered.by_default}


@pytest.mark.parametrize("prefix", ["vllm:", "ray_vllm_", "kserve_vllm:"])
def test_a_family_is_known_under_any_prefix(prefix: str) -> None:
    """Reasons name families as the catalogue does, wherever they are re-exported."""
    source = vllm(prefix=prefix)
    covered = Coverage(source, frozenset())

    assert {metric.name for metric in vllm().metrics} == {
        covered.catalogue_name(metric) for metric in source.metrics
    }
