"""The page on GPUs: both generations of names fill it, bits and codes are told apart, stragglers are found."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llmdash.dashboards.dcgm.clock_events import harm_mappings
from llmdash.dashboards.dcgm.gpu import gpu
from llmdash.dashboards.dcgm.xid import asked_for, named_codes
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Mapping, StateTimeline
from llmdash.dashboards.style import CLOCK_EVENTS, THROTTLE_REASONS, XID_CLASSES
from llmdash.layer import Layer
from llmdash.metrics import clock_events
from llmdash.metrics.xid import XIDS, XidClass
from llmdash.placement import Placement
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import GRAFANA, concrete, to_text
from llmdash.signals import THROTTLE_REASONS as REASONS
from llmdash.sources import dcgm, vllm
from llmdash.sources.source import Source
from tests.dashboards.dcgm.gpu_pages import NEW, OLD, PLACED, expression, keys, page, table
from tests.oracle import violations
from tests.prometheus_tools import MAJORS, said_against, tools_of_major

AT = concrete({"__range": "1h", "__rate_interval": "4m"}, {"instance": ".*", "gpu": ".*"})


@pytest.mark.parametrize("source", [dcgm(), OLD, NEW, dcgm(name="cellar")], ids=lambda s: s.name)
@pytest.mark.parametrize("placement", [Placement(), PLACED], ids=["unplaced", "placed"])
def test_the_page_is_sound(source: Source, placement: Placement, grafana_schemas: Path) -> None:
    """Nothing is wrong with it, for either generation and whether or not GPUs have engines."""
    found = page(source, placement)

    assert () == found.problems()
    assert [] == violations(render(found), grafana_schemas)
    assert f"llm-{source.name}-gpu" == found.uid


def test_both_generations_have_the_same_panels() -> None:
    """What one release shows, the other shows in the same place."""
    assert keys(page(OLD)) == keys(page(NEW)) == keys(page())
    assert len(keys(page())) > 45


def test_a_source_without_power_has_no_page() -> None:
    """GPUs are counted by their power, so without it there is no page to begin with."""
    assert gpu(vllm(), Layer((vllm(),))) is None


def test_a_panel_says_what_it_needs() -> None:
    """What the exporter's default file of counters leaves out is said where it is missing."""
    found = page()

    assert "Needs a counters file (CSV) of your own." in found.panel("held-back").description
    assert "Needs" not in found.panel("utilisation").description


def test_memory_of_slices_adds_up() -> None:
    """Several series of one slice count once, and the slices of one GPU together."""
    assert (
        "sum by (instance, gpu) (max by (UUID, GPU_I_ID, instance, gpu) ("
        'DCGM_FI_DEV_FB_FREE_BYTES{UUID!="", instance=~"$instance", gpu=~"$gpu"} or ignoring (Hostname) '
        'DCGM_FI_DEV_FB_FREE{UUID!="", instance=~"$instance", gpu=~"$gpu"} * 1048576))'
        == to_text(expression(page().panel("memory-free")), GRAFANA)
    )


def test_energy_per_token_counts_engines_only() -> None:
    """A gateway's tokens are those of the engines behind it; GPUs without an engine count too."""
    assert "sum(llm:gpu_energy_joules:rate5m{role=\"gpu\"}) / sum(llm:generation_tokens:rate5m{role=\"engine\"})" == to_text(
        expression(page().panel("energy-per-token"), "written"), GRAFANA
    )  # fmt: skip


def test_engines_are_compared_where_they_are_known() -> None:
    """Without a map of GPUs nothing is said about engines, nor about the energy of a model."""
    of_engines = {"sm-clock-of-engine", "utilisation-of-engine", "energy-per-token-by-model"}

    assert of_engines == keys(page(placement=PLACED)) - keys(page())


# --- names of codes and bits ---------------------------------------------------------------------


def test_each_code_is_named_and_coloured_by_what_it_asks_for() -> None:
    """A reader sees 79 as what it is, red only where the GPU must go."""
    names, asks = (
        {each.value: each for each in mappings} for mappings in (named_codes(), asked_for())
    )

    assert {0, *(xid.code for xid in XIDS)} == set(names) == set(asks)
    assert Mapping(79, "79 GPU has fallen off the bus", "orange") == names[79]
    assert "reset the GPU or restart the node: PCIe does not reach the GPU any more." == asks[79].text  # fmt: skip
    assert "red" == names[64].color
    assert set(XidClass) == set(XID_CLASSES)


