"""Runs a job so that somebody sees it: in a terminal as a view, elsewhere as lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import click

from llmstack.load.json_lines import JsonLines
from llmstack.load.program import Job, Say, measure
from llmstack.load.results import Document
from llmstack.load.view_options import Showing
from llmstack.load.watching import Watcher

T = TypeVar("T")


def say_of(showing: Showing) -> Say:
    """Return what says things to people; standard output is left alone where programs read it."""
    return _say_aside if showing.log_format == "json" else click.echo


def run_shown(
    job: Job,
    showing: Showing,
    ended: Callable[[Document, Say], T],
    watchers: Sequence[Watcher] = (),
) -> T:
    """Run a job and return what comes of its results.

    Args:
        job: what is sent to whom.
        showing: how it is shown.
        ended: takes the results, and what says something about them.
        watchers: who else is told what passes.

    Raises:
        LlmstackError: it cannot be begun.
    """
    say = say_of(showing)
    if showing.log_format == "json":
        without_lines = replace(job, every=0.0)
        return ended(measure(without_lines, say, (JsonLines(click.echo), *watchers)), say)
    if showing.is_plain:
        return ended(measure(job, say, watchers), say)
    # What draws is imported only where there is something to draw on.
    from llmstack.load.view.watcher import View
    from llmstack.terminal.screen import can_draw

    if not can_draw(sys.stdout):
        return ended(measure(job, say, watchers), say)
    with View(sys.stdout, showing.sizes, say) as view:
        # Saying something waits for the terminal, what is done with the results before does not.
        return ended(measure(replace(job, every=0.0), view.say, (view, *watchers)), view.say)


def _say_aside(text: str) -> None:
    click.echo(text, err=True)
