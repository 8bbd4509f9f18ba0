"""One picture of the view, in terminals of all sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmstack.top.figures import Problem, Reading, Role, Row
from llmstack.top.frame import frame
from tests.stack.top.made import ALL, READING, view


def shown(reading: Reading = READING, width: int = 80, height: int = 24) -> list[str]:
    return [each.plain.rstrip() for each in frame(view(reading), width, height)]


def test_all_of_it() -> None:
    """From above: what is read, what it comes to, each model, what is wrong, and what signs mean."""
    assert [
        "llmstack top  http://127.0.0.1:9090  every 2 s  rates over 1m of expor… 14:03:22",
        "tokens/s of all engines  12.3k  GPU power 4,321 W, GPUs: 8",
        "",
        "MODEL         SOURCE          TTFT   TPOT     E2E  TOK/S          RUN  WAIT   KV",
        "                               p95    p95     p95",
        "llama-3.1-8b  vllm           242ms 8.90ms   9.75s  12.3k           12     3  93%",
        "ensemble      triton             ·      –  ~1.25s      –            –     0    –",
        "llama-3.1-8b  gateway        3.33s      –       –  12.0k            –     –    –",
        "http://a:8000/metrics: cannot be reached: Connection refused",
        "",
        "– not told   · no traffic   ~ mean, not p95   > beyond all buckets   Ctrl-C ends",
        "vllm: TPOT is the time of a step, of several tokens where it speculates",
        "triton: counts no tokens; TTFT needs histogram_latencies=true",
        "gateway: sees the requests of the engines behind it, from outside",
    ] == shown()


@pytest.mark.parametrize("height", range(1, 40))
@pytest.mark.parametrize("width", [1, 20, 46, 80, 200])
def test_it_fits(width: int, height: int) -> None:
    """Into every terminal, with as many models and problems as there may be."""
    models = tuple(replace(ALL, model=f"m{number}") for number in range(12))
    troubles = tuple(Problem(f"http://{number}", "down") for number in range(9))
    lines = frame(view(replace(READING, rows=models, problems=troubles)), width, height)

    assert len(lines) <= height
    assert all(each.cell_len <= width for each in lines)


def test_what_has_no_room_is_counted() -> None:
    """Notes go first; rows that are left out are told of, and so are servers with problems."""
    models = tuple(replace(ALL, model=f"m{number:02}") for number in range(30))
    troubles = tuple(Problem(f"http://{number}", "down") for number in range(9))
    lines = shown(replace(READING, rows=models, problems=troubles), height=20)

    assert 20 == len(lines)
    assert "… 18 more: a taller terminal or --model shows them" in lines
    assert 12 == sum(each.startswith("m") for each in lines)
    assert ["http://0: down", "http://1: down", "7 more servers have problems"] == lines[-3:]


def test_names_of_servers_cannot_move_the_cursor() -> None:
    """A model may be called anything."""
    row = Row("vllm", Role.ENGINE, "a\x1b[2J\nb\tc", {})
    lines = frame(view(Reading((row,), problems=(Problem("\x1b]0;x", "y\r"),))), 80, 24)

    assert all(each.plain.isprintable() for each in lines)


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (Reading(), "no server that is known is here"),
        (Reading(problems=READING.problems), "nothing could be read"),
    ],
)
def test_nothing(reading: Reading, told: str) -> None:
    """It is told whether that is because nobody answers."""
    lines = shown(reading)

    assert told in lines
    assert "tokens/s of all engines      –  GPU power –" in lines


def test_the_first_scrape_has_no_rates() -> None:
    """Which is said, so that nobody takes what is missing for what is not told."""
    assert shown(replace(READING, is_first=True))[1].endswith("rates follow")