def test_every_mix_of_harmful_bits_has_a_name() -> None:
    """Four bits make sixteen masks; what is normal is in none of them."""
    names = {each.value: each.text for each in harm_mappings()}

    assert 16 == len(names)
    assert ("no", "hw slowdown", "hw slowdown + hw thermal") == (names[0], names[8], names[72])
    assert 4 not in names


def test_every_reason_has_a_colour() -> None:
    """No reason is drawn in a colour that Grafana happens to choose."""
    assert set(CLOCK_EVENTS) == {event.name for event in clock_events.CLOCK_EVENTS}
    assert set(THROTTLE_REASONS) == set(REASONS)


def test_codes_and_masks_are_shown_by_name() -> None:
    """The columns and timelines of codes carry their names; unknown codes stay bare numbers."""
    found = page()
    xid, held = (
        next(column for column in table(found, "gpus-table").columns if column.query_key == key)
        for key in ("xid", "held-back")
    )
    timeline = found.panel("xid-timeline")
    assert isinstance(timeline, StateTimeline)

    assert named_codes() == xid.mappings == timeline.mappings
    assert harm_mappings() == held.mappings


# --- what a real PromQL engine makes of it -------------------------------------------------------


def gpu_labels(number: int, model: str = "H100") -> str:
    return f'instance="inn:9400", gpu="{number}", UUID="U{number}", modelName="{model}"'


def series(text: str, *values: tuple[str, str]) -> list[dict[str, str]]:
    return [{"series": f"{text}{{{labels}}}", "values": shown} for labels, shown in values]


