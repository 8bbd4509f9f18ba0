"""The catalogues agree with the pages of real servers and programs, as they do with captured ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version

import pytest

from llmdash.sources.app import app as app_source
from llmdash.sources.gateway import gateway as gateway_source
from tests.exposition import Scrape
from tests.live.exposition import fetch_exposition
from tests.live.stack_programs import Program, load_run
from tests.live.triton_server import TritonServer
from tests.live.vllm_server import VllmServer
from tests.metrics import test_catalogue as catalogue

AGREEMENTS: tuple[Callable[[Scrape], None], ...] = (
    catalogue.test_every_family_is_known,
    catalogue.test_every_family_is_expected_in_its_version,
    catalogue.test_no_family_is_missing,
    catalogue.test_types_are_equal,
    catalogue.test_labels_are_equal,
    catalogue.test_label_values_are_in_their_closed_set,
    catalogue.test_edges_are_equal,
    catalogue.test_quantiles_are_equal,
)


@pytest.fixture(scope="module")
def running_load(vllm: VllmServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Load on the real vLLM, for as long as these tests take."""
    with load_run(tmp_path_factory.mktemp("load"), vllm.base_url) as program:
        yield program


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_vllm_is_as_catalogued(vllm: VllmServer, agrees: Callable[[Scrape], None]) -> None:
    """What holds for the captured pages of vLLM holds for the one that runs."""
    page = fetch_exposition(vllm.metrics_url)
    agrees(Scrape("the running vLLM", "vllm", vllm.version.partition("+")[0], page.families))


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_triton_is_as_catalogued(triton: TritonServer, agrees: Callable[[Scrape], None]) -> None:
    """What holds for the captured pages of Triton holds for the one that runs."""
    page = fetch_exposition(triton.metrics_url)
    agrees(Scrape("the running Triton", "tritonserver", triton.version or "", page.families))


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_the_gateway_is_as_catalogued(
    troubled_gateway: Program, agrees: Callable[[Scrape], None]
) -> None:
    """What holds for the captured page of the gateway holds for the one that runs."""
    page = fetch_exposition(troubled_gateway.metrics_url)
    agrees(Scrape("the running gateway", "gateway", version("llmdash"), page.families))


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_the_app_is_as_catalogued(app: Program, agrees: Callable[[Scrape], None]) -> None:
    """What holds for the captured page of an app with our middleware holds for the one that runs."""
    page = fetch_exposition(app.metrics_url)
    agrees(Scrape("the running app", "app", version("llmdash"), page.families))


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_load_is_as_catalogued(running_load: Program, agrees: Callable[[Scrape], None]) -> None:
    """What holds for the captured page of a run holds for the one that goes on."""
    page = fetch_exposition(running_load.metrics_url)
    agrees(Scrape("the running load", "load", version("llmdash"), page.families))


def test_our_programs_show_all_that_their_sources_know(
    troubled_gateway: Program, app: Program
) -> None:
    """Nothing is left out that pages ask for, when a process started among it."""
    for program, source in ((troubled_gateway, gateway_source()), (app, app_source())):
        shown = fetch_exposition(program.metrics_url).families

        assert [] == [metric.name for metric in source.metrics if metric.name not in shown]
