"""An engine in virtual time: what it promises whatever the traffic, and what vLLM's does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.errors import RequestError
from llmstack.simulator.conditions import Conditions
from llmstack.simulator.engine import Engine
from llmstack.simulator.play import play
from llmstack.simulator.presets import PRESETS, Preset
from llmstack.simulator.rates import unloaded_first_token
from llmstack.simulator.request import Request
from llmstack.simulator.step import Step
from tests.stack.simulator.traffic import RATES, engine, poisson


def told(steps: Sequence[Step]) -> list[str]:
    """All that came out, as text."""
    return [
        f"{step.number} {step.began!r} {step.ends!r} {step.prefilled} {step.decoded} "
        f"{[r.id for r in step.written]} {[r.id for r in step.preempted]} {sorted(step.gaps.items())}"
        for step in steps
    ]


# --- an idle engine -------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: str(preset.name))
@pytest.mark.parametrize("tokens", [1, 1024, 4000])
def test_an_idle_engine_writes_its_first_token_when_the_preset_says(
    preset: Preset, tokens: int
) -> None:
    """TTFT without load is the preset's, and so is the time between two tokens."""
    played = Engine(preset.rates, preset.limits)
    request = Request(1, tokens, 3, 5.0)
    steps = list(play(played, [request]))
    promised = unloaded_first_token(preset.rates, preset.limits, tokens)

    assert request.first_token is not None
    assert promised == pytest.approx(request.first_token - 5.0, rel=0.01)
    assert [preset.rates.seconds(0, 1)] * 2 == pytest.approx([step.seconds for step in steps[-2:]])


def test_a_long_prompt_is_read_in_parts() -> None:
    """No step computes more tokens than it may, and others are written meanwhile."""
    short, long = Request(1, 10, 20, 0.0), Request(2, 1200, 2, 0.015)
    steps = list(play(engine(batched=512), [short, long]))

    assert [(10, 0), (511, 1), (511, 1), (178, 1), (0, 2)] == [(step.prefilled, step.decoded) for step in steps[:5]]  # fmt: skip


def test_the_batch_has_room_for_so_many() -> None:
    """Others wait until one has ended, in the order in which they came."""
    requests = [Request(number, 10, 5, 0.0) for number in range(5)]
    steps = list(play(engine(sequences=2), requests))
    begun = [request.id for step in steps for request in step.admitted]

    assert 2 == max(step.decoded for step in steps)
    assert [0, 1, 2, 3, 4] == begun


# --- the KV cache ---------------------------------------------------------------------------------


def test_the_newest_is_preempted_and_computed_again() -> None:
    """Where blocks run out the newest gives up its blocks, and begins again once there are some."""
    old, new = Request(1, 100, 100, 0.0), Request(2, 100, 100, 0.001)
    # Room for 20 blocks: both prompts, and not both answers.
    played = engine(blocks=20, remembers=False)
    steps = list(play(played, [old, new]))
    computed = sum(step.prefilled for step in steps)
    (preempted,) = [step for step in steps if step.preempted]
    written_before = sum(new in step.written for step in steps if step.ends <= preempted.began)

    assert (0, 1) == (old.preemptions, new.preemptions)
    assert (100, 100) == (old.generated, new.generated)
    assert 200 + 100 + written_before == computed


def test_what_was_preempted_finds_what_nobody_has_taken() -> None:
    """With a prefix cache it computes less again than without."""
    requests = [[Request(1, 100, 100, 0.0), Request(2, 100, 100, 0.001)] for _ in range(2)]
    computed = [
        sum(step.prefilled for step in play(engine(blocks=20, remembers=remembers), each))
        for remembers, each in zip((False, True), requests, strict=True)
    ]

    assert computed[1] < computed[0]


def test_prompts_that_begin_alike_are_read_once() -> None:
    """Whole blocks are found, and the last token is computed in any case."""
    names = tuple(range(10))
    first, again, longer = (
        Request(1, 160, 2, 0.0, names),
        Request(2, 160, 2, 1.0, names),
        Request(3, 400, 2, 2.0, (*names, *range(50, 65))),
    )
    steps = list(play(engine(), [first, again, longer]))

    assert [0, 144, 160] == [first.cached, again.cached, longer.cached]
    assert 160 + 16 + 240 == sum(step.prefilled for step in steps)


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    """A prompt that came back lately is found, one that did not is gone."""

    def asks(number: int, at: float, name: int) -> Request:
        return Request(number, 65, 1, at, tuple(range(name, name + 4)))

    # Room for two prompts and no more.
    requests = [asks(1, 0, 100), asks(2, 1, 200), asks(3, 2, 100), asks(4, 3, 300), asks(5, 4, 100), asks(6, 5, 200)]  # fmt: skip
    list(play(engine(blocks=11), requests))

    assert [0, 0, 64, 0, 64, 0] == [request.cached for request in requests]


def test_a_request_that_can_never_be_held_is_refused() -> None:
    """It would wait for ever."""
    with pytest.raises(RequestError, match="request 7: 200 tokens with its answer, and the KV cache holds 160"):  # fmt: skip
        engine(blocks=10).submit(Request(7, 100, 100, 0.0))


# --- whatever the traffic -------------------------------------------------------------------------

ASKED = st.lists(
    st.tuples(
        st.integers(1, 300), st.integers(1, 80), st.floats(0, 0.5), st.sampled_from([0, 100, 200])
    ),
    min_size=1,
    max_size=25,
)


