"""GPUs beside tokens: which model they work for, where that is known, and which of them are idle."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.fleet.energy import ALL_TOKENS, WRITTEN, Energy
from llmdash.layer import Layer
from llmdash.pack import Pack
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.units import JOULES, TOKENS
from llmdash.sources import dcgm, vllm
from tests.dashboards.judged_by_promtool import judged

GPUS = {"vllm": {"a:8000": ("GPU-7", "GPU-8")}}
MODELS = {"dcgm": {"a:9400": "llama"}}
UNKNOWN = Energy(Layer((vllm(), dcgm())), ("model",))
PLACED = Energy(Pack(sources=(vllm(), dcgm()), target_gpus=GPUS).layer, ("model",))

#: Four kinds of model, and two GPUs that no model has to itself.
FLEET = {
    'llm:gpu_power_watts:sum{role="gpu",source="dcgm",model="busy"}': "700x30",
    'llm:gpu_power_watts:count{role="gpu",source="dcgm",model="busy"}': "1x30",
    'llm:generation_tokens:rate5m{role="engine",source="vllm",model="busy"}': "350x30",
    'llm:prompt_tokens:rate5m{role="engine",source="vllm",model="busy"}': "1050x30",
    'llm:gpu_power_watts:sum{role="gpu",source="dcgm",model="silent"}': "140x30",
    'llm:gpu_power_watts:count{role="gpu",source="dcgm",model="silent"}': "2x30",
    'llm:generation_tokens:rate5m{role="engine",source="vllm",model="silent"}': "0x30",
    'llm:prompt_tokens:rate5m{role="engine",source="vllm",model="silent"}': "0x30",
    # Reads only, as embeddings do.
    'llm:gpu_power_watts:sum{role="gpu",source="dcgm",model="reads"}': "30x30",
    'llm:gpu_power_watts:count{role="gpu",source="dcgm",model="reads"}': "3x30",
    'llm:generation_tokens:rate5m{role="engine",source="vllm",model="reads"}': "0x30",
    'llm:prompt_tokens:rate5m{role="engine",source="vllm",model="reads"}': "1x30",
    # Its engine counts no tokens.
    'llm:gpu_power_watts:sum{role="gpu",source="dcgm",model="unknown"}': "50x30",
    'llm:gpu_power_watts:count{role="gpu",source="dcgm",model="unknown"}': "5x30",
    'llm:gpu_power_watts:sum{role="gpu",source="dcgm"}': "80x30",
    'llm:gpu_power_watts:count{role="gpu",source="dcgm"}': "2x30",
    # A gateway counts the same tokens again.
    'llm:generation_tokens:rate5m{role="gateway",source="gateway",model="busy"}': "350x30",
}
ONLY_BUSY = {name: values for name, values in FLEET.items() if 'model="busy"' in name}


@pytest.mark.parametrize(
    ("pack", "by"),
    [
        (Pack(sources=(vllm(), dcgm())), ()),
        (Pack(sources=(vllm(), dcgm()), target_gpus=GPUS), ("model",)),
        (Pack(sources=(vllm(), dcgm()), gpus_by_pod=True), ("model",)),
        (Pack(sources=(vllm(), dcgm()), target_models=MODELS), ("model",)),
        (Pack(sources=(vllm(), dcgm()), target_models={"vllm": {"a:8000": "llama"}}), ()),
    ],
    ids=["nothing", "GPUs of engines", "pods", "models of GPUs", "models of engines"],
)
def test_gpus_have_models_where_the_pack_says_so(pack: Pack, by: tuple[str, ...]) -> None:
    """Without placement there are totals, and no choice of a model narrows one side only."""
    energy = Energy(pack.layer, ("model",))

    assert by == energy.by
    assert bool(by) == ("$model" in to_text(energy.tokens_per_gpu(), GRAFANA))


def test_totals_stand_beside_all_tokens() -> None:
    """Where nobody knows whose GPUs they are, neither side follows the reader's choice."""
    assert (
        'sum(avg_over_time(llm:gpu_power_watts:sum{role="gpu"}[5m])) / '
        'sum(llm:generation_tokens:rate5m{role="engine"})'
    ) == to_text(UNKNOWN.per_token(WRITTEN), GRAFANA)
    assert JOULES / TOKENS == UNKNOWN.per_token(ALL_TOKENS).unit


def silent_power() -> Expr:
    return Energy(PLACED.layer).silent(Energy(PLACED.layer).power())


def silent_gpus() -> Expr:
    return Energy(PLACED.layer).silent(Energy(PLACED.layer).gpus())


def unplaced_power() -> Expr:
    return Energy(PLACED.layer).unplaced(Energy(PLACED.layer).power())


@pytest.mark.parametrize(
    ("expression", "series", "expected"),
    [
        (silent_power(), FLEET, 140.0),
        (silent_gpus(), FLEET, 2.0),
        (unplaced_power(), FLEET, 80.0),
        (silent_power(), ONLY_BUSY, 0.0),
        (unplaced_power(), ONLY_BUSY, 0.0),
        (silent_power(), {}, None),
        (Energy(PLACED.layer).per_token(WRITTEN), ONLY_BUSY, 2.0),
        (Energy(PLACED.layer).per_token(ALL_TOKENS), ONLY_BUSY, 0.5),
        (Energy(PLACED.layer).per_token(WRITTEN), FLEET, 1000 / 350),
        (Energy(PLACED.layer).tokens_per_gpu(), FLEET, 350 / 13),
    ],
    ids=[
        "silent power", "silent GPUs", "unplaced power", "none silent", "all placed", "no GPUs",
        "written", "all tokens", "idle included", "tokens per GPU",
    ],
)  # fmt: skip
def test_who_is_idle(
    promtool: Path,
    tmp_path: Path,
    expression: Expr,
    series: dict[str, str],
    expected: float | None,
) -> None:
    """Silent is a model whose engine counts tokens and has none, of either kind; zero is no gap."""
    assert "" == judged(promtool, tmp_path, to_text(expression, GRAFANA), series, expected)


def test_a_model_has_its_own_gpus(promtool: Path, tmp_path: Path) -> None:
    """By model, power meets the tokens of that model alone; GPUs without one meet none."""
    text = to_text(Energy(PLACED.layer).per_token(WRITTEN, ("model",)), GRAFANA) + " < +Inf"

    assert "" == judged(promtool, tmp_path, text, FLEET, 2.0, '{model="busy"}')
