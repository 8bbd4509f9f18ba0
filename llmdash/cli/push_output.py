"""What `llmdash push` prints: lines as things happen, a bar on a terminal, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click

from llmdash.grafana.delivery import Outcome
from llmdash.grafana.push import Planned
from llmdash.grafana.report import (
    as_json,
    differences,
    heading,
    is_silent,
    line,
    outcome_line,
    summary,
)


@dataclass(frozen=True)
class Shown:
    """The output of one push."""

    url: str
    planned: Planned
    as_json: bool
    #: `text` or `markdown` to show what changes; None for not.
    diff: str | None

    def begin(self) -> None:
        """Say where it goes, what is worth knowing, and what changes."""
        if self.as_json:
            return
        click.echo(heading(self.url, self.planned))
        for note in self.planned.notes:
            click.echo(f"note: {note}")
        if self.diff is not None:
            text = differences(self.planned, self.diff)
            click.echo(text or "no dashboard changes")

    @contextmanager
    def progress(self) -> Iterator[Callable[[Outcome], None]]:
        """Yield what tells of each outcome: a bar on a terminal, else a line each."""
        if self.as_json:
            yield lambda _: None
            return
        if not sys.stderr.isatty():
            yield self.tell
            return
        count = len(self.planned.actions)
        with click.progressbar(length=count, label="pushing", file=sys.stderr) as bar:
            kept: list[Outcome] = []

            def step(outcome: Outcome) -> None:
                bar.update(1)
                kept.append(outcome)

            yield step
        for outcome in kept:
            self.tell(outcome)

    def tell(self, outcome: Outcome) -> None:
        """Print what became of an action, unless it is no news."""
        if not is_silent(outcome.action):
            click.echo(outcome_line(outcome))

    def end(self, outcomes: Sequence[Outcome] | None) -> None:
        """Print how many of each there were; `None` for what a dry run would do."""
        if self.as_json:
            found = as_json(self.url, self.planned, outcomes)
            click.echo(json.dumps(found, ensure_ascii=False, indent=2))
            return
        if outcomes is None:
            for action in self.planned.actions:
                if not is_silent(action):
                    click.echo(line(action))
        click.echo(summary(self.planned, outcomes))
