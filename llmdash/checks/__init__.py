"""Checks of a build, in the order in which their findings are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmdash.build import Build
from llmdash.checks.expression_parses import expression_parses
from llmdash.checks.metric_is_known import metric_is_known
from llmdash.checks.recording_is_unique import recording_is_unique
from llmdash.checks.sources_are_disjoint import sources_are_disjoint
from llmdash.checks.unused_metric_has_reason import unused_metric_has_reason
from llmdash.checks.window_is_sound import window_is_sound
from llmdash.errors import BuildError
from llmdash.problems import Problem

Check = Callable[[Build], Iterable[Problem]]

CHECKS: tuple[Check, ...] = (
    expression_parses,
    metric_is_known,
    recording_is_unique,
    window_is_sound,
    sources_are_disjoint,
    unused_metric_has_reason,
)


def checked(build: Build) -> Build:
    """Return the build if nothing is wrong with it.

    Raises:
        BuildError: it lists every problem, those met while compiling first.
    """
    problems = list(build.problems)
    for check in CHECKS:
        problems += check(build)
    if problems:
        raise BuildError(tuple(dict.fromkeys(problems)))
    return build


__all__ = ["CHECKS", "Check", "checked"]
