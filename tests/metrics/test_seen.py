"""What the catalogues say has been seen is what the captured pages show."""

from __future__ import annotations

import pytest

from llmdash.metrics import (
    app,
    gateway,
    load,
    python_process,
    triton,
    triton_trtllm,
    triton_vllm,
    vllm,
)
from llmdash.metrics.metric import Metric
from llmdash.metrics.seen import EXTENDED, SEEN, seen_of
from llmdash.sources.app import app as app_source
from llmdash.sources.dcgm import dcgm as dcgm_source
from llmdash.sources.gateway import gateway as gateway_source
from llmdash.sources.load import load as load_source
from llmdash.sources.triton import triton as triton_source
from llmdash.sources.triton_trtllm import triton_trtllm as triton_trtllm_source
from llmdash.sources.triton_vllm import triton_vllm as triton_vllm_source
from llmdash.sources.vllm import vllm as vllm_source
from tests.exposition import captured_scrapes

#: What captured pages call their servers, and the exporter's catalogue.
CAPTURED: dict[str, tuple[str, tuple[Metric, ...]]] = {
    "app": ("app", (*app.METRICS, *python_process.METRICS)),
    "gateway": ("gateway", (*gateway.METRICS, *python_process.METRICS)),
    "load": ("load", load.METRICS),
    "tritonserver": ("triton", triton.METRICS),
    "vllm": ("vllm", vllm.METRICS),
}


def test_seen_is_what_was_captured() -> None:
    """SEEN holds exactly the catalogued families on the captured pages of real servers."""
    found: dict[str, set[str]] = {exporter: set() for exporter, _ in CAPTURED.values()}
    for scrape in captured_scrapes():
        exporter, metrics = CAPTURED[scrape.server]
        found[exporter] |= {metric.name for metric in metrics} & set(scrape.families)

    assert found == SEEN


@pytest.mark.parametrize(
    ("exporter", "backend"),
    [("triton_vllm", triton_vllm.METRICS), ("triton_trtllm", triton_trtllm.METRICS)],
)
def test_what_a_backend_adds_was_not_seen(exporter: str, backend: tuple[Metric, ...]) -> None:
    """Triton's own families were, under whatever backend; vLLM's names there are not vLLM's own."""
    assert seen_of("triton") == seen_of(exporter)
    assert set() == {metric.name for metric in backend} & seen_of(exporter)


def test_exporters_are_called_as_their_sources_say() -> None:
    """A name that no source has would hide what was seen of it."""
    tritons = (triton_source(), triton_vllm_source(), triton_trtllm_source())
    sources = (vllm_source(), *tritons, gateway_source(), app_source(), load_source())

    assert {*SEEN, *EXTENDED} == {source.exporter for source in sources}


def test_simulated_gpus_were_not_seen() -> None:
    """The GPU exporter is a real program, but the GPUs of our tests are played: they prove no fact."""
    assert frozenset() == seen_of(dcgm_source().exporter)


def test_of_an_unknown_exporter_nothing_was_seen() -> None:
    """What nobody has captured is not there."""
    assert frozenset() == seen_of("inn")
