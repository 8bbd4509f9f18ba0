"""What the pages of one source share: variables that chain, panels of its answers, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmdash.dashboards.dashboard import Annotation, Dashboard, Neighbours, Row
from llmdash.dashboards.panels import Query
from llmdash.dashboards.policy import QUANTILES
from llmdash.dashboards.style import PLAIN, shade
from llmdash.dashboards.variables import DashboardVariable, DatasourceVariable, QueryVariable
from llmdash.errors import SourceError
from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric
from llmdash.metrics.prometheus import ALERTS
from llmdash.promql.expressions import count, increase, not_equal, rate, total
from llmdash.promql.nodes import Expr, Matcher, Selector, Variable
from llmdash.promql.rewrite import narrowed_selector
from llmdash.promql.windows import RANGE, RATE_INTERVAL
from llmdash.signals import Form, Signal, signal
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


def page_uid(source: Source, subject: str) -> str:
    """Return the uid of a source's page on a subject."""
    return f"llm-{source.name.replace('_', '-')}-{subject}"


@dataclass(frozen=True)
class SourcePage:
    """Builds panels of one source from its answers, narrowed to what the reader has chosen."""

    source: Source

    def dashboard(
        self,
        subject: str,
        description: str,
        rows: Sequence[Row],
        annotations: Sequence[Annotation] = (),
        *,
        title: str = "",
    ) -> Dashboard:
        """Return the source's page on a subject; alerts that fire join its own events."""
        return Dashboard(
            uid=page_uid(self.source, subject),
            title=title or f"{self.source.title} {subject}",
            description=description,
            tags=(TAG, self.source.exporter),
            folder=FOLDER,
            variables=self.variables(),
            links=NEIGHBOURS,
            annotations=(*annotations, alerts_firing(self.source.name)),
            rows=tuple(rows),
        )

    @property
    def model(self) -> str:
        """The exporter's own name for the model; empty where it names none."""
        return self.source.model_label

    def variables(self) -> tuple[DashboardVariable, ...]:
        """Return the choices at the top of the page, each narrowed by those before it."""
        series = self.source.anchored()
        found: list[DashboardVariable] = [DatasourceVariable()]
        for name, label in self._choices():
            found.append(
                QueryVariable(
                    name=name,
                    selector=series[0],
                    older=series[1:],
                    of=label,
                    all_is_listed=name == "instance",
                )
            )
            chosen = Matcher(label, "=~", Variable(name))
            series = tuple(each.where(chosen) for each in series)
        return tuple(found)

    def _choices(self) -> tuple[tuple[str, str], ...]:
        """Return the names of the variables, and the labels that they choose from."""
        model = (("model", self.model),) if self.model else ()
        own = tuple((label.lower(), label) for label in self.source.choices)
        return (*model, ("instance", "instance"), *own)

    def matchers(self, *, one_model: bool = False) -> tuple[Matcher, ...]:
        """Return the conditions that the choices make; `one_model` inside a repeated panel."""
        return tuple(
            Matcher(label, "=~", Variable(name, single=one_model and name == "model"))
            for name, label in self._choices()
        )

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
        return self.lines(self.distribution(name), name, one_model=one_model)

    def lines(
        self, answer: DistributionAnswer, hue: str, *, one_model: bool = False
    ) -> tuple[Query, ...]:
        """Return the usual quantiles and the mean of an answer, in the shades of a signal."""
        chosen = self.matchers(one_model=one_model)
        mean = Query("mean", answer.mean(RATE_INTERVAL, (), chosen), "mean", color=PLAIN)
        if answer.buckets is None:
            return (mean,)
        lines = [
            Query(
                percent(share).replace(".", "-"),
                answer.quantile(share, RATE_INTERVAL, (), chosen),
                percent(share),
                color=shade(hue, share),
            )
            for share in QUANTILES
        ]
        return (*lines, mean)

    def observed(self, metric: Histogram) -> DistributionAnswer:
        """Return a family that answers no signal as an answer of its own, in its own unit.

        Raises:
            SourceError: the source's releases do not expose it.
        """
        asked = Signal(metric.name, metric.name, "", Form.DISTRIBUTION, metric.unit)
        answer = self.source.dialect.distribution(asked, metric)
        if not isinstance(answer, DistributionAnswer):
            raise SourceError(f"{self.source.name} does not expose {metric.name}")
        return answer

    def quantiles_of(self, metric: Histogram, hue: str) -> tuple[Query, ...]:
        """Return the usual quantiles and the mean of a family that answers no signal."""
        return self.lines(self.observed(metric), hue)

    def has_buckets(self, name: str) -> bool:
        """Tell whether the source answers a distribution with more than its mean."""
        return self.has(name) and self.distribution(name).buckets is not None

    def beyond(self, name: str) -> Expr:
        """Return the share of observations above the last finite edge, all models together.

        Raises:
            SourceError: the source knows only a mean.
        """
        return 1 - self._up_to(name, -1)

    def within_first(self, name: str) -> Expr:
        """Return the share of observations up to the first edge, of which no more is known.

        Raises:
            SourceError: the source knows only a mean.
        """
        return self._up_to(name, 0)

    def _up_to(self, name: str, place: int) -> Expr:
        answer, chosen = self.distribution(name), self.matchers()
        if answer.edges is None:
            raise SourceError(f"{name} of {self.source.name} has no buckets")
        edge = answer.edges.values[place]
        within = answer.rate_up_to(edge, RATE_INTERVAL, (), chosen)
        return within / answer.count_rate(RATE_INTERVAL, (), chosen)

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
        if any("outcome" not in dict(term.fixed) for term in answer.terms):
            return (Query("rate", self.counter("requests", ("outcome",)), "{{outcome}}"),)
        return tuple(
            Query(
                dict(term.fixed)["outcome"],
                self.counter("requests", term=place),
                dict(term.fixed)["outcome"],
            )
            for place, term in enumerate(answer.terms)
        )
