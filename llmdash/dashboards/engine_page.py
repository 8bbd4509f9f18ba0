"""What the pages of one source share: variables that chain, matchers that use them, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmdash.dashboards.dashboard import Annotation, Dashboard, Neighbours, Row
from llmdash.dashboards.panels import Query
from llmdash.dashboards.policy import QUANTILES
from llmdash.dashboards.variables import DashboardVariable, DatasourceVariable, QueryVariable
from llmdash.errors import SourceError
from llmdash.metrics.metric import Counter, Gauge, Metric
from llmdash.metrics.prometheus import ALERTS
from llmdash.promql.expressions import count, increase, not_equal, rate, total
from llmdash.promql.nodes import Expr, Matcher, Selector, Variable
from llmdash.promql.rewrite import narrowed_selector
from llmdash.promql.windows import RANGE, RATE_INTERVAL
from llmdash.signals import signal
from llmdash.sources.answer import (
    Answer,
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
)
from llmdash.sources.source import Source

#: Every dashboard of ours carries it; the menu at the top of each page lists what does.
TAG = "llmdash"
FOLDER = "llm-serving"

NEIGHBOURS = (Neighbours(title="LLM serving", tag=TAG),)


def percent(share: float) -> str:
    """Return a quantile's usual name (`p95`)."""
    return f"p{share * 100:g}"


def alerts_firing(source: str | Variable) -> Annotation:
    """Return the alerts that fire for a source, as events; others have no source and stay out."""
    firing = ALERTS.select(not_equal("source", ""), alertstate="firing", source=source)
    return Annotation(
        key="alerts-firing",
        name="Alerts firing",
        expr=count(firing, ("alertname", "severity", "model")),
        title="{{alertname}}",
        text="{{severity}} {{model}}",
        color="red",
    )


