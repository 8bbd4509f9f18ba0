"""What is decided about a program, on a clock of our own: tables, and what holds in every history."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.watchdog.lifecycle import (
    Action,
    Answer,
    Checked,
    End,
    Event,
    Gone,
    Phase,
    Policy,
    Reason,
    State,
    Tick,
    counts,
    is_up,
    next_moment,
    step,
)

POLICY = Policy(
    has_health=True,
    failures=3,
    hang_seconds=120,
    start_grace_seconds=50,
    backoff_seconds=1,
    longest_backoff_seconds=60,
    stable_seconds=300,
    max_restarts=10,
    window_seconds=3600,
)
EXITS_ONLY = replace(POLICY, has_health=False)
HEALTHY, BAD, SILENT = (Checked(answer) for answer in (Answer.HEALTHY, Answer.BAD, Answer.SILENT))
GONE, TICK, END = Gone(), Tick(), End()


def played(
    policy: Policy, *history: tuple[float, Event], state: State | None = None
) -> tuple[State, list[tuple[float, Action]]]:
    """Return where a history leads, and what was to be done when."""
    state = state or State()
    done: list[tuple[float, Action]] = []
    for now, event in history:
        state, action = step(policy, state, now, event)
        if action is not Action.NOTHING:
            done.append((now, action))
    return state, done


START, STOP, GIVE_UP = Action.START, Action.STOP, Action.GIVE_UP


@pytest.mark.parametrize(
    ("policy", "history", "done", "phase", "reason"),
    [
        pytest.param(POLICY, [(0, TICK)], [(0, START)], Phase.RUNNING, None, id="starts at once"),
        pytest.param(POLICY, [(0, TICK), (1, TICK)], [(0, START)], Phase.RUNNING, None, id="starts once"),
        pytest.param(EXITS_ONLY, [(0, TICK), (7, GONE), (7.9, TICK)], [(0, START)], Phase.WAITING, Reason.EXIT, id="waits a second after an exit"),
        pytest.param(EXITS_ONLY, [(0, TICK), (7, GONE), (8, TICK)], [(0, START), (8, START)], Phase.RUNNING, None, id="then starts again"),
        pytest.param(EXITS_ONLY, [(0, TICK), (7, Gone(has_run=False))], [(0, START)], Phase.WAITING, Reason.START, id="could not be started"),
        pytest.param(EXITS_ONLY, [(0, TICK), (9999, TICK)], [(0, START)], Phase.RUNNING, None, id="without a check it never hangs"),
        pytest.param(POLICY, [(0, TICK), (1, BAD), (2, BAD), (3, BAD), (4, BAD)], [(0, START)], Phase.RUNNING, None, id="bad answers while it starts do not count"),
        pytest.param(POLICY, [(0, TICK), (51, BAD), (52, BAD)], [(0, START)], Phase.RUNNING, None, id="two bad answers are not three"),
        pytest.param(POLICY, [(0, TICK), (51, BAD), (52, BAD), (53, BAD)], [(0, START), (53, STOP)], Phase.STOPPING, Reason.UNHEALTHY, id="three are"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), (2, BAD), (3, BAD), (4, BAD)], [(0, START), (4, STOP)], Phase.STOPPING, Reason.UNHEALTHY, id="a healthy answer ends the grace"),
        pytest.param(POLICY, [(0, TICK), (51, BAD), (52, BAD), (53, HEALTHY), (54, BAD)], [(0, START)], Phase.RUNNING, None, id="a healthy answer breaks the row"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), *[(2 + n, SILENT) for n in range(100)]], [(0, START)], Phase.RUNNING, None, id="a busy engine is silent for 100 s"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), (120, SILENT)], [(0, START)], Phase.RUNNING, None, id="just under 120 s of silence"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), (121, TICK)], [(0, START), (121, STOP)], Phase.STOPPING, Reason.HANG, id="120 s without a healthy answer"),
        pytest.param(POLICY, [(0, TICK), (169, TICK)], [(0, START)], Phase.RUNNING, None, id="never healthy, within grace and patience"),
        pytest.param(POLICY, [(0, TICK), (170, TICK)], [(0, START), (170, STOP)], Phase.STOPPING, Reason.HANG, id="never healthy, past both"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), (121, TICK), (122, TICK), (500, HEALTHY)], [(0, START), (121, STOP)], Phase.STOPPING, Reason.HANG, id="stops once, and nothing calls it back"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), (121, TICK), (151, GONE), (152, TICK)], [(0, START), (121, STOP), (152, START)], Phase.RUNNING, None, id="starts when all of it has gone"),
        pytest.param(POLICY, [(0, TICK), (3, END)], [(0, START), (3, STOP)], Phase.STOPPING, None, id="is stopped at the end"),
        pytest.param(POLICY, [(0, TICK), (3, END), (4, GONE), (99, TICK)], [(0, START), (3, STOP)], Phase.ENDED, None, id="and not started again"),
        pytest.param(POLICY, [(0, TICK), (3, GONE), (3.5, END), (99, TICK)], [(0, START)], Phase.ENDED, Reason.EXIT, id="ends while it waits"),
        pytest.param(POLICY, [(0, TICK), (1, HEALTHY), (121, TICK), (122, END), (123, GONE), (999, TICK)], [(0, START), (121, STOP)], Phase.ENDED, Reason.HANG, id="ends while it is stopped"),
        pytest.param(POLICY, [(0, TICK), (1, GONE), (1.1, HEALTHY), (1.2, GONE)], [(0, START)], Phase.WAITING, Reason.EXIT, id="what comes late changes nothing"),
    ],
)  # fmt: skip
def test_decisions(
    policy: Policy,
    history: list[tuple[float, Event]],
    done: list[tuple[float, Action]],
    phase: Phase,
    reason: Reason | None,
) -> None:
    """A history leads to what its name says."""
    state, found = played(policy, *history)

    assert done == found
    assert (phase, reason) == (state.phase, state.reason)


def crashed(
    policy: Policy, times: int, *, runs_for: float = 0.0, answers: bool = False
) -> tuple[State, list[float]]:
    """Crash again and again, and return the pauses."""
    state, now, pauses = State(), 0.0, []
    for _ in range(times):
        state, _ = step(policy, state, now, TICK)
        if answers:
            state, _ = step(policy, state, now, HEALTHY)
            state, _ = step(policy, state, now + runs_for, HEALTHY)
        now += runs_for
        state, _ = step(policy, state, now, GONE)
        if state.is_over:
            break
        pauses.append(state.due - now)
        now = state.due
    return state, pauses


def test_backoff_doubles_up_to_a_minute() -> None:
    """One second, two, four, and never more than sixty."""
    _, pauses = crashed(replace(EXITS_ONLY, max_restarts=99), 9)

    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == pauses


@pytest.mark.parametrize(
    ("policy", "runs_for", "answers", "expected"),
    [
        (EXITS_ONLY, 299, False, [1, 2, 4]),
        (EXITS_ONLY, 300, False, [1, 1, 1]),
        # Where it is checked, running is not enough: it must have answered well.
        (POLICY, 300, False, [1, 2, 4]),
        (POLICY, 300, True, [1, 1, 1]),
    ],
)
def test_backoff_begins_again_after_a_stable_time(
    policy: Policy, runs_for: float, answers: bool, expected: list[float]
) -> None:
    """Five minutes of being well, and the next pause is the shortest."""
    assert expected == crashed(policy, 3, runs_for=runs_for, answers=answers)[1]


def test_a_hang_is_no_stable_time() -> None:
    """A program that answered well once, and hung and was stopped for ten minutes, was not stable."""
    begun = ((0, TICK), (1, GONE), (2, TICK), (3, HEALTHY))
    state, _ = played(POLICY, *begun, (123, TICK), (603, GONE))

    assert (605, Reason.HANG) == (state.due, state.reason)


def test_a_restart_leaves_the_window_at_its_end() -> None:
    """One restart in ten seconds may fail; the second, ten seconds later, is one again."""
    policy = replace(EXITS_ONLY, max_restarts=1, window_seconds=10)
    kept, _ = played(policy, (0, TICK), (1, GONE), (2, TICK), (12, GONE))
    lost, _ = played(policy, (0, TICK), (1, GONE), (2, TICK), (11.9, GONE))

    assert (Phase.WAITING, Phase.GIVEN_UP) == (kept.phase, lost.phase)


def test_it_gives_up_after_the_stated_number() -> None:
    """Ten restarts are tried; when the last of them fails, there is no eleventh."""
    state, pauses = crashed(EXITS_ONLY, 99)

    assert (Phase.GIVEN_UP, 10) == (state.phase, len(pauses))


def test_old_restarts_are_forgotten() -> None:
    """Who crashes less often than ten times an hour is started for ever."""
    state, pauses = crashed(EXITS_ONLY, 50, runs_for=400)

    assert (Phase.WAITING, 50) == (state.phase, len(pauses))


@pytest.mark.parametrize(
    ("policy", "history", "up"),
    [
        (EXITS_ONLY, [], False),
        (EXITS_ONLY, [(0.0, TICK)], True),
        (EXITS_ONLY, [(0.0, TICK), (1.0, GONE)], False),
        (POLICY, [(0.0, TICK)], False),
        (POLICY, [(0.0, TICK), (1.0, HEALTHY)], True),
        (POLICY, [(0.0, TICK), (1.0, HEALTHY), (2.0, SILENT)], False),
        (POLICY, [(0.0, TICK), (1.0, HEALTHY), (121.0, TICK)], False),
    ],
)
def test_up(policy: Policy, history: list[tuple[float, Event]], up: bool) -> None:
    """It runs and, where it is checked, answered the last check well."""
    assert up is is_up(policy, played(policy, *history)[0])


def test_checks_of_a_start_are_not_held_against_it() -> None:
    """Until its grace is over, or it has answered well once."""
    starting, _ = played(POLICY, (0, TICK))
    serving, _ = played(POLICY, (0, TICK), (1, HEALTHY))

    assert [False, True] == [counts(POLICY, starting, now) for now in (49.9, 50)]
    assert counts(POLICY, serving, 2)


@pytest.mark.parametrize(
    ("policy", "history", "moment"),
    [
        (POLICY, [], 0.0),
        (POLICY, [(0.0, TICK)], 170.0),
        (POLICY, [(0.0, TICK), (5.0, HEALTHY)], 125.0),
        (POLICY, [(0.0, TICK), (5.0, GONE)], 6.0),
        (POLICY, [(0.0, TICK), (5.0, END)], None),
        (EXITS_ONLY, [(0.0, TICK)], None),
    ],
)
def test_when_to_look_again(
    policy: Policy, history: list[tuple[float, Event]], moment: float | None
) -> None:
    """At the next start, or when it would hang; else only an event changes anything."""
    assert moment == next_moment(policy, played(policy, *history)[0])


# --- every history --------------------------------------------------------------------------------


@dataclass
class World:
    """Processes as they really are: a start makes one, and it lives until it is gone."""

    live: int = 0
    starts: int = 0
    restarts: tuple[float, ...] = ()


POLICIES = st.builds(
    Policy,
    has_health=st.booleans(),
    failures=st.integers(1, 4),
    hang_seconds=st.integers(1, 30),
    start_grace_seconds=st.integers(0, 30),
    backoff_seconds=st.integers(1, 4),
    longest_backoff_seconds=st.integers(4, 20),
    stable_seconds=st.integers(0, 40),
    max_restarts=st.integers(1, 5),
    window_seconds=st.integers(10, 200),
)
WHAT_HAPPENS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from([TICK, TICK, HEALTHY, BAD, SILENT, GONE, GONE, Gone(has_run=False)]),
    ),
    max_size=60,
)


@given(POLICIES, WHAT_HAPPENS, st.booleans())
def test_every_history(
    policy: Policy, happens: list[tuple[int, Event]], is_asked_to_end: bool
) -> None:
    """Never two live processes; pauses within bounds; given up only after the stated number."""
    state, world, now = State(), World(), 0.0
    for passed, event in [*happens, *([(1, END)] if is_asked_to_end else [])]:
        now += passed
        if isinstance(event, Gone):
            if not world.live:
                continue
            world.live = 0
        before = state
        state, action = step(policy, state, now, event)
        if action is Action.START:
            world.live, world.starts = world.live + 1, world.starts + 1
            if world.starts > 1:
                world.restarts = (*world.restarts, now)
        recent = [moment for moment in world.restarts if now - moment < policy.window_seconds]

        assert world.live <= 1
        assert (action is Action.STOP) <= (world.live == 1)
        assert (state.phase in (Phase.RUNNING, Phase.STOPPING)) == (world.live == 1)
        assert (action is Action.GIVE_UP) <= (len(recent) >= policy.max_restarts)
        assert len(recent) <= policy.max_restarts
        if state.phase is Phase.WAITING and before.phase is not Phase.WAITING:
            pause = state.due - now
            assert policy.backoff_seconds <= pause <= policy.longest_backoff_seconds
    if is_asked_to_end:
        state, action = step(policy, state, now + 1, GONE)

        assert (True, Action.NOTHING) == (state.is_over, action)
