"""vLLM's extras: rows that appear with the releases that have them, and queries that mean it."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import StateTimeline, Table
from llmdash.dashboards.vllm.extras import vllm_extras
from llmdash.dashboards.vllm.sleep import SLEEP_STATES
from llmdash.layer import Layer
from llmdash.metrics import vllm as metrics
from llmdash.metrics.metric import Needs, Versions
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import vllm
from llmdash.sources.source import Source
from tests.dashboards.judged_by_promtool import judged
from tests.oracle import violations

CHOSEN = 'model_name!="", model_name=~"$model", instance=~"$instance"'
ENGINE = f'{CHOSEN}, engine=~"$engine"'
BY_ENGINE = "sum by (model_name, instance, engine)"


def page(source: Source | None = None) -> Dashboard:
    own = source or vllm()
    found = vllm_extras(own, Layer((own,)))
    assert found is not None
    return found


def asked(key: str, place: int = 0) -> str:
    """Return the PromQL of a panel's query."""
    return to_text(page().panel(key).queries[place].expr, GRAFANA)


def test_features_ask_nothing_until_they_are_opened() -> None:
    """The first row is what every server has; the rows of features are collapsed."""
    assert [("server", False)] == [(row.key, row.collapsed) for row in page().rows[:1]]
    assert {True} == {row.collapsed for row in page().rows[1:]}


def test_the_page_is_called_by_what_is_open() -> None:
    """The API server is there on every server; sleep is a feature like others."""
    (row,) = [row for row in page().rows if "sleep-states" in {each.key for each in row.panels}]

    assert ("vLLM API server and extras", "API server") == (page().title, page().rows[0].title)
    assert row.collapsed


def test_the_page_is_sound(grafana_schemas: Path) -> None:
    """Nothing overlaps, nothing is undefined, and Grafana knows all of it."""
    assert () == page().problems()
    assert [] == violations(render(page()), grafana_schemas)


def test_each_panel_says_something_of_its_own() -> None:
    """No two descriptions are alike, and each is a sentence or more."""
    texts = [panel.description for panel in page().panels()]

    assert len(texts) == len(set(texts))
    assert [] == [text for text in texts if len(text) < 60 or not text.endswith(".")]


@pytest.mark.parametrize(
    ("last", "rows"),
    [
        (
            "0.8.4",
            ["server", "speculation", "lora", "python"],
        ),
        (
            "0.11.1",
            ["server", "speculation", "lora", "nixl", "sleep-operations", "answers", "python"],
        ),
        (
            "0.18",
            [
                *("server", "speculation", "lora", "nixl", "work", "sleep-operations", "answers"),
                *("websockets", "python"),
            ],
        ),
    ],
)
def test_a_feature_that_the_releases_lack_has_no_row(last: str, rows: list[str]) -> None:
    """A server that is too old for a feature is not asked for it."""
    old = page(vllm(versions=Versions("0.8.4", last)))

    assert rows == [row.key for row in old.rows]


