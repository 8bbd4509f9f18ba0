"""What stands before engines: the gateway and in-process apps count requests as clients saw them."""

from __future__ import annotations

import pytest

from llmdash.intervals import Intervals
from llmdash.promql.edges import Edges
from llmdash.promql.printer import to_text
from llmdash.promql.windows import Duration
from llmdash.recordings import recordings_of
from llmdash.signals import OUTCOMES, PROMPT_CLASSES
from llmdash.sources import app, gateway, load
from llmdash.sources.answer import DistributionAnswer
from llmdash.sources.source import Role, Source

INTERVALS = Intervals(rate_window=Duration.parse("11m"))


def recorded(source: Source) -> list[tuple[str, str, str]]:
    return [
        (rule.name, dict(rule.labels).get("outcome", ""), to_text(rule.expr))
        for rule in recordings_of(source, INTERVALS).recordings
    ]


def edges_of(source: Source, name: str) -> Edges:
    answer = source.answers[name]
    assert isinstance(answer, DistributionAnswer)
    assert answer.edges is not None
    return answer.edges


@pytest.mark.parametrize(
    ("name", "threshold"), [("time_to_first_token", 2.0), ("inter_token_latency", 0.15)]
)
def test_promised_thresholds_are_edges(name: str, threshold: float) -> None:
    """The edges of the gateway are ours, so what is promised can be counted exactly."""
    assert threshold in edges_of(gateway(), name).values


@pytest.mark.parametrize(
    "name", ["time_to_first_token", "inter_token_latency", "end_to_end_latency"]
)
def test_a_client_has_the_edges_of_the_gateway(name: str) -> None:
    """So that both sides of a request can be set side by side."""
    assert edges_of(gateway(), name) == edges_of(load(), name)


def test_load_is_a_side_of_its_own() -> None:
    """It counts what gateway and engines count, under a role that no total of theirs names."""
    assert (Role.LOAD, "load", False) == (load().role, load().job, load().is_recorded)
    assert all(source.is_recorded for source in (gateway(), app()))
    assert {"requests", "requests_running", "prompt_tokens", "generation_tokens"} <= set(
        load().answers
    )
    # A run comes and goes: that it is not there, or has just begun, is nobody's concern.
    assert {"up", "start_time"}.isdisjoint(load().answers)


def test_outcomes_and_classes_are_those_of_the_signals() -> None:
    """The gateway's labels have the closed sets that the signals ask for."""
    requests = {metric.name: metric for metric in gateway().metrics}["gateway_requests_total"]

    assert OUTCOMES == requests.labels.allowed("outcome")
    assert PROMPT_CLASSES == requests.labels.allowed("prompt_class")


def test_the_gateway_says_the_outcome_itself() -> None:
    """Its counter has the outcome as a label, so one rule records all of them, by class of prompt."""
    assert (
        "llm:requests:rate11m",
        "",
        'sum by (model, outcome, prompt_class) (rate(gateway_requests_total{model!=""}[11m]))',
    ) == recorded(gateway())[0]


def test_an_app_has_a_status_and_no_model() -> None:
    """Each outcome is a status of the app; without a model the recording is of the app alone."""
    assert [
        ("llm:requests:rate11m", outcome, f'sum(rate(llm_requests_total{{status="{status}", endpoint!=""}}[11m]))')
        for outcome, status in (("ok", "success"), ("error", "error"), ("cancelled", "cancelled"))
    ] == recorded(app())[:3]  # fmt: skip


def test_roles_are_told_apart() -> None:
    """Gateway and engine count the same request: their roles keep a total from adding both."""
    assert (Role.GATEWAY, Role.APP) == (gateway().role, app().role)
    assert {"gateway"} == {
        dict(rule.labels)["role"] for rule in recordings_of(gateway(), INTERVALS).recordings
    }


def test_edges_of_an_app_can_be_its_own() -> None:
    """An app that was there before our middleware says its own edges."""
    own = app(edges={"llm_request_duration_seconds": (0.7, 1.1)})

    assert (0.7, 1.1) == edges_of(own, "end_to_end_latency").values
