"""A run whose figures are written down, as it is seen in a terminal."""

from __future__ import annotations

from dataclasses import replace
from math import sin

from llmstack.load.seconds import Second
from llmstack.load.view.frame import frame
from llmstack.load.view.layout import Sizes
from llmstack.load.view.progress import Progress
from llmstack.load.view.readings import Readings, reading
from llmstack.load.view.snapshot import Snapshot
from llmstack.terminal.screen import Line

QUIET = Second(1.0, 1.0, 0, 0, 0, 0, 0, 0, 0, 0, None, None, None, None, None, None)


def second(number: int) -> Second:
    """One of two minutes in which a server is asked more and more, in waves."""
    wave = 1 + 0.4 * sin(number / 9) + 0.05 * sin(number * 7)
    load = (0.3 + number / 170) * wave
    ttft = 0.06 + 0.25 * max(0.0, load - 0.7)
    return Second(
        at=float(number + 1),
        length=1.0,
        sent=round(60 * load),
        answered=round(58 * min(load, 0.9)),
        failed=round(9 * max(0.0, load - 1.0)),
        under_way=round(90 * load),
        prompt_tokens=round(61_000 * min(load, 0.9)),
        answer_tokens=round(12_700 * min(load, 0.9)),
        bytes_sent=round(258_000 * load),
        bytes_received=round(4_700_000 * min(load, 0.9)),
        e2e_p50=2.1,
        e2e_p95=2.4 + ttft,
        e2e_p99=2.9 + 1.3 * ttft,
        ttft_p50=0.05,
        ttft_p95=ttft,
        tpot_p95=0.011 + 0.004 * load,
    )


def snapshot(seconds: int = 120) -> Snapshot:
    kept = Readings(1.0, 120.0, 300)
    told = [second(number) for number in range(seconds)]
    for each in told:
        kept.add(reading(each))
    failed = sum(each.failed for each in told)
    return Snapshot(
        model="llama-3.1-8b",
        urls=("http://127.0.0.1:8000",),
        loop="open loop",
        plan="AzureLLMInferenceTrace_conv.csv at 10 times its speed",
        elapsed=float(seconds),
        progress=Progress(seconds / 350, 350.0 - seconds, "0:02:00 of 0:05:50"),
        is_warming_up=False,
        sent=sum(each.sent for each in told),
        answered=sum(each.answered for each in told),
        failed=failed,
        under_way=told[-1].under_way if told else 0,
        failures=(("timeout", failed),) if failed else (),
        last_failure="600 s" if failed else "",
        readings=kept.last,
        points=kept.points,
    )


def lines(shown: Snapshot, width: int, height: int, sizes: Sizes | None = None) -> list[Line]:
    return [line for piece in frame(shown, width, height, sizes or Sizes()) for line in piece]


def text(shown: Snapshot, width: int, height: int, sizes: Sizes | None = None) -> list[str]:
    """The lines of a frame, without spaces at their ends."""
    found = lines(shown, width, height, sizes)
    return ["".join(segment.text for segment in line)[:width].rstrip() for line in found]


def busy(**facts: int) -> Second:
    return replace(QUIET, **facts)