def test_each_need_is_said() -> None:
    """A panel that stays empty without a feature names the feature."""
    expected = {
        "nixl-time": Needs.NIXL,
        "mooncake-time": Needs.MOONCAKE,
        "hf3fs-load": Needs.HF3FS,
        "lora-adapters": Needs.LORA,
        "draft-acceptance": Needs.SPECULATIVE_DECODING,
        "estimated-flops": Needs.MFU_METRICS,
        "sleep-operations": Needs.SLEEP_MODE,
        "corrupted-share": Needs.NAN_DETECTION,
        "websockets-open": Needs.REALTIME_API,
        "tool-call-share": Needs.TOOL_PARSER,
        "watermarks": Needs.WATERMARK,
        "diffusion-yield": Needs.DIFFUSION_MODEL,
        "api-cpu": Needs.SINGLE_API_SERVER,
    }

    assert [] == [
        key for key, need in expected.items() if need.value not in page().panel(key).description
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            # The model's own token comes on top of what it accepts.
            "accepted-length-now",
            f"sum(rate(vllm:spec_decode_num_accepted_tokens_total{{{ENGINE}}}[$__rate_interval])) / "
            f"sum(rate(vllm:spec_decode_num_drafts_total{{{ENGINE}}}[$__rate_interval])) + 1",
        ),
        (
            # Each position is a share of all drafts of its model.
            "acceptance-by-position",
            "sum by (model_name, position) (rate("
            f"vllm:spec_decode_num_accepted_tokens_per_pos_total{{{ENGINE}}}[$__rate_interval])) "
            "/ on (model_name) group_left () sum by (model_name) "
            f"(rate(vllm:spec_decode_num_drafts_total{{{ENGINE}}}[$__rate_interval]))",
        ),
        (
            # Old label sets never leave, so of each server the newest; there is no model_name.
            "lora-adapters",
            'topk by (instance) (1, vllm:lora_requests_info{instance=~"$instance"})',
        ),
        (
            "lora-ages",
            'time() - max by (instance) (vllm:lora_requests_info{instance=~"$instance"})',
        ),
        (
            # Bytes over the time that transfers took, not over the clock's.
            "nixl-speed",
            "sum by (model_name, instance) "
            f"(rate(vllm:nixl_bytes_transferred_sum{{{ENGINE}}}[$__rate_interval])) / "
            "sum by (model_name, instance) "
            f"(rate(vllm:nixl_xfer_time_seconds_sum{{{ENGINE}}}[$__rate_interval]))",
        ),
        (
            # Of one GPU: never added up over engines.
            "arithmetic-intensity",
            f"{BY_ENGINE} (rate(vllm:estimated_flops_per_gpu_total{{{ENGINE}}}[$__rate_interval]))"
            f" / ({BY_ENGINE} "
            f"(rate(vllm:estimated_read_bytes_per_gpu_total{{{ENGINE}}}[$__rate_interval])) + "
            f"{BY_ENGINE} "
            f"(rate(vllm:estimated_write_bytes_per_gpu_total{{{ENGINE}}}[$__rate_interval])))",
        ),
        (
            # The first operation is the birth of its series, which no increase sees.
            "sleep-operations",
            "sum by (instance, operation) "
            '(vllm:sleep_mode_operation_duration_seconds_count{instance=~"$instance"})',
        ),
        (
            # Streamed answers count once a piece; before the first tool call there is no series.
            "tool-call-share",
            "(sum by (model_name) (rate(vllm:tool_call_parser_invocations_total{"
            f'{CHOSEN}, mode="non_streaming", outcome="tool_call"}}[$__rate_interval])) or '
            "sum by (model_name) (rate(vllm:tool_call_parser_invocations_total{"
            f'{CHOSEN}, mode="non_streaming"}}[$__rate_interval])) * 0) / '
            "sum by (model_name) (rate(vllm:tool_call_parser_invocations_total{"
            f'{CHOSEN}, mode="non_streaming"}}[$__rate_interval]))',
        ),
        (
            # No label of the exporter's identifies the process: the scrape job does.
            "api-descriptors",
            'max by (instance) (process_open_fds{job="vllm", instance=~"$instance"}) / '
            'min by (instance) (process_max_fds{job="vllm", instance=~"$instance"})',
        ),
    ],
)
def test_what_is_asked(key: str, expected: str) -> None:
    """The queries that are not what a name suggests, written out."""
    assert expected == asked(key)


def test_sleep_states_are_the_catalogues() -> None:
    """Each state of the family has its number, and the number its name."""
    timeline = page().panel("sleep-states")
    assert isinstance(timeline, StateTimeline)
    text = asked("sleep-states")

    assert metrics.ENGINE_SLEEP_STATE.labels.allowed("sleep_state") == tuple(SLEEP_STATES)
    for state, mapping in SLEEP_STATES.items():
        assert f'sleep_state="{state}"}}) * {mapping.value}' in text
        assert mapping in timeline.mappings


def test_adapters_are_listed_with_the_moment_they_were_written() -> None:
    """The value of the family is a moment; labels carry the rest."""
    table = page().panel("lora-adapters")
    assert isinstance(table, Table)
    (column,) = table.columns

    assert "unix seconds" == str(table.unit_of(column))
    assert ["instance", "running_lora_adapters", "waiting_lora_adapters", "max_lora"] == [
        column.label for column in table.label_columns
    ]


