"""metric_is_known: a name that is asked for is exposed by a source, by Prometheus, or recorded."""

from __future__ import annotations

import pytest

from llmdash.build import Build
from llmdash.checks.metric_is_known import metric_is_known
from llmdash.metrics.metric import Versions
from llmdash.sources import vllm
from tests.checks.examples import build, pack, panel, rule
from tests.sources.examples import inn

INN = pack(inn())


@pytest.mark.parametrize(
    "sound",
    [
        build(rule("sum(inn_full) / sum(inn_wait_ms_bucket)"), of=INN),
        build(rule("up == 0"), panels=(panel('ALERTS{alertstate="firing"}'),), of=INN),
        build(rule("sum(inn_full)"), panels=(panel("llm:guests:sum * 7"),), of=INN),
        build(rule("sum(inn_full"), of=INN),
        build(panels=(panel("sum(vllm:num_requests_running)"),), of=pack(vllm())),
        build(panels=(panel("sum(ray_vllm:num_requests_running)"),), of=pack(vllm(prefix="ray_vllm:"))),
    ],
)  # fmt: skip
def test_what_is_exposed_or_recorded_is_known(sound: Build) -> None:
    """Series of the pack's sources, of Prometheus itself and of the build's own rules are known."""
    assert [] == list(metric_is_known(sound))


@pytest.mark.parametrize(
    ("broken", "problems"),
    [
        (
            build(rule("rate(inn_guest_total[11m])"), of=INN),
            [
                "rules/inn.yaml: llmdash-inn: llm:guests:sum: nothing exposes or records "
                "inn_guest_total; did you mean inn_guests_total? (metric_is_known)"
            ],
        ),
        (
            build(panels=(panel("llm:guests:sum", "zebra{room='blue'}"),), of=INN),
            [
                "dashboards/Inn/inn.json: Guests: A: nothing exposes or records llm:guests:sum "
                "(metric_is_known)",
                "dashboards/Inn/inn.json: Guests: B: nothing exposes or records zebra "
                "(metric_is_known)",
            ],
        ),
        (
            build(rule("zebra + giraffe - zebra"), of=INN),
            [
                "rules/inn.yaml: llmdash-inn: llm:guests:sum: nothing exposes or records giraffe "
                "(metric_is_known)",
                "rules/inn.yaml: llmdash-inn: llm:guests:sum: nothing exposes or records zebra "
                "(metric_is_known)",
            ],
        ),
        (
            build(rule("inn_wait_ms"), of=INN),
            [
                "rules/inn.yaml: llmdash-inn: llm:guests:sum: nothing exposes or records "
                "inn_wait_ms; did you mean inn_wait_ms_sum? (metric_is_known)"
            ],
        ),
        (
            build(annotations={"Restart": "inn_restarted > 0"}, of=INN),
            [
                "dashboards/Inn/inn.json: annotation Restart: nothing exposes or records "
                "inn_restarted (metric_is_known)"
            ],
        ),
    ],
)
def test_what_nothing_produces_is_found(broken: Build, problems: list[str]) -> None:
    """Each unknown name is said once a text, with the nearest one that is known."""
    assert problems == [str(problem) for problem in metric_is_known(broken)]


@pytest.mark.parametrize(
    "text",
    [
        "sum by (room) (zebra)",
        "histogram_quantile(0.73, zebra)",
        "(zebra)",
        "-zebra",
        "topk(7, zebra)",
        "rate(zebra[11m] offset 1h)",
        "zebra and on (room) inn_full",
        "inn_full unless zebra",
        "max_over_time(zebra[1h:1m])",
        'label_replace(zebra, "a", "b", "c", "d")',
    ],
)
def test_a_name_is_found_wherever_it_stands(text: str) -> None:
    """Names are looked for in every part of an expression."""
    (problem,) = metric_is_known(build(rule(text), of=INN))

    assert problem.message.startswith("nothing exposes or records zebra")


@pytest.mark.parametrize(("versions", "found"), [("0.8.4", 0), ("0.12", 1)])
def test_releases_decide_what_is_exposed(versions: str, found: int) -> None:
    """A family that the pack's releases no longer have is unknown."""
    of = pack(vllm(versions=Versions(versions)))

    assert found == len(list(metric_is_known(build(rule("vllm:gpu_cache_usage_perc"), of=of))))
