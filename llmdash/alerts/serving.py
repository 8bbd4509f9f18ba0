"""Servers that do not serve: down, gone, or up and stuck."""

from __future__ import annotations

from collections.abc import Iterator

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.questions import BY_REPLICA, MODEL, REPLICA, Questions, above, at, on_fleet
from llmdash.dashboards.fleet.overview import UID as FLEET
from llmdash.levels import BY_MODEL, Level
from llmdash.promql.expressions import (
    ago,
    count,
    first_of,
    joined,
    one_of,
    or_zero,
    over_time,
    total,
)
from llmdash.promql.nodes import Expr
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity
from llmdash.sources.answer import CounterAnswer
from llmdash.sources.source import Role, Source

_TARGETS = Shown(FLEET, "targets", ("source",))
#: Without these users are not served; a GPU's exporter only watches.
_SERVING = (Role.ENGINE, Role.GATEWAY, Role.APP)
#: Down is what has not answered for as long: a restart takes less, and one follows the other.
_SILENT = Duration.parse("5m")
#: Vanished is what was there within it.
_REMEMBERED = Duration.parse("1h")
_TOKENS = "generation_tokens"


def serving_alerts(asked: Questions) -> Iterator[Alert]:
    """Yield what is told of targets, and of engines that take requests and answer none."""
    if asked.has("up"):
        yield from _targets(asked)
        yield _vanished(asked)
    stuck = _stuck(asked)
    if stuck is not None:
        yield Alert(
            name="ServerNotServing",
            expr=stuck,
            wait=Duration.parse("5m"),
            severity=Severity.PAGE,
            summary=f"requests that are stuck at {REPLICA}: {{{{ $value }}}}",
            description="The server answers its scrapes, requests wait or run there, and for ten "
            "minutes nothing has come out. Its health check may still be green. Take it out of "
            "the load balancer and restart it.",
            panel=on_fleet("waiting"),
        )


def _targets(asked: Questions) -> Iterator[Alert]:
    up = asked.layer.gauge("up", level=Level.INSTANCE)
    by = [label for label in BY_REPLICA if up.labels.has(label)]
    silent = at(over_time("max", up, _SILENT), 0)
    # One that is new may still load its model.
    down = joined(silent, "and", ago(up, _SILENT), on=by)
    yield Alert(
        name="TargetsDown",
        expr=count(down, BY_MODEL),
        severity=Severity.TICKET,
        summary=f"targets of {MODEL} that do not answer their scrapes: {{{{ $value }}}}",
        description="They are down, out of reach, or too busy to answer in time. What they do is "
        "missing in every sum, and in every other alert.",
        panel=_TARGETS,
    )
    serving = [role.value for role in _SERVING if asked.layer.has("up", role=role)]
    if serving:
        up_there = asked.layer.gauge("up", "sum").where(one_of("role", serving))
        yield Alert(
            name="AllTargetsDown",
            expr=at(total(up_there, BY_MODEL), 0),
            wait=Duration.parse("2m"),
            severity=Severity.PAGE,
            summary=f"no target of {MODEL} answers its scrapes",
            description="All servers of the source are down, or Prometheus does not reach any of "
            "them. Nobody is served, or nobody watches those who are.",
            panel=_TARGETS,
        )


def _vanished(asked: Questions) -> Alert:
    known = asked.layer.gauge("up", "count")
    before = total(over_time("max", known, _REMEMBERED), BY_MODEL)
    gone = 1 - or_zero(total(known, BY_MODEL), before) / before
    return Alert(
        name="TargetsVanished",
        expr=above(gone, asked.limits.targets_vanished),
        wait=Duration.parse("10m"),
        severity=Severity.TICKET,
        summary=f"{{{{ $value | humanizePercentage }}}} of the targets of {MODEL} are gone",
        description="Prometheus knew them within the last hour and does not any more: they are "
        "not down, they are not looked for. Scaled down as planned, this ends by itself within "
        "the hour; else service discovery or a label is wrong.",
        panel=_TARGETS,
    )


def _stuck(asked: Questions) -> Expr | None:
    """Return requests at replicas from which nothing comes out.

    What comes out is tokens; where a source counts none by replica, requests that end, by model.
    """
    engines = asked.layer.answering("requests_waiting", role=Role.ENGINE)
    by_tokens = [each for each in engines if "generation_tokens" in each.answers]
    by_requests = [each for each in engines if each not in by_tokens and "requests" in each.answers]
    found = []
    if by_tokens:
        silent = at(total(asked.layer.counter(_TOKENS, Level.INSTANCE), BY_REPLICA), 0)
        stuck = joined(_held(asked, by_tokens), "and", silent, on=BY_REPLICA)
        if asked.has("requests"):
            stuck = joined(stuck, "unless", _without_tokens(asked), on=BY_MODEL)
        found.append(stuck)
    if by_requests:
        ended = at(total(asked.layer.counter("requests"), BY_MODEL), 0)
        waiting = _present(asked, "requests_waiting", by_requests)
        found.append(joined(waiting, "and", ended, on=BY_MODEL))
    return first_of(*found) if found else None


def _held(asked: Questions, sources: list[Source]) -> Expr:
    """Return how many requests wait at replicas, or run there.

    Where tokens are counted when a request ends, long answers run in silence, and an idle server
    may still show its last batch: who runs says nothing there.
    """
    waiting = above(asked.of_replicas("requests_waiting"), 0)
    told = [each for each in sources if not _counts_at_end(each)]
    running = [each for each in told if "requests_running" in each.answers]
    return first_of(waiting, _present(asked, "requests_running", running)) if running else waiting


def _counts_at_end(source: Source) -> bool:
    tokens = source.answers[_TOKENS]
    return isinstance(tokens, CounterAnswer) and tokens.at_end


def _present(asked: Questions, name: str, sources: list[Source]) -> Expr:
    """Return how many requests are somewhere at replicas of some sources, where there are any."""
    chosen = one_of("source", [source.name for source in sources])
    gauge = asked.layer.gauge(name, level=Level.INSTANCE).where(chosen)
    return above(total(gauge, BY_REPLICA), 0)


def _without_tokens(asked: Questions) -> Expr:
    """Return models that answer, and not with tokens: those that embed, rank or classify."""
    answered = above(total(asked.layer.counter("requests").where(outcome="ok"), BY_MODEL), 0)
    tokens = above(total(asked.layer.counter(_TOKENS), BY_MODEL), 0)
    return joined(answered, "unless", tokens, on=BY_MODEL)