def test_a_prefix_is_kept() -> None:
    """Behind Ray the same panels ask for the names that Ray gives."""
    source = vllm(prefix="ray_vllm_")
    texts = [
        to_text(query.expr, GRAFANA) for panel in page(source).panels() for query in panel.queries
    ]

    assert [] == [text for text in texts if "vllm:" in text]
    assert [] != [text for text in texts if "ray_vllm_nixl_xfer_time_seconds_bucket" in text]


# --- on made series ------------------------------------------------------------------------------

OF = 'model_name="llama",instance="a:8000",engine="0"'
DRAFTS = {
    # In 15 s 8 drafts of 3 tokens, of which 6, 4 and 2 are accepted.
    f"vllm:spec_decode_num_drafts_total{{{OF}}}": "0+8x40",
    f"vllm:spec_decode_num_draft_tokens_total{{{OF}}}": "0+24x40",
    f"vllm:spec_decode_num_accepted_tokens_total{{{OF}}}": "0+12x40",
    f'vllm:spec_decode_num_accepted_tokens_per_pos_total{{{OF},position="2"}}': "0+2x40",
}


def asleep(state: str) -> dict[str, str]:
    """Return an engine that was awake, and from the second minute on is in a state."""
    return {
        f'vllm:engine_sleep_state{{{OF},sleep_state="{each}"}}': f"{int(each == 'awake')}x7 "
        f"{int(each == state)}x40"
        for each in SLEEP_STATES
    }


@pytest.mark.parametrize(
    ("key", "series", "expected", "labels"),
    [
        ("draft-acceptance-now", DRAFTS, 0.5, "{}"),
        ("accepted-length-now", DRAFTS, 2.5, "{}"),
        ("acceptance-by-position", DRAFTS, 0.25, '{model_name="llama", position="2"}'),
        ("draft-acceptance-now", dict.fromkeys(DRAFTS, "0x40"), float("nan"), "{}"),
        *(
            (
                "sleep-states",
                asleep(state),
                float(mapping.value),
                '{model_name="llama", instance="a:8000", engine="0"}',
            )
            for state, mapping in SLEEP_STATES.items()
        ),
        # Written 13 s before the end of the five minutes; an older set of labels stays behind.
        (
            "lora-ages",
            {
                'vllm:lora_requests_info{instance="a:8000",running_lora_adapters="x"}': "31x40",
                'vllm:lora_requests_info{instance="a:8000",running_lora_adapters="x,y"}': "287x40",
            },
            13.0,
            '{instance="a:8000"}',
        ),
        # 1024 bytes in half a second of transfer, once in 15 s (a power of two, which no rounding moves).
        (
            "nixl-speed",
            {
                f"vllm:nixl_bytes_transferred_sum{{{OF}}}": "0+1024x40",
                f"vllm:nixl_xfer_time_seconds_sum{{{OF}}}": "0+0.5x40",
            },
            2048.0,
            '{model_name="llama", instance="a:8000"}',
        ),
        # The first operation of a server: its series is born with it.
        (
            "sleep-operations",
            {
                "vllm:sleep_mode_operation_duration_seconds_count"
                '{instance="a:8000",operation="wake"}': "_x9 1x30",
            },
            1.0,
            '{instance="a:8000", operation="wake"}',
        ),
        # No answer had a tool call yet.
        (
            "tool-call-share",
            {
                'vllm:tool_call_parser_invocations_total{model_name="llama",instance="a:8000",'
                'mode="non_streaming",outcome="no_tool_call"}': "0+3x40",
            },
            0.0,
            '{model_name="llama"}',
        ),
    ],
)
@pytest.mark.promtool
def test_what_is_shown(
    promtool: Path,
    tmp_path: Path,
    key: str,
    series: dict[str, str],
    expected: float,
    labels: str,
) -> None:
    """On a server whose numbers are known, panels show what follows from them."""
    assert "" == judged(promtool, tmp_path, asked(key), series, expected, labels)
