"""Runs a job so that somebody sees it: in a terminal as a view, elsewhere as lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from llmstack.load.json_lines import JsonLines
from llmstack.load.program import Job, run
from llmstack.load.view_options import Showing
from llmstack.load.watching import Watcher


def say_of(showing: Showing) -> Callable[[str], None]:
    """Return what says things to people; standard output is left alone where programs read it."""
    return _say_aside if showing.log_format == "json" else click.echo


def run_shown(
    job: Job, showing: Showing, output: Path | None = None, watchers: Sequence[Watcher] = ()
) -> int:
    """Run a job and return what to exit with.

    Args:
        job: what is sent to whom.
        showing: how it is shown.
        output: where its results are written.
        watchers: who else is told what passes.

    Raises:
        LlmstackError: it cannot be begun, or its results cannot be written.
    """
    say = say_of(showing)
    if showing.log_format == "json":
        without_lines = replace(job, every=0.0)
        return run(without_lines, say, output, (JsonLines(click.echo), *watchers))
    if showing.is_plain:
        return run(job, say, output, watchers)
    # What draws is imported only where there is something to draw on.
    from llmstack.load.view.watcher import View
    from llmstack.terminal.screen import can_draw

    if not can_draw(sys.stdout):
        return run(job, say, output, watchers)
    with View(sys.stdout, showing.sizes, say) as view:
        # Results are written before the report is told, which waits for the terminal.
        return run(replace(job, every=0.0), view.say, output, (view, *watchers))


def _say_aside(text: str) -> None:
    click.echo(text, err=True)
