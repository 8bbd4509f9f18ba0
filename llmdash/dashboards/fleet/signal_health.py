"""Whether what was recorded is recorded still, and whether replicas are configured alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmdash.dashboards.panels import (
    Column,
    LabelColumn,
    Panel,
    Query,
    Table,
    Threshold,
    TimeSeries,
)
from llmdash.dashboards.style import BAD, PLAIN, WARNING
from llmdash.layer import Layer
from llmdash.levels import BY_MODEL
from llmdash.promql.expressions import ago, count, first_of, joined, labelled, total
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.units import COUNT
from llmdash.signals import Form, signal

#: What every server has that ended a request, whatever its features. Counters of errors, drafts and
#: adapters are born with their first event, and missing after a restart until then.
ALWAYS_THERE = (
    *("requests", "time_to_first_token", "inter_token_latency", "end_to_end_latency"),
    *("queue_time", "prompt_tokens", "generation_tokens"),
    *("requests_running", "requests_waiting", "kv_cache_use"),
)
#: When it was there: an hour ago for what is young, a day ago so that it is told for a day.
BEFORE = ("1h", "1d")


#: What shows that requests are answered; one is enough, for the other may be lost.
_COUNTS = ("requests", "generation_tokens")


@dataclass(frozen=True)
class Recorded:
    """Asks the recordings about themselves."""

    layer: Layer

    @property
    def known(self) -> tuple[str, ...]:
        """Return the signals that the pack's sources fill as long as they answer requests."""
        return tuple(name for name in ALWAYS_THERE if self.layer.has(name))

    def lost(self) -> Expr:
        """Return how many series of models' signals are gone, while requests are answered.

        A model that is gone has lost nothing; one that answers, and is not seen to, has.
        """
        gone = first_of(*(labelled(self._gone(name), "signal", name) for name in self.known))
        answers = first_of(
            *(count(self.layer.counter(n) > 0, BY_MODEL) for n in _COUNTS if n in self.known)
        )
        return joined(gone, "and", answers, on=BY_MODEL)

    def _gone(self, name: str) -> Expr:
        recorded = self._selector(name)
        before = first_of(*(ago(recorded, length) for length in BEFORE))
        return count(joined(before, "unless", recorded, on=BY_MODEL), BY_MODEL)

    def _selector(self, name: str) -> Selector:
        match signal(name).form:
            case Form.COUNTER:
                return self.layer.counter(name)
            case Form.DISTRIBUTION:
                return self.layer.counts(name)
            case _:
                return self.layer.gauge(name)

    def configurations(self) -> Expr:
        """Return in how many configurations the engines of each model run."""
        return total(self.layer.gauge("configurations"), BY_MODEL)


def signal_panels(recorded: Recorded) -> Iterator[Panel]:
    """Yield what is not recorded any more, and how alike replicas are."""
    if recorded.known:
        yield Table(
            key="signals-lost",
            title="Signals lost",
            description="Recordings that a model had an hour or a day ago and has no more, while "
            "it answers requests; empty is good. After an update the server calls the family by "
            "another name, or writes it no more: until the pack knows, panels are empty and "
            "alerts cannot fire.",
            by=(
                LabelColumn("signal", "Signal"),
                LabelColumn("source", "Source"),
                LabelColumn("model", "Model"),
            ),
            queries=(Query("before", recorded.lost()),),
            columns=(Column("before", "Series", base_color=BAD),),
            sort_by="Signal",
            height=5,
            no_value="none",
        )
    if recorded.layer.has("configurations"):
        yield TimeSeries(
            key="configurations",
            title="Configurations of a model's engines",
            description="In how many different configurations the engines of each model run, as "
            "far as they tell (block size, type of the KV cache, prefix caching, share of the "
            "memory). More than one for longer than an update takes: replicas are not equals, "
            "and what is said of the model is a mean of two.",
            queries=(
                Query("configurations", recorded.configurations(), "{{role}} {{source}} {{model}}"),
            ),
            unit=COUNT,
            thresholds=(Threshold(2, WARNING),),
            base_color=PLAIN,
        )
