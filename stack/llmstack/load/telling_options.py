"""The options that say who else is told of a run; commands that send load have them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from llmstack.load.options import SECONDS, group

if TYPE_CHECKING:
    from llmstack.load.program import Job
    from llmstack.load.telling.watcher import Telling
    from llmstack.load.watching import Watcher

telling_options = group(
    click.option(
        "--run-id",
        help="What results, metrics and annotations call this run. [default: a short random one]",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        help="Serve /metrics there while it runs; 0 is a free one.",
    ),
    click.option("--metrics-host", default="127.0.0.1", show_default=True),
    click.option(
        "--metrics-linger",
        type=SECONDS,
        metavar="SECONDS",
        help="Most that the last values wait to be read. [default: 15, if somebody has read]",
    ),
    click.option(
        "--push-url",
        metavar="URL",
        help="A Pushgateway, which is told every 5 s and at the end.",
    ),
    click.option(
        "--annotate",
        is_flag=False,
        flag_value="",
        metavar="[GRAFANA_URL]",
        help="Mark the run in Grafana, by GRAFANA_TOKEN. [without URL: GRAFANA_URL]",
    ),
)


@dataclass(frozen=True)
class Told:
    """What the options say."""

    run: str
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    metrics_linger: float | None = None
    push_url: str | None = None
    #: None where nothing is marked, empty for the Grafana of the environment.
    annotate: str | None = None

    @property
    def is_asked(self) -> bool:
        """Whether anybody is told anything."""
        return any(each is not None for each in (self.metrics_port, self.push_url, self.annotate))

    def watched(self, job: Job, say: Callable[[str], None]) -> tuple[Job, tuple[Watcher, ...]]:
        """Return a job that says which run it is, and who has to watch it.

        Args:
            job: what is sent.
            say: is called with lines for people.

        Raises:
            LlmstackError: an address that cannot be, or that cannot be had.
        """
        return identified(job, self.run, self.telling(say))

    def telling(self, say: Callable[[str], None], *, is_of_several: bool = False) -> Telling | None:
        """Return what tells everybody of a run, or of several; None where nobody is told.

        Args:
            say: is called with lines for people.
            is_of_several: other runs follow one.

        Raises:
            LlmstackError: an address that cannot be, or that cannot be had.
        """
        if not self.is_asked:
            return None
        from llmstack.load.telling.annotated import Annotated
        from llmstack.load.telling.pushed import Pushed
        from llmstack.load.telling.served import Served
        from llmstack.load.telling.watcher import Telling

        annotated = pushed = served = None
        if self.annotate is not None:
            url = self.annotate or os.environ.get("GRAFANA_URL", "")
            annotated = Annotated(url, os.environ.get("GRAFANA_TOKEN", ""))
        if self.push_url is not None:
            pushed = Pushed(self.push_url)
        if self.metrics_port is not None:
            served = Served(self.metrics_host, self.metrics_port, self.metrics_linger)
            say(f"Metrics of run {self.run}: {served.url}")
        return Telling(say, served, pushed, annotated, is_of_several=is_of_several)


def identified(job: Job, run: str, telling: Telling | None) -> tuple[Job, tuple[Watcher, ...]]:
    """Return a job that says which run it is, and who has to watch it.

    Args:
        job: what is sent.
        run: the id of its run.
        telling: who tells of it, if anybody.
    """
    job = replace(job, more={**job.more, "run": run})
    return (job, ()) if telling is None else (telling.watched(job, run), (telling,))


def told(given: dict[str, Any]) -> Told:
    """Take what they say out of all that was given."""
    run = given.pop("run_id") or secrets.token_hex(4)
    names = ("metrics_port", "metrics_host", "metrics_linger", "push_url", "annotate")
    return Told(run, **{name: given.pop(name) for name in names})
