"""Whole frames: one as it is seen, and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment

from llmstack.load.view.layout import Sizes
from llmstack.load.view.progress import Progress
from llmstack.load.view.snapshot import Snapshot
from llmstack.terminal.intensity import LEVELS
from tests.stack.load.view.made import lines, snapshot, text

GOLDEN = Path(__file__).parent / "frame.txt"
README = Path(__file__).resolve().parents[4] / "README.md"


def test_a_frame_is_as_it_was() -> None:
    """Of 80 cells by 24 lines; where it is to be another, frame.txt is written anew."""
    assert GOLDEN.read_text() == "\n".join(text(snapshot(), 80, 24)) + "\n"


def test_the_readme_shows_a_frame() -> None:
    """It is the same one, so it cannot grow old."""
    assert f"```text\n{GOLDEN.read_text()}```\n" in README.read_text()


SIZES = st.builds(
    Sizes,
    plot_window=st.floats(1, 10_000),
    plot_rows=st.none() | st.integers(1, 60),
    plot_height=st.none() | st.integers(2, 40),
    spark_width=st.integers(0, 100),
    y_width=st.integers(4, 20),
)


@given(st.integers(1, 260), st.integers(8, 80), SIZES, st.integers(0, 130))
@settings(deadline=None, max_examples=60)
def test_every_frame_fits(width: int, height: int, sizes: Sizes, seconds: int) -> None:
    """No more lines than the terminal has; those of charts and strips are as wide as they should."""
    found = lines(snapshot(seconds), width, height, sizes)

    assert len(found) <= height
    axes = [line for line in found if "┤" in "".join(segment.text for segment in line)]
    assert {Segment.get_line_length(line) for line in axes} <= {width // n * n for n in range(1, 5)}


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_nothing_moves_from_frame_to_frame(width: int, height: int) -> None:
    """Axes, heads and the bar stand where they stood, in the first second and in the last."""
    frames = [text(snapshot(seconds), width, height) for seconds in (0, 1, 7, 60, 120)]

    def axes(frame: list[str]) -> list[list[int]]:
        return [[at for at, cell in enumerate(line) if cell in "│┤└"] for line in frame]

    assert [axes(frames[-1])] * len(frames) == [axes(frame) for frame in frames]
    assert 1 == len({tuple(line for line in frame if " TTFT " in line and "TX" in line) for frame in frames})  # fmt: skip
    assert 1 == len({tuple(line.count("█") + line.count("░") for line in frame[2:3]) for frame in frames})  # fmt: skip


def row(shown: Snapshot, holds: str, width: int = 80) -> str:
    (only,) = [line for line in text(shown, width, 24) if holds in line]
    return only


def test_the_title_says_what_is_asked_and_how() -> None:
    """Model, address, kind of loop and how long it has run."""
    told = row(snapshot(), "llmstack")

    assert ["llmstack", "llama-3.1-8b", "http://127.0.0.1:8000", "open loop", "0:02:00"] == [part.strip() for part in told.replace("llmstack ", "llmstack  ").split("  ") if part]  # fmt: skip


def test_what_is_too_long_is_cut() -> None:
    """The run time stays at the right."""
    many = tuple(f"http://inn-{number}:8000" for number in range(9))
    told = row(replace(snapshot(), urls=many), "llmstack")

    assert (80, True, True) == (len(told), "…  open loop" in told, told.endswith("0:02:00"))


@pytest.mark.parametrize(
    ("progress", "is_warming_up", "told"),
    [
        (Progress(0.25, 90.0, "so far"), False, " 25.0%  so far  ETA 0:01:30"),
        (Progress(0.25, 90.0, "so far"), True, " 25.0%  so far  ETA 0:01:30 warm-up"),
        (Progress(0.0, None, "so far"), False, "  0.0%  so far  ETA –"),
        (Progress(1.0, 0.0, "so far"), False, "100.0%  so far  waits for 110"),
        (None, False, "no end is set; Ctrl-C ends it"),
    ],
)
def test_progress_says_how_long_it_takes(
    progress: Progress | None, is_warming_up: bool, told: str
) -> None:
    """Behind a bar, until all is sent; then how many answers are still to come."""
    shown = replace(snapshot(), progress=progress, is_warming_up=is_warming_up)

    assert text(shown, 80, 24)[2].endswith(told)


def test_the_bar_is_as_long_as_the_share() -> None:
    """Full at the end, and empty at the begin."""
    bars = []
    for share in (0.0, 0.5, 1.0):
        bar = text(replace(snapshot(), progress=Progress(share, 9.0, "so far")), 80, 24)[2]
        bars.append((bar.count("█"), bar.count("░")))
    length = sum(bars[0])

    half = round(length / 2)

    assert length > 20
    assert [(0, length), (half, length - half), (length, 0)] == bars


def test_failures_are_told_by_kind() -> None:
    """The most frequent first, and what the last one was."""
    failures = (("timeout", 30), ("connection refused", 4))
    shown = replace(snapshot(), failed=34, failures=failures, last_failure="111: refused")

    assert row(shown, "answered 4", 120).endswith("failed 34  timeout 30, connection refused 4  111: refused")  # fmt: skip


def test_bytes_have_the_colours_of_their_strips() -> None:
    """TX and RX in strips, from little to much, as the legend has them."""
    (strips,) = [line for line in lines(snapshot(), 80, 24) if line[0].text.startswith("TX")]
    blocks = {segment.style for segment in strips if set(segment.text) <= set("▁▂▃▄▅▆▇█")}

    assert blocks
    assert blocks <= set(LEVELS)