@given(ASKED, st.integers(25, 60), st.integers(1, 8), st.booleans(), st.sampled_from([0.0, 0.5, 0.95]))  # fmt: skip
def test_nothing_is_lost(
    asked: list[tuple[int, int, float, int]],
    blocks: int,
    sequences: int,
    remembers: bool,
    withheld: float,
) -> None:
    """Every block is free or held at any time, and every request gets all its tokens, in order."""
    now, requests = 0.0, []
    for number, (prompt, answer, pause, name) in enumerate(asked):
        now += pause
        names = tuple(range(name, name + prompt // 16)) if name else ()
        requests.append(Request(number, prompt, answer, now, names))
    conditions = Conditions(withheld=withheld)
    played = engine(blocks, sequences, 128, lambda _: conditions, remembers=remembers)
    written = dict.fromkeys(range(len(requests)), 0)
    for step in play(played, requests):
        for request in step.written:
            written[request.id] += 1
        held = [block for request in played.batch.requests for block in request.blocks]

        assert played.limits.blocks == len(set(held)) + played.blocks.free
        assert step.prefilled + step.decoded <= 128
        assert len(step.written) == sum(step.gaps.values()) + len(step.first)

    assert {request.id: request.answer_tokens for request in requests} == written
    assert [request.answer_tokens for request in requests] == [request.generated for request in requests]  # fmt: skip
    assert blocks == played.blocks.free
    assert played.is_idle


@pytest.mark.parametrize("rate", [1.0, 4.0])
def test_little_and_the_engine_agree(rate: float) -> None:
    """Requests in the engine are, on average, their rate times the time that they stay."""
    requests = list(poisson(rate, 2000, seed=3))
    played, area, stays = engine(), 0.0, 0.0
    for step in play(played, requests):
        stays += sum(step.ends - request.arrived for request in step.finished)
    moments = [(request.arrived, 1) for request in requests]
    moments += [(request.last_token, -1) for request in requests]
    inside, before = 0, 0.0
    for moment, change in sorted(moments):
        area += inside * (moment - before)
        inside, before = inside + change, moment

    assert stays == pytest.approx(area)
    assert 0 == inside


def test_equal_traffic_is_an_equal_run() -> None:
    """Byte for byte: nothing in it depends on a clock, or on chance of its own."""
    runs = [told(list(play(engine(blocks=150), poisson(5, 60, seed=7)))) for _ in range(2)]

    assert runs[0] == runs[1]
    assert any("[]" not in line.split("] ")[1] for line in runs[0])


def test_who_went_away_gets_nothing_more() -> None:
    """Waiting, being read, being written: blocks come back, and others go on."""
    requests = [Request(number, 100, 50, 0.0) for number in range(4)]
    played = engine(sequences=3, batched=250)
    for request in requests:
        played.submit(request)
    played.advance()
    played.advance()
    for request in (requests[0], requests[2], requests[3]):
        played.abort(request)
    steps = list(play(played, []))

    assert [[requests[1]]] * 49 == [step.written for step in steps]
    assert played.limits.blocks == played.blocks.free


def test_arrivals_while_a_step_is_late_belong_to_the_next() -> None:
    """What comes after a step was due to begin is not in it, although it began later."""
    played = engine()
    played.submit(Request(1, 10, 5, 0.0))
    played.advance()
    first = played.advance()
    assert first is not None
    played.submit(Request(2, 10, 5, first.ends + 0.001))
    played.advance()
    second = played.advance()
    played.advance()
    third = played.advance()
    assert second is not None
    assert third is not None

    assert [0, 10] == [second.prefilled, third.prefilled]


# --- incidents, as the model knows them -------------------------------------------------------------


def test_while_it_hangs_nothing_comes_out() -> None:
    """Requests are taken, and all go on at its end."""
    hangs = Conditions(hangs_until=10.0)
    played = engine(conditions=lambda at: hangs if 1.0 <= at < 10.0 else Conditions())
    steps = list(play(played, [Request(1, 10, 3, 0.0), Request(2, 10, 3, 2.0), Request(3, 10, 3, 3.0)]))  # fmt: skip
    late = [step for step in steps if step.began >= 1]

    assert [10.0, 20, 8.0] == [late[0].began, late[0].prefilled, late[0].stalled]


def test_an_incident_makes_its_part_slower() -> None:
    """Prompts alone, or every step."""

    def seconds_with(conditions: Conditions) -> list[float]:
        played = engine(conditions=lambda _: conditions)
        return [step.seconds for step in play(played, [Request(1, 100, 2, 0.0)])]

    sound, prefill, every = map(seconds_with, (Conditions(), Conditions(prefill=50.0), Conditions(step=5.0)))  # fmt: skip

    assert [RATES.seconds(100, 0), 0.0101] == pytest.approx(sound)
    assert [0.01 + 5.0, 0.0101] == pytest.approx(prefill)
    assert [5 * 0.11, 5 * 0.0101] == pytest.approx(every)


def test_withheld_blocks_preempt() -> None:
    """With most blocks gone requests wait and are preempted, and the cache is nearly full."""
    conditions = Conditions(withheld=0.95)
    played = engine(blocks=400, conditions=lambda at: conditions if at > 5 else Conditions())
    usage, preempted, waiting = 0.0, 0, 0
    for step in play(played, poisson(4, 60, seed=1), until=60):
        usage, preempted = max(usage, played.blocks.usage), preempted + len(step.preempted)
        waiting = max(waiting, played.waiting)

    assert usage > 0.98
    assert preempted > 10
    assert waiting > 10
