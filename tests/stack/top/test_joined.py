"""Rows of one server that is read as two kinds of server, and of one that rules have recorded."""

from __future__ import annotations

from llmstack.top.figures import Figure, Role, Row
from llmstack.top.joined import joined, without_recorded


def row(source: str, model: str, role: Role = Role.ENGINE, **figures: float) -> Row:
    return Row(source, role, model, {Figure[name]: value for name, value in figures.items()})


def test_a_backend_has_what_its_server_tells() -> None:
    """Its own figures first; models that no backend tells of stay with the server."""
    found = joined(
        [
            row("triton-vllm", "m", TTFT=1, TOKENS=5),
            row("triton", "m", TTFT=2, WAITING=3),
            row("triton", "other", WAITING=4),
        ]
    )

    assert [row("triton-vllm", "m", TTFT=1, WAITING=3, TOKENS=5), row("triton", "other", WAITING=4)] == found  # fmt: skip


def test_one_name_has_one_row() -> None:
    """Of a server that is read under two prefixes the first tells a figure."""
    found = joined([row("vllm", "m", RUNNING=1), row("vllm", "m", RUNNING=9, WAITING=2)])

    assert [row("vllm", "m", RUNNING=1, WAITING=2)] == found


def test_what_a_server_tells_is_recorded_with_its_backend() -> None:
    """So it is not shown a second time."""
    read = [row("triton", "m"), row("triton", "other")]

    assert [row("triton", "other")] == without_recorded(read, [row("triton-trtllm", "m")])


def test_a_pack_may_call_a_source_as_it_likes() -> None:
    """Then the same model in the same role is the same server."""
    read = [row("vllm", "m"), row("vllm", "other"), row("gateway", "m", Role.GATEWAY)]

    assert [row("vllm", "other"), row("gateway", "m", Role.GATEWAY)] == without_recorded(read, [row("my-inn", "m")])  # fmt: skip
    assert read == without_recorded(read, [row("sglang", "m")])
