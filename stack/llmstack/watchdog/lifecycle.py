"""What to do about one program, given the time and what was seen: pure, so tables test it.

::

    WAITING ──start──▶ RUNNING ──stop──▶ STOPPING
       ▲                  │ gone             │ gone
       └──── back-off ────┴──────────────────┤
                                             ├──▶ GIVEN_UP   too many restarts
                                             └──▶ ENDED      the watchdog ends

Only WAITING starts, and only `Gone` leads out of RUNNING and STOPPING: so a program never runs
twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias


class Phase(Enum):
    """Where a program stands."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    GIVEN_UP = "given up"
    ENDED = "ended"


class Reason(Enum):
    """Why a program is started again; the values are those of the catalogue's label."""

    EXIT = "exit"
    START = "start"
    UNHEALTHY = "unhealthy"
    HANG = "hang"


class Answer(Enum):
    """What a health check came to."""

    HEALTHY = "healthy"
    #: An answer that is none of success, or no connection.
    BAD = "bad"
    #: Nothing within the time of one check: a busy engine is silent too, so silence alone counts
    #: towards a hang and not as one of the failures in a row.
    SILENT = "silent"


@dataclass(frozen=True)
class Policy:
    """How patient the watchdog is; all times in seconds. The numbers are ours but where said."""

    has_health: bool = False
    #: Bad answers in a row, after which a program is stopped.
    failures: int = 3
    #: Without a healthy answer for so long a program hangs (requirement D6).
    hang_seconds: float = 120.0
    #: From a start until bad answers and silence count; engines load weights for minutes. The first
    #: healthy answer ends it.
    start_grace_seconds: float = 300.0
    backoff_seconds: float = 1.0
    longest_backoff_seconds: float = 60.0
    #: A program that was well for so long begins again with the shortest back-off.
    stable_seconds: float = 300.0
    #: More restarts than this within the window, and the watchdog gives up.
    max_restarts: int = 10
    window_seconds: float = 3600.0


