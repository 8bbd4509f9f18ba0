"""What of a trace is replayed, when, and in what length."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest

from llmstack.errors import SettingsError
from llmstack.load.demand import demand
from llmstack.load.planned import Planned
from llmstack.load.traces.plan import Empty, Selection, TracePlan
from llmstack.load.traces.rows import Trace, open_trace
from tests.stack.load.traces import files
from tests.stack.load.traces.published import published

#: Seconds, tokens of prompt and answer.
ROWS = ((0, 100, 10), (1.5, 200, 20), (2, 0, 30), (4, 400, 0), (7, 500, 50))


def trace(rows: tuple[tuple[float, int, int], ...] = ROWS) -> Trace:
    lines = "".join(f"{at},{prompt},{answer}\n" for at, prompt, answer in rows)
    return Trace(Path("trace"), lambda: [b"at,prompt_tokens,answer_tokens\n", lines.encode()])


def planned(selection: Selection, found: Trace | None = None) -> list[tuple[float, int, int]]:
    plan = TracePlan(found or trace(), selection)
    return [(each.at, each.prompt_tokens, each.answer_tokens) for each in plan]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), [(0, 100, 10), (1.5, 200, 20), (7, 500, 50)]),
        (Selection(speedup=10), [(0, 100, 10), (0.15, 200, 20), (0.7, 500, 50)]),
        (Selection(start=1, speedup=2), [(0.25, 200, 20), (3, 500, 50)]),
        (Selection(start=1.5, end=7), [(0, 200, 20)]),
        (Selection(limit=2), [(0, 100, 10), (1.5, 200, 20)]),
        (Selection(limit=1, start=1), [(0.5, 200, 20)]),
        (Selection(model_length=215), [(0, 100, 10), (1.5, 195, 20), (7, 165, 50)]),
        (Selection(model_length=11), [(0, 1, 10), (1.5, 1, 10), (7, 1, 10)]),
        (
            Selection(empty=Empty.ONE_TOKEN),
            [(0, 100, 10), (1.5, 200, 20), (2, 1, 30), (4, 400, 1), (7, 500, 50)],
        ),
    ],
)
def test_a_selection(selection: Selection, expected: list[tuple[float, int, int]]) -> None:
    """Its seconds count from its start, at its speed; rows without tokens are left out."""
    assert expected == planned(selection)


def test_a_share_is_kept_and_windows_do_not_change_which() -> None:
    """By the seed; the same rows each time."""
    many = trace(tuple((at, at + 1, 1) for at in range(2000)))
    kept = planned(Selection(share=0.25), many)
    window = planned(Selection(share=0.25, start=1000), many)

    assert 440 < len(kept) < 560
    assert [prompt for at, prompt, _ in kept if at >= 1000] == [prompt for _, prompt, _ in window]
    assert kept == planned(Selection(share=0.25), many)
    assert kept != planned(Selection(share=0.25, seed=1), many)


def test_what_prompts_share_is_planned(tmp_path: Path) -> None:
    """The blocks of a prompt, and no more tokens of them than it has."""
    path = files.objects(tmp_path / "trace.jsonl", files.MOONCAKE)
    first, second = TracePlan(open_trace(path))

    assert Planned(0.0, 1100, 52, "", "512:46-47 2353", 1100) == first
    assert Planned(3.053, 1030, 26, "", "512:46-48", 1030) == second


def test_a_clipped_prompt_shares_no_more_than_it_has(tmp_path: Path) -> None:
    """And its kind is kept."""
    path = files.objects(tmp_path / "trace.jsonl", files.BAILIAN)
    first, _ = TracePlan(open_trace(path), Selection(model_length=33))

    assert Planned(0.0, 20, 13, "text", "16:1089-1091", 20) == first


def test_reading_ends_with_the_window() -> None:
    """A minute of a week is planned without reading the week."""

    def read() -> Iterator[bytes]:
        yield b"at,prompt_tokens,answer_tokens\n0,1,1\n"
        yield b"60,1,1\n"
        raise AssertionError("the rest is read")

    assert [(0, 1, 1)] == planned(Selection(end=60), Trace(Path("trace"), read))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"speedup": 0}, "speedup: expected a number above 0, got 0"),
        ({"speedup": inf}, "speedup: expected a number above 0, got inf"),
        ({"start": -1}, "from: expected seconds from 0, got -1"),
        ({"start": 5, "end": 5}, "to: expected seconds above 5, got 5"),
        ({"share": 0}, "share: expected a number above 0, to 1, got 0"),
        ({"limit": 0}, "limit: expected a number from 1, got 0"),
        ({"model_length": 1}, "max-model-len: expected tokens from 2, got 1"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(wrong: dict[str, float], told: str) -> None:
    """By the option's name, with what was expected."""
    with pytest.raises(SettingsError) as raised:
        Selection(**wrong)  # type: ignore[arg-type]

    assert told == str(raised.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """A line for each."""
    with pytest.raises(SettingsError) as raised:
        Selection(speedup=-1, share=2)

    assert 2 == len(str(raised.value).splitlines())


def test_a_plan_says_what_it_asks_for() -> None:
    """The same as when it is gone through."""
    plan = TracePlan(trace(), Selection(speedup=2, model_length=300))

    assert demand(plan) == plan.demand()


def test_the_published_conversations_ask_for_what_is_known_of_them() -> None:
    """At ten times their speed: 55 requests and 12 thousand tokens of answers a second."""
    path = published("AzureLLMInferenceTrace_conv.csv")
    plan = TracePlan(open_trace(path, uses_cache=False), Selection(speedup=10))
    found = plan.demand()

    assert 19366 == found.requests
    assert pytest.approx(55.3, abs=0.1) == found.mean(found.requests)
    assert pytest.approx(11_700, abs=100) == found.mean(found.answer_tokens)
    assert 19_000 < found.most_answer_tokens < 23_000
