"""What options say of servers, and where their counts are looked for."""

from __future__ import annotations

import pytest

from llmstack.errors import ConfigurationError
from llmstack.load.bench.servers import Server, read_servers


def where(server: Server, prometheus: str | None = None) -> list[str]:
    return [str(source) for source in server.sources(prometheus, verifies=True)]


def test_options_belong_to_servers_by_name() -> None:
    """Pages and GPUs may be named again and again."""
    found = read_servers(
        ["inn=openai-chat@http://inn:8000", "barn=triton-generate@http://barn:8001"],
        ["inn=http://inn:1/metrics", "inn=http://inn:2/metrics"],
        ["inn=0,1", "inn=3", "barn=all"],
        ["barn=vllm_model"],
    )

    assert (
        Server("inn", "openai-chat", "http://inn:8000", ("http://inn:1/metrics", "http://inn:2/metrics"), frozenset("013")),
        Server("barn", "triton-generate", "http://barn:8001", (), frozenset(), "vllm_model"),
    ) == found  # fmt: skip
    assert ["http://inn:1/metrics, http://inn:2/metrics"] == where(found[0])


@pytest.mark.parametrize(
    ("server", "pages"),
    [
        (Server("inn", "openai-chat", "http://inn:8000"), ["http://inn:8000/metrics", "http://inn:8000/prometheus/metrics"]),
        (Server("inn", "openai-chat", "https://inn/v1/"), ["https://inn/metrics", "https://inn/prometheus/metrics"]),
        (Server("inn", "openai-completions", "https://all/inn/v1"), ["https://all/inn/metrics", "https://all/inn/prometheus/metrics", "https://all/metrics", "https://all/prometheus/metrics"]),
        (Server("inn", "triton-infer", "http://inn:8000"), ["http://inn:8002/metrics", "http://inn:8000/metrics"]),
        (Server("inn", "triton-infer", "http://[::1]:8000"), ["http://[::1]:8002/metrics", "http://[::1]:8000/metrics"]),
    ],
)  # fmt: skip
def test_pages_are_looked_for_where_a_kind_has_them(server: Server, pages: list[str]) -> None:
    """Of Triton on a port of its own; a path before /v1 belongs to the server."""
    assert pages == where(server)


def test_a_prometheus_is_asked_for_one_server() -> None:
    """By the address of its page, or by what one says."""
    plain = Server("inn", "triton-infer", "http://inn:8000")
    named = Server("inn", "openai-chat", "http://inn:8000", ('{pod="inn-0"}',))

    assert ['http://p:9090 {instance="inn:8002"}'] == where(plain, "http://p:9090")
    assert ['http://p:9090 {pod="inn-0"}'] == where(named, "http://p:9090")


@pytest.mark.parametrize(
    ("servers", "metrics", "gpus", "told"),
    [
        (["inn"], [], [], "--server 'inn': expected NAME=API@URL with one of openai-chat, openai-completions, triton-generate, triton-infer, triton-tokens"),
        (["a=b@http://inn"], [], [], "--server 'a=b@http://inn': expected NAME=API@URL with one of openai-chat, openai-completions, triton-generate, triton-infer, triton-tokens"),
        (["=openai-chat@http://inn"], [], [], "--server '=openai-chat@http://inn': expected NAME=API@URL with one of openai-chat, openai-completions, triton-generate, triton-infer, triton-tokens"),
        (["a=openai-chat@"], [], [], "--server 'a=openai-chat@': expected NAME=API@URL with one of openai-chat, openai-completions, triton-generate, triton-infer, triton-tokens"),
        (["a=openai-chat@u", "a=openai-chat@v"], [], [], "--server: expected names of their own, got a, a"),
        (["a/b=openai-chat@u"], [], [], "--server: expected names of their own, got a/b"),
        (["inn=openai-chat@u"], ["in=x"], [], "--metrics 'in=x': expected one of inn (the nearest is inn)"),
        (["inn=openai-chat@u"], ["inn"], [], "--metrics 'inn': expected NAME=URL"),
        (["inn=openai-chat@u"], [], ["inn="], "--gpus 'inn=': expected NAME=0,1"),
    ],
)  # fmt: skip
def test_what_says_nothing_is_told(
    servers: list[str], metrics: list[str], gpus: list[str], told: str
) -> None:
    """With what could stand there."""
    with pytest.raises(ConfigurationError) as error:
        read_servers(servers, metrics, gpus)

    assert told == str(error.value)