@dataclass(frozen=True)
class State:
    """What is remembered of one program; moments are seconds of one clock that never goes back."""

    phase: Phase = Phase.WAITING
    #: When it may start, while it waits.
    due: float = 0.0
    #: The pause before the next restart; 0 stands for the shortest.
    backoff: float = 0.0
    started_at: float = 0.0
    #: Its first healthy answer (its start, where it is not checked); None while it gave none.
    well_since: float | None = None
    last_healthy: float | None = None
    answered_well: bool = False
    failures_in_a_row: int = 0
    #: Why it waits or is being stopped; None before the first start, and while it runs.
    reason: Reason | None = None
    #: When it was started again, within the window.
    restarts: tuple[float, ...] = field(default=())
    is_ending: bool = False

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will be done."""
        return self.phase in (Phase.GIVEN_UP, Phase.ENDED)


# --- what happens ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Checked:
    """A health check of the process that runs now has ended."""

    answer: Answer


@dataclass(frozen=True)
class Gone:
    """The process and all that it started have ended."""

    #: Whether it ever ran; else it could not be started.
    has_run: bool = True


@dataclass(frozen=True)
class End:
    """The watchdog is asked to end."""


Event: TypeAlias = Tick | Checked | Gone | End


class Action(Enum):
    """What the supervisor must do."""

    NOTHING = "nothing"
    START = "start"
    STOP = "stop"
    GIVE_UP = "give up"


def step(policy: Policy, state: State, now: float, event: Event) -> tuple[State, Action]:
    """Return what follows from an event, and what must be done about it."""
    match event:
        case Gone():
            return _gone(policy, state, now, event)
        case End():
            return _end(state)
        case Checked():
            state = _checked(policy, state, now, event.answer)
        case Tick():
            pass
    return _judged(policy, state, now)


def next_moment(policy: Policy, state: State) -> float | None:
    """Return when a `Tick` may change something; None where only an event can."""
    if state.phase is Phase.WAITING:
        return state.due
    if state.phase is Phase.RUNNING and policy.has_health:
        return _hangs_at(policy, state)
    return None


def is_up(policy: Policy, state: State) -> bool:
    """Tell whether a program runs and, where it is checked, answered the last check well."""
    return state.phase is Phase.RUNNING and (state.answered_well or not policy.has_health)


def counts(policy: Policy, state: State, now: float) -> bool:
    """Tell whether a check that fails now is held against the program: not while it starts."""
    is_starting = state.last_healthy is None and now < state.started_at + policy.start_grace_seconds
    return state.phase is Phase.RUNNING and not is_starting


def _checked(policy: Policy, state: State, now: float, answer: Answer) -> State:
    if state.phase is not Phase.RUNNING:
        return state
    if answer is Answer.HEALTHY:
        since = now if state.well_since is None else state.well_since
        return replace(
            state, last_healthy=now, well_since=since, answered_well=True, failures_in_a_row=0
        )
    failed = answer is Answer.BAD and counts(policy, state, now)
    return replace(
        state, answered_well=False, failures_in_a_row=state.failures_in_a_row + int(failed)
    )


def _judged(policy: Policy, state: State, now: float) -> tuple[State, Action]:
    if state.phase is Phase.WAITING and now >= state.due:
        return _started(policy, state, now)
    if state.phase is Phase.RUNNING and policy.has_health:
        if state.failures_in_a_row >= policy.failures:
            return replace(state, phase=Phase.STOPPING, reason=Reason.UNHEALTHY), Action.STOP
        if now >= _hangs_at(policy, state):
            return replace(state, phase=Phase.STOPPING, reason=Reason.HANG), Action.STOP
    return state, Action.NOTHING


def _hangs_at(policy: Policy, state: State) -> float:
    if state.last_healthy is not None:
        return state.last_healthy + policy.hang_seconds
    return state.started_at + policy.start_grace_seconds + policy.hang_seconds


def _started(policy: Policy, state: State, now: float) -> tuple[State, Action]:
    restarts = state.restarts if state.reason is None else (*_recent(policy, state, now), now)
    return (
        replace(
            state,
            phase=Phase.RUNNING,
            started_at=now,
            well_since=None if policy.has_health else now,
            last_healthy=None,
            answered_well=False,
            failures_in_a_row=0,
            reason=None,
            restarts=restarts,
        ),
        Action.START,
    )


def _gone(policy: Policy, state: State, now: float, event: Gone) -> tuple[State, Action]:
    if state.phase not in (Phase.RUNNING, Phase.STOPPING):
        return state, Action.NOTHING
    state = replace(state, answered_well=False)
    if state.is_ending:
        return replace(state, phase=Phase.ENDED), Action.NOTHING
    reason = state.reason or (Reason.EXIT if event.has_run else Reason.START)
    if len(_recent(policy, state, now)) >= policy.max_restarts:
        return replace(state, phase=Phase.GIVEN_UP, reason=reason), Action.GIVE_UP
    well_until = state.last_healthy if policy.has_health else now
    was_stable = (
        state.well_since is not None
        and well_until is not None
        and well_until - state.well_since >= policy.stable_seconds
    )
    pause = policy.backoff_seconds if was_stable or not state.backoff else state.backoff
    waiting = replace(
        state,
        phase=Phase.WAITING,
        due=now + pause,
        backoff=min(2 * pause, policy.longest_backoff_seconds),
        reason=reason,
    )
    return waiting, Action.NOTHING


def _end(state: State) -> tuple[State, Action]:
    if state.phase is Phase.RUNNING:
        return replace(state, phase=Phase.STOPPING, is_ending=True), Action.STOP
    if state.phase is Phase.STOPPING:
        return replace(state, is_ending=True), Action.NOTHING
    return replace(state, phase=Phase.ENDED, is_ending=True), Action.NOTHING


def _recent(policy: Policy, state: State, now: float) -> tuple[float, ...]:
    return tuple(moment for moment in state.restarts if now - moment < policy.window_seconds)