@cache
def cases() -> dict[str, tuple[Expr, str, list[dict[str, str]], dict[str, float]]]:
    """Return expressions with the moment, the series and the values expected by GPU."""
    found = page(placement=PLACED)
    zero, one, two = (gpu_labels(number) for number in range(3))
    code, power = "DCGM_FI_DEV_XID_ERRORS", "DCGM_FI_DEV_POWER_USAGE"
    watched = series(power, (zero, "70x130"), (one, "70x130"), (two, "70x130"))
    # A new code is a new series since 3.3.6; the last GPU is told of by an older release.
    codes = series(
        code,
        (f'{zero}, err_code="0"', "0x99 stale"),
        (f'{zero}, err_code="79"', "_x100 79x30"),
        (f'{one}, err_code="31"', "31x130"),
        (two, "13x99 31x30"),
    )
    clocks = [
        *series("DCGM_FI_DEV_SM_CLOCK", (zero, "1980x130"), (one, "1980x130"), (two, "990x130")),
        *series("DCGM_FI_DEV_GPU_UTIL", (zero, "100x130"), (one, "90x130"), (two, "80x130")),
    ]
    idle = series("DCGM_FI_DEV_GPU_UTIL", (zero, "100x130"), (one, "100x130"), (two, "0x130"))
    placed = [
        {
            "series": f'llm_instance:gpu_engine:info{{source="dcgm", UUID="U{number}", engine_source="vllm", engine_instance="inn:8000", model="m"}}',
            "values": "1x130",
        }
        for number in range(3)
    ]
    # Two engines share the third: it is compared with none.
    shared = [
        {
            "series": 'llm_instance:gpu_engine:info{source="dcgm", UUID="U2", engine_source="vllm", engine_instance="inn:8001", model="n"}',
            "values": "1x130",
        }
    ]
    # 12 is the power cap and a hardware slowdown; 5 is idle and the cap; 96 is heat twice.
    masks = series(
        "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", (zero, "12x130"), (one, "5x130"), (two, "96x130")
    )
    table_of_codes = table(found, "xids")
    # The first exporter knows both names, the second only the new, the third only the old.
    memory = [
        *series("DCGM_FI_DEV_FB_USED", (zero, "7x130"), (two, "3x130")),
        *series("DCGM_FI_DEV_FB_USED_BYTES", (zero, "7340032x130"), (one, "5242880x130")),
    ]
    return {
        "bits": (expression(found.panel("held-back"), "harm"), "1h", masks, {"0": 8, "2": 96}),
        "some held back": (expression(found.panel("held-back"), "none"), "1h", masks, {}),
        "none held back": (expression(found.panel("held-back"), "none"), "1h", masks[1:2], {"": 0}),
        "codes": (
            expression(found.panel("xid-timeline"), "code"),
            "50m",
            codes,
            {"1": 31, "2": 13},
        ),
        "some codes": (expression(found.panel("xid-timeline"), "none"), "50m", codes, {}),
        "no codes": (expression(found.panel("xid-timeline"), "none"), "50m", codes[:1], {"": 0}),
        "bits added up": (expression(found.panel("held-back-now")), "1h", masks, {"": 2}),
        "one bit": (
            expression(found.panel("clock-events-normal"), "power-cap"),
            "1h",
            masks,
            {"": 2},
        ),
        "new codes": (expression(found.panel("new-xids")), "2h", [*watched, *codes], {"": 2}),
        "no new code": (expression(found.panel("new-xids")), "90m", [*watched, *codes], {"": 0}),
        "nobody watched": (expression(found.panel("new-xids")), "50m", [*watched, *codes], {"": 0}),
        "event": (found.annotations[0].expr, "100m", [*watched, *codes], {"0": 79, "2": 31}),
        "event is over": (found.annotations[0].expr, "101m", [*watched, *codes], {}),
        "changes": (
            expression(table_of_codes, "changes"),
            "2h",
            [*watched, *codes],
            {"0": 1, "1": 0, "2": 1},
        ),
        "generations together": (
            expression(found.panel("memory-used")),
            "1h",
            memory,
            {"0": 7 * 2**20, "1": 5 * 2**20, "2": 3 * 2**20},
        ),
        "lost": (
            expression(found.panel("gpus-lost")),
            "2h",
            [*watched[:2], *series(power, (two, "70x99 stale"))],
            {"": 1},
        ),
        "new in the table": (
            expression(table_of_codes, "new"),
            "2h",
            [*watched, *codes],
            {"0": 1, "1": 0, "2": 1},
        ),
        "nobody looked": (expression(found.panel("gpus-lost")), "30m", watched, {"": 0}),
        "none lost": (expression(found.panel("gpus-lost")), "2h", watched, {"": 0}),
        "of its kind": (
            expression(found.panel("clock-of-model")),
            "1h",
            clocks,
            {"0": 1, "1": 1, "2": 0.5},
        ),
        "of its engine": (
            expression(found.panel("sm-clock-of-engine")),
            "1h",
            [*clocks, *placed],
            {"0": 1, "1": 1, "2": 0.5},
        ),
        "shared": (
            expression(found.panel("sm-clock-of-engine")),
            "1h",
            [*clocks, *placed, *shared],
            {"0": 1, "1": 1},
        ),
        "an idle rank": (
            expression(found.panel("utilisation-of-engine")),
            "1h",
            [*idle, *placed],
            {"0": 1, "1": 1, "2": 0},
        ),
        "a clock at work": (
            expression(found.panel("clock-of-model")),
            "1h",
            [*clocks[:3], *idle],
            {"0": 1, "1": 1},
        ),
    }


def labels_of(name: str, number: str) -> str:
    if number == "":
        return "{}"
    codes = {"0": ', err_code="79"'} if name == "event" else {}
    return f'{{instance="inn:9400", gpu="{number}"{codes.get(number, "")}}}'


@pytest.mark.parametrize("major", MAJORS)
def test_prometheus_reads_it_as_it_is_meant(major: int, tmp_path: Path) -> None:
    """Bits are cut out of masks, codes are new once, and the slow GPU stands out from its equals."""
    tests: list[dict[str, Any]] = [
        {
            "name": name,
            "interval": "1m",
            "input_series": shown,
            "promql_expr_test": [
                {
                    "expr": to_text(expr, AT),
                    "eval_time": moment,
                    "exp_samples": [
                        {"labels": labels_of(name, number), "value": value}
                        for number, value in expected.items()
                    ],
                }
            ],
        }
        for name, (expr, moment, shown, expected) in cases().items()
    ]
    file = tmp_path / "gpu.json"
    file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": tests}))

    assert "" == said_against(tools_of_major(major).promtool, file)
