"""A server's counts are read from a Prometheus that scrapes it, over exactly the run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from llmstack.load.bench.rounds import Asked, measure_rounds
from llmstack.load.bench.servers import Server
from llmstack.load.orders import Synthetic
from llmstack.load.server_side.sources import Pages, Prometheus, UnreadableError
from tests.live.process import free_port, running, wait_until
from tests.prometheus_tools import tools_of_major
from tests.requirements import require
from tests.stack.load.bench.playing import played


@contextmanager
def prometheus(target: str) -> Iterator[str]:
    """One that scrapes a server four times a second."""
    tools = tools_of_major(3)
    if tools.prometheus is None:
        require("prom3", "promtool 3.x has no Prometheus beside it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prometheus.yaml"
        job = {"job_name": "inn", "static_configs": [{"targets": [target]}]}
        path.write_text(yaml.safe_dump({"global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"}, "scrape_configs": [job]}))  # fmt: skip
        url = f"http://127.0.0.1:{free_port()}"
        command = [str(tools.prometheus), f"--config.file={path}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={urlsplit(url).netloc}"]  # fmt: skip
        with running(command, ready_url=f"{url}/-/ready", within=30, log=Path(folder) / "log"):
            yield url


@pytest.mark.promtool
def test_counts_are_of_the_run() -> None:
    """Of each of two runs its own four requests, as its scrapes before and after have them."""
    load = Synthetic(concurrency=2, total=4, prompt_tokens="const:20", answer_tokens="const:5")
    with played() as server, prometheus(urlsplit(server.url).netloc) as url:
        asked = Asked(
            load,
            [Server("one", "openai-chat", server.url)],
            {"log_every": 0.0},
            rounds=2,
            prometheus=url,
        )
        # Until it has been scraped there is nothing to know it by.
        source = Prometheus(url, f'instance="{urlsplit(server.url).netloc}"')
        wait_until(
            lambda: bool(source.look(["vllm:num_requests_running"]).samples),
            within=30,
            what="the server has been scraped",
        )
        found = measure_rounds(asked, lambda _: None, lambda *_: None)
    read = [run["server_side"] for run in found["runs"]]

    assert [("vllm", 4.0, [])] * 2 == [(own["engine"], own["latency"]["e2e"]["count"], own["problems"]) for own in read]  # fmt: skip
    assert all(url in own["read_from"] for own in read)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "inn", "http://[", "ftp://inn"])
def test_what_cannot_be_read_is_told(url: str) -> None:
    """With its address; a slip of the pen is no crash."""
    for source in (Pages([url]), Prometheus(url, 'a="b"')):
        with pytest.raises(UnreadableError) as error:
            source.look(["up"])

        assert str(error.value).startswith(url)
