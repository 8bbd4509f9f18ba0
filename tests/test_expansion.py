"""Expressions over recordings, said over raw series: the text, and that both give equal numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmdash.build import Build
from llmdash.checks.parsed import metric_names, parsed
from llmdash.compiler import compile_pack
from llmdash.errors import PromqlError
from llmdash.expansion import expanded
from llmdash.pack import Pack
from llmdash.promql.expressions import (
    aggregate,
    call,
    count_values,
    first_of,
    joined,
    label_from_map,
    not_equal,
    over_time,
    relabel,
    total,
)
from llmdash.promql.facts import Usage
from llmdash.promql.labels import LabelSet
from llmdash.promql.matching import Matching
from llmdash.promql.nodes import Binary, Expr, Matcher, Selector, Variable
from llmdash.promql.printer import concrete, to_text
from llmdash.promql.series import Series
from llmdash.promql.units import REQUESTS
from llmdash.promql.windows import Duration
from llmdash.recordings import Recording, RuleGroup, recordings_of
from llmdash.sources import dcgm, vllm
from tests.bench.fleet_of_servers import SERVERS, Fleet, head_of, made_series
from tests.bench.traffic_shape import PROFILES, load_of
from tests.prometheus_tools import said_against

INTERVAL = Duration.parse("37s")
TARGET = concrete({}, {"all": ".*", "one": "m"})


def series(name: str, *labels: str, alone_by: str = "") -> Selector:
    alone = frozenset({alone_by} if alone_by else ())
    return Selector(
        Series(
            name,
            REQUESTS,
            Usage.VALUE,
            LabelSet(labels),
            alone_by=alone,
            bounds=(0, None),
            has_target_labels=False,
        )
    )


RAW = series("raw", "model_name", "host")
PLACE = series("place", "host", "model", alone_by="host")
ASKED = series("llm:asked", "source", "model")
MAPPED = series("llm:mapped", "model")
JOINED = series("llm:joined", "host", "model")
EITHER = series("llm:either", "host", "model")
LEVEL = series("llm:level", "model")

GROUP = RuleGroup(
    "test",
    INTERVAL,
    (
        Recording(
            "llm:asked",
            total(relabel(total(RAW, ("model_name",)), "model", "model_name"), ("model",)),
            (("source", "old"),),
        ),
        Recording("llm:asked", total(series("other", "model"), ("model",)), (("source", "$new"),)),
        Recording(
            "llm:mapped",
            total(label_from_map(RAW, "model", "host", {"a": "m", "b": "m", "c": "n"}), ("model",)),
            (),
        ),
        Recording(
            "llm:joined",
            joined(total(RAW, ("host",)), "*", PLACE, on=("host",), group_left=("model",)),
            (),
        ),
        Recording(
            "llm:either",
            Binary("or", PLACE, total(RAW, ("host",)), Matching(on=("host",))),
            (),
        ),
        Recording("llm:level", total(ASKED, ("model",)), ()),
    ),
)
OLD = 'label_replace(sum by (model) (label_replace(sum by (model_name) (raw%s), "model", "$1", "model_name", "(.+)")), "source", "old", "", "")'
NEW = 'label_replace(sum by (model) (other%s), "source", "$$new", "", "")'
BOTH = f"({OLD % ''} or {NEW % ''})"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        # Every rule of the name, with the labels that it adds.
        (ASKED, BOTH),
        (RAW, "raw"),
        (total(ASKED, ("source",)) / 2, f"(sum by (source) ({BOTH}) / 2)"),
        # A condition on an added label chooses among the rules.
        (ASKED.where(source="old"), f"({OLD % ''})"),
        (ASKED.where(not_equal("source", "old")), f"({NEW % ''})"),
        (ASKED.where(source=Variable("all")), BOTH),
        (ASKED.where(source="nobody"), None),
        (total(ASKED.where(source="nobody")), None),
        (first_of(total(ASKED.where(source="nobody")), total(RAW)), "sum(raw)"),
        (joined(RAW, "unless", ASKED.where(source="nobody"), on=()), "raw"),
        (joined(RAW, "and", ASKED.where(source="nobody"), on=()), None),
        # One on another label is asked of the label that it was made from.
        (ASKED.where(model="m"), f"({OLD} or {NEW})" % ('{model_name="m"}', '{model="m"}')),
        (ASKED.where(model=Variable("one"), source="old"), f"({OLD})" % '{model_name=~"m"}'),
        (ASKED.where(model=Variable("all"), source="old"), f"({OLD % ''})"),
        (LEVEL.where(model="m"), f"(sum by (model) (({OLD} or {NEW})))" % ('{model_name="m"}', '{model="m"}')),
        (
            MAPPED.where(model="m"),
            '(sum by (model) ((label_replace((label_replace(raw{host!~"c", host=~"a|b"}, "model", "m", "host", "a|b")), "model", "n", "host", "c"))))',
        ),
        (JOINED.where(model="m"), '((sum by (host) (raw) * on (host) group_left (model) place{model="m"}))'),
        (JOINED.where(host="h"), '((sum by (host) (raw{host="h"}) * on (host) group_left (model) place{host="h"}))'),
        (EITHER.where(host="h"), '((place{host="h"} or on (host) sum by (host) (raw{host="h"})))'),
        # What has no model is no series of one.
        (EITHER.where(model="m"), '(place{model="m"})'),
        (
            EITHER.where(not_equal("model", "m")),
            '((place{model!="m"} or on (host) (sum by (host) (raw) unless on (host) place)))',
        ),
        # Only a subquery looks back on what is computed.
        (over_time("max", ASKED.where(source="old"), "11m"), f"max_over_time(({OLD % ''})[11m:37s])"),
        (over_time("max", RAW.offset("1h"), "11m"), "max_over_time(raw[11m] offset 1h)"),
        (
            over_time("max", ASKED.where(source="old").offset("1h"), "11m"),
            f"max_over_time(({OLD % ''})[11m:37s] offset 1h)",
        ),
        (ASKED.where(source="old").offset("1h"), f"last_over_time(({OLD % ''})[37s:37s] offset 1h)"),
    ],
)  # fmt: skip
def test_recordings_are_replaced_by_their_rules(expression: Expr, text: str | None) -> None:
    """The rules that can fill a selector stand in its place, over the series that it asks for."""
    found = expanded(expression, (GROUP,), TARGET)

    assert text == found
    assert found is None or not any(name.startswith("llm:") for name in metric_names(parsed(found)))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (call("absent", ASKED), "got absent"),
        (ASKED.where(source=Variable("unknown")), r"\$unknown"),
    ],
)
def test_what_cannot_be_told_is_refused(expression: Expr, message: str) -> None:
    """A choice that would change what else is computed is refused, never left out."""
    with pytest.raises(PromqlError, match=message):
        expanded(expression, (GROUP,), TARGET)


def test_the_greatest_are_not_chosen_among_fewer() -> None:
    """A choice on what `topk` returns cannot be made before it."""
    rule = Recording("llm:top", aggregate("topk", RAW, parameter=3), ())

    with pytest.raises(PromqlError, match="got topk"):
        expanded(series("llm:top", "host").where(host="h"), (RuleGroup("test", INTERVAL, (rule,)),))


def test_a_label_made_from_values_is_not_asked_of_series() -> None:
    """What `count_values` writes into a label is on no series below it."""
    rule = Recording("llm:counted", count_values(RAW, "length"), ())

    with pytest.raises(PromqlError, match="got length, made from values"):
        expanded(
            series("llm:counted", "length").where(length="3"),
            (RuleGroup("test", INTERVAL, (rule,)),),
        )


# --- equal numbers ---------------------------------------------------------------------------------

FLEET = Fleet(replicas=4, models=2, gpus=8)
MOMENTS = range(1_000_000, 1_000_000 + 30 * 25, 30)


def input_series(build: Build) -> Iterator[dict[str, str]]:
    loads = [load_of(profile, MOMENTS, 0) for profile in range(PROFILES)]
    for source in build.pack.sources:
        for server in SERVERS[source.exporter](FLEET, source):
            for made in made_series(build, source):
                if server.is_first or not made.once_a_target:
                    values = loads[server.profile].values(made.made)
                    yield {"series": head_of(made, server), "values": " ".join(values)}


def questions(pack: Pack) -> Iterator[tuple[Expr, bool]]:
    """Every query of the shared pages, what GPUs do for a model, and whether it must have data."""
    for make in pack.shared_pages:
        page = make(pack.layer)
        if page is not None:
            for panel in page.panels():
                # The others speak of last week too, and of GPUs that nobody uses.
                yield from ((query.expr, page.uid == "llm-fleet") for query in panel.queries)
    power = pack.layer.gauge("gpu_power").where(role="gpu")
    yield total(power, ("model",)), True
    yield total(power.where(Matcher("model", "=~", "model-1")), ("source",)), True
    yield total(power.where(not_equal("model", "model-1")), ("source",)), True


def case(expression: str) -> dict[str, Any]:
    return {"expr": expression, "eval_time": "12m", "exp_samples": []}


@pytest.mark.parametrize("model", [".*", "model-1"])
def test_both_give_equal_numbers(promtool: Path, tmp_path: Path, model: str) -> None:
    """What a page shows of recordings is what the same page shows of raw series, series by series."""
    pack = Pack(sources=(vllm(), dcgm()), gpus_by_pod=True)
    build = compile_pack(pack)
    groups = [recordings_of(source, pack.intervals, pack.placement) for source in pack.sources]
    chosen = concrete(
        {"__range": "11m", "__rate_interval": "2m"},
        dict.fromkeys(("source", "role"), ".*") | {"model": model},
    )
    cases = []
    for expression, has_data in questions(pack):
        recorded, raw = to_text(expression, chosen), expanded(expression, groups, chosen)
        if raw is None:
            cases.append(case(recorded))
            continue
        cases += [
            case(f"({raw}) unless ({recorded})"),
            case(f"({recorded}) unless (abs(({recorded}) - ({raw})) <= 1e-9 * abs({recorded}))"),
        ]
        if has_data:
            cases.append(case(f"absent({recorded})"))
    for path, content in build.rules.items():
        (tmp_path / Path(path).name).write_text(yaml.safe_dump(content))
    test = {
        "rule_files": [Path(path).name for path in build.rules],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": list(input_series(build)),
                "promql_expr_test": cases,
            }
        ],
    }
    file = tmp_path / "expansion.test.yaml"
    file.write_text(yaml.safe_dump(test))

    assert len(cases) > 60
    assert "" == said_against(promtool, file)[-5000:]