@dataclass(frozen=True)
class EnginePage:
    """Builds panels of one source from its answers, narrowed to what the reader has chosen."""

    source: Source
    #: A family that every target of the source shows, for the lists of choices.
    anchor: Selector
    #: The exporter's own name for the model.
    model: str
    #: Whether one instance can hold several engines.
    has_engines: bool = False

    def dashboard(
        self,
        subject: str,
        description: str,
        rows: tuple[Row, ...],
        annotations: tuple[Annotation, ...] = (),
    ) -> Dashboard:
        """Return the source's page on a subject; alerts that fire join its own events."""
        return Dashboard(
            uid=f"llm-{self.source.name.replace('_', '-')}-{subject}",
            title=f"{self.source.title} {subject}",
            description=description,
            tags=(TAG, self.source.exporter),
            folder=FOLDER,
            variables=self.variables(),
            links=NEIGHBOURS,
            annotations=(*annotations, alerts_firing(self.source.name)),
            rows=rows,
        )

    def variables(self) -> tuple[DashboardVariable, ...]:
        """Return the choices at the top of the page, each narrowed by those before it."""
        by_model = self.anchor.where(Matcher(self.model, "=~", Variable("model")))
        by_instance = by_model.where(instance=Variable("instance"))
        found: list[DashboardVariable] = [
            DatasourceVariable(),
            QueryVariable(name="model", selector=self.anchor, of=self.model),
            QueryVariable(name="instance", selector=by_model, of="instance", all_is_listed=True),
        ]
        if self.has_engines:
            found.append(QueryVariable(name="engine", selector=by_instance, of="engine"))
        return tuple(found)

    def matchers(self, *, one_model: bool = False) -> tuple[Matcher, ...]:
        """Return the conditions that the choices make; `one_model` inside a repeated panel."""
        chosen = [
            Matcher(self.model, "=~", Variable("model", single=one_model)),
            Matcher("instance", "=~", Variable("instance")),
        ]
        if self.has_engines:
            chosen.append(Matcher("engine", "=~", Variable("engine")))
        return tuple(chosen)

    def speaks(self, metric: Metric) -> bool:
        """Tell whether the source's releases expose a family."""
        return self.source.dialect.speaks(metric)

    def select(self, metric: Counter | Gauge) -> Selector:
        """Return a family's series of this source, as chosen."""
        return narrowed_selector(self.source.dialect.select(metric), *self.matchers())

    def rate(self, metric: Counter, by: Sequence[str] = (), **equal: str) -> Expr:
        """Return a counter's rate as chosen, by labels; a keyword is an equality."""
        return total(rate(self.select(metric).where(**equal), RATE_INTERVAL), by)

    def increase(self, metric: Counter, by: Sequence[str] = ()) -> Expr:
        """Return a counter's increase over the time on screen, as chosen, by labels."""
        return total(increase(self.select(metric), RANGE), by)

    # --- signals ---------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Tell whether the source answers a signal."""
        return signal(name).name in self.source.answers

    def _answer(self, name: str) -> Answer:
        if not self.has(name):
            raise SourceError(f"{self.source.name} does not answer {name}")
        return self.source.answers[name]

    def distribution(self, name: str) -> DistributionAnswer:
        """Return the source's answer to a distribution.

        Raises:
            SourceError: it has none.
        """
        answer = self._answer(name)
        if not isinstance(answer, DistributionAnswer):
            raise SourceError(f"{name} of {self.source.name} is no distribution")
        return answer

    def quantiles(self, name: str, *, one_model: bool = False) -> tuple[Query, ...]:
        """Return the usual quantiles and the mean: all models together, or a repeated panel's."""
        answer = self.distribution(name)
        chosen = self.matchers(one_model=one_model)
        mean = Query("mean", answer.mean(RATE_INTERVAL, (), chosen), "mean")
        if answer.buckets is None:
            return (mean,)
        lines = [
            Query(
                percent(share).replace(".", "-"),
                answer.quantile(share, RATE_INTERVAL, (), chosen),
                percent(share),
            )
            for share in QUANTILES
        ]
        return (*lines, mean)

    def quantile(self, name: str, share: float) -> Expr:
        """Return one quantile, all models together."""
        return self.distribution(name).quantile(share, RATE_INTERVAL, (), self.matchers())

    def mean(self, name: str) -> Expr:
        """Return the mean, all models together."""
        return self.distribution(name).mean(RATE_INTERVAL, (), self.matchers())

    def buckets_of_one_model(self, name: str) -> Expr:
        """Return rates of buckets of the one model that a repeated panel stands for."""
        answer = self.distribution(name)
        return answer.bucket_rates(RATE_INTERVAL, (), self.matchers(one_model=True))

    def counter(self, name: str, by: Sequence[str] = (), term: int = 0) -> Expr:
        """Return one term of a counter's answer, per second."""
        answer = self._answer(name)
        if not isinstance(answer, CounterAnswer):
            raise SourceError(f"{name} of {self.source.name} is no counter")
        return answer.per_second(RATE_INTERVAL, by, self.matchers(), term)

    def gauge(self, name: str, operator: str, by: Sequence[str] = (), term: int = 0) -> Expr:
        """Return one term of a gauge's answer, combined over replicas."""
        answer = self._answer(name)
        if not isinstance(answer, GaugeAnswer):
            raise SourceError(f"{name} of {self.source.name} is no gauge")
        return answer.combined(operator, by, self.matchers(), term)

    def ratio(self, name: str, by: Sequence[str] = ()) -> Expr:
        """Return a ratio's answer."""
        answer = self._answer(name)
        if not isinstance(answer, RatioAnswer):
            raise SourceError(f"{name} of {self.source.name} is no ratio")
        return answer.quotient(RATE_INTERVAL, by, self.matchers())

    def outcomes(self) -> tuple[Query, ...]:
        """Return the rate of requests for each outcome that the source knows."""
        answer = self._answer("requests")
        return tuple(
            Query(
                dict(term.fixed)["outcome"],
                self.counter("requests", term=place),
                dict(term.fixed)["outcome"],
            )
            for place, term in enumerate(answer.terms)
        )
