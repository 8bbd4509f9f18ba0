"""Wrong programs, one a line, and what is said when they are built; most are accepted by every other tool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmdash.errors import PromqlError
from llmdash.promql.expressions import (
    aggregate,
    at_edges,
    at_most,
    average,
    call,
    convert,
    count,
    count_values,
    counted_as,
    first_of,
    greatest,
    increase,
    joined,
    mean_of,
    not_equal,
    observed,
    observed_up_to,
    one_of,
    over_time,
    quantile,
    rate,
    relabel,
    total,
)
from llmdash.promql.labels import LabelSet
from llmdash.promql.nodes import (
    Aggregate,
    Binary,
    Matcher,
    Matching,
    Number,
    Range,
    Text,
    Variable,
)
from llmdash.promql.printer import RULES, concrete, to_text
from llmdash.promql.series import Series
from llmdash.promql.units import BYTES, REQUESTS, SECONDS
from llmdash.promql.windows import RATE_INTERVAL, Duration
from tests.promql import pretend

ANSWERS, READ, WRITTEN = (
    m.select() for m in (pretend.ANSWERS, pretend.TOKENS_READ, pretend.TOKENS_WRITTEN)
)
WAITING, CACHE_USE, POWER, UP = (
    m.select() for m in (pretend.WAITING, pretend.CACHE_USE, pretend.POWER, pretend.UP)
)
HISTOGRAMS = pretend.FIRST_TOKEN.native()
BUCKETS, SUM, COUNTED = (
    pretend.FIRST_TOKEN.bucket(),
    pretend.FIRST_TOKEN.sum(),
    pretend.FIRST_TOKEN.count(),
)
LENGTHS = pretend.LENGTH.bucket()
STARTED = pretend.STARTED.select()
RECORDED, RECORDED_BUCKETS = pretend.RECORDED_REQUESTS, pretend.RECORDED_BUCKETS
NOW = call("time")


def untyped(value: object) -> Any:
    """Return what Python's types refuse, as if they did not."""
    return value


Refusals = tuple[tuple[Callable[[], object], str], ...]

# fmt: off
#: Wrong expressions that every other offline tool accepts; above each is what it says in PromQL.
#: Three more cannot be told here: a window of 10s is judged by the scrape interval (checks), a ratio
#: above 1 only where both sides come from one metric (LIMITS), and `1 - a / b / c` cannot be written
#: by mistake, as a tree has no precedence.
ACCEPTED_ELSEWHERE: Refusals = (
    # rate(vllm:num_requests_running[5m])
    (lambda: rate(WAITING, "5m"), "expected a counter in rate, got pretend:waiting, a gauge"),
    # vllm:prompt_tokens_total > 1e6
    (lambda: READ > 1e6, "expected a value in >, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    # histogram_quantile(0.95, sum by (model_name) (rate(…_bucket[5m])))
    (lambda: quantile(0.95, total(rate(BUCKETS, "5m"), ("model_name",))), "expected the label le kept in sum of rate(pretend:first_token_seconds_bucket), got by model_name; keep it in by(), or choose one bucket with at_most"),
    # the same with max
    (lambda: quantile(0.95, greatest(rate(BUCKETS, "5m"), ("model_name",))), "expected buckets with the label le in histogram_quantile, got max(rate(pretend:first_token_seconds_bucket)) by model_name; keep le in the aggregation below it"),
    # histogram_quantile(0.95, rate(…_seconds_sum[5m]))
    (lambda: quantile(0.95, rate(SUM, "5m")), "expected buckets with the label le in histogram_quantile, got rate(pretend:first_token_seconds_sum) by model_name, a target label; keep le in the aggregation below it"),
    # histogram_quantile(0.95, sum by (le) (…_bucket))
    (lambda: quantile(0.95, total(BUCKETS, ("le",))), "expected a value in sum, got pretend:first_token_seconds_bucket, a counter; take its rate or increase first"),
    # histogram_quantile(0.95, …_bucket)
    (lambda: quantile(0.95, BUCKETS), "expected rates of buckets in histogram_quantile, got pretend:first_token_seconds_bucket, a counter; take the rate of the buckets first"),
    # histogram_quantile(95, sum by (le) (rate(…_bucket[5m])))
    (lambda: quantile(95, total(rate(BUCKETS, "5m"), ("le",))), "expected a quantile from 0 to 1 in histogram_quantile, got 95"),
    # sum(rate(…_bucket{le="2"}[5m])), and no such edge
    (lambda: total(rate(at_most(BUCKETS, 2), "5m")), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket, got 2; the nearest edges are 1 and 2.5"),
    # the same by hand
    (lambda: total(rate(BUCKETS.where(le="2.0"), "5m")), "expected a bucket edge in le of pretend:first_token_seconds_bucket, got 2; the nearest edges are 1 and 2.5"),
    # sum(rate(…_bucket{le="5"}[5m])), an edge that others spell 5.0
    (lambda: total(rate(BUCKETS.where(le="5"), "5m")), "expected every spelling of an edge (5, 5.0) in le of pretend:first_token_seconds_bucket, got 5; say at_most or at_edges"),
    # sum by (modle_name) (rate(…_total[5m]))
    (lambda: total(rate(ANSWERS, "5m"), ("modle_name",)), "expected one of model_name, reason, a target label in sum, got modle_name; did you mean model_name?"),
    # sum by (job) (…) / on (model_name) sum by (job) (…)
    (lambda: joined(total(rate(READ, "5m"), ("job",)), "/", total(rate(WRITTEN, "5m"), ("job",)), on=("model_name",)), "expected one of job in on() of /, got model_name"),
    # sum by (model_name) (…) / sum by (job) (…)
    (lambda: total(rate(READ, "5m"), ("model_name",)) / total(rate(WRITTEN, "5m"), ("job",)), "expected equal labels on both sides in /, got job, model_name on one side only; say on (…) or ignoring (job, model_name)"),
    # up{job="a",job="b"}
    (lambda: UP.where(job="a").where(job="b"), 'expected matchers that hold together in the matchers of up, got job="a" and job="b"'),
    # rate(sum(a_total)[5m:1m])
    (lambda: rate(Range(total(UP), Duration.parse("5m"))), "expected a selector in a range, got sum(up); record the inner expression first"),
    # avg(a / b)
    (lambda: average(rate(READ, "5m") / rate(WRITTEN, "5m")), "expected values that add up in avg, got rate(pretend:tokens_read_total) / rate(pretend:tokens_written_total), a quotient; aggregate its parts (buckets, or numerator and denominator) instead"),
    # foo{job="x"} unless sum(foo)
    (lambda: Binary("unless", WAITING.where(job="x"), total(WAITING)), "expected equal labels on both sides in unless, got cluster, instance, job, model_name, namespace, pod on one side only; say on (…) or ignoring (cluster, instance, job, model_name, namespace, pod)"),
    # sum by (model_name) (rate(err_total[5m])) or vector(0)
    (lambda: first_of(total(rate(ANSWERS, "5m"), ("model_name",)), call("vector", 0)), "expected equal labels on both sides in or, got model_name on one side only; say on (…) or ignoring (model_name)"),
    # up{job="x"} / slo:budget:ratio
    (lambda: UP.where(job="x") / RECORDED, "expected equal labels on both sides in /, got cluster, instance, job, model, namespace, pod, role, source on one side only; say on (…) or ignoring (cluster, instance, job, model, namespace, pod, role, source)"),
    # rate(…_seconds_sum[5m]) + rate(…_tokens_total[5m])
    (lambda: rate(SUM, "5m") + rate(READ, "5m"), "expected ratio on both sides in +, got ratio and tokens/s"),
    # delta(a_total[5m])
    (lambda: call("delta", READ.over("5m")), "expected a value in delta, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    # absent(up{job=~"a|b"})
    (lambda: call("absent", UP.where(Matcher("job", "=~", "a|b"))), "expected one value of job in absent, got a|b; it is absent only when all are gone; ask for one at a time"),
    # absent(up) == 1
    (lambda: Binary("==", call("absent", UP), Number(1)), "expected a limit that can be missed in absent(up) ==, got 1; it is always 1"),
    # vector(NaN) > 1
    (lambda: call("vector", float("nan")) > 1, "expected a number in an expression, got NaN"),
    # time() - process_start_time_seconds > 5m
    (lambda: NOW - STARTED > untyped("5m"), "expected a number in an expression, got '5m'"),
    # process_start_time_seconds > 5m
    (lambda: STARTED > Number(300, SECONDS), "expected unix seconds on both sides in >, got unix seconds and seconds"),
    # vllm:gpu_cache_usage_perc > 95
    (lambda: CACHE_USE > 95, "expected a limit that can be met in pretend:cache_use >, got 95; it is from 0 to 1"),
)

#: Types, forms and numbers.
TYPES: Refusals = (
    (lambda: rate(WAITING.over("5m"), "5m"), "expected a selector in rate, got a range of pretend:waiting and a window"),
    (lambda: rate(READ), "expected a window in rate, got none; say .over(window)"),
    (lambda: rate(RECORDED, "5m"), "expected a counter in rate, got pretend:requests:rate5m, a gauge"),
    (lambda: call("rate", READ), "expected a range in rate, got pretend:tokens_read_total, an instant vector"),
    (lambda: call("rte", READ.over("5m")), "expected a known function in a call, got rte; did you mean rate?"),
    (lambda: call("rate"), "expected 1 argument in rate, got 0"),
    (lambda: call("clamp", WAITING, 1), "expected 3 arguments in clamp, got 2"),
    (lambda: call("vector", WAITING), "expected a scalar in vector, got pretend:waiting, an instant vector"),
    (lambda: call("holt_winters", WAITING.over("5m"), 0.5, 0.5), "expected a known function in a call, got holt_winters"),
    (lambda: total(HISTOGRAMS), "expected a value in sum, got pretend:first_token_seconds, native histograms; take their increase first"),
    (lambda: total(increase(HISTOGRAMS, "5m")), "expected a value in sum, got increase(pretend:first_token_seconds), observations; take their histogram_count or histogram_fraction first"),
    (lambda: increase(HISTOGRAMS, "5m") > 1, "expected a value in >, got increase(pretend:first_token_seconds), observations; take their histogram_count or histogram_fraction first"),
    (lambda: observed(HISTOGRAMS), "expected observations in histogram_count, got pretend:first_token_seconds, native histograms; take the increase of native histograms"),
    (lambda: observed_up_to(2.5, WAITING), "expected observations in histogram_fraction, got pretend:waiting, a gauge; take the increase of native histograms"),
    (lambda: rate(HISTOGRAMS, "5m"), "expected a counter in rate, got pretend:first_token_seconds, native histograms"),
    (lambda: total(READ), "expected a value in sum, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: average(READ), "expected a value in avg, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: greatest(READ), "expected a value in max, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: aggregate("topk", READ, parameter=3), "expected a value in topk, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: READ / WRITTEN, "expected a value in /, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: call("round", READ), "expected a value in round, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: over_time("avg", READ, "5m"), "expected a value in avg_over_time, got pretend:tokens_read_total, a counter; take its rate or increase first"),
    (lambda: over_time("median", WAITING, "5m"), "expected a known function in a call, got median_over_time; did you mean min_over_time?"),
    (lambda: call("resets", WAITING.over("5m")), "expected a counter in resets, got pretend:waiting, a gauge"),
    (lambda: Range(rate(READ, "5m"), Duration.parse("5m")), "expected a selector in a range, got rate(pretend:tokens_read_total); record the inner expression first"),
    (lambda: WAITING.offset("5m").offset("5m"), "expected one offset in pretend:waiting, got offset 5m and another"),
    (lambda: aggregate("sum", WAITING, parameter=1), "expected no parameter in sum, got one"),
    (lambda: aggregate("topk", WAITING), "expected a parameter in topk, got none"),
    (lambda: aggregate("topk", WAITING, parameter=0), "expected a whole number above zero in topk, got 0"),
    (lambda: aggregate("bottomk", WAITING, parameter=2.5), "expected a whole number above zero in bottomk, got 2.5"),
    (lambda: aggregate("quantile", WAITING, parameter=1.5), "expected a quantile from 0 to 1 in quantile, got 1.5"),
    (lambda: Aggregate("topk", WAITING, parameter=UP), "expected a scalar in topk, got up, an instant vector"),
    (lambda: aggregate("summ", WAITING), "expected a known aggregation in an expression, got summ; did you mean sum?"),
    (lambda: total(NOW), "expected an instant vector in sum, got time, a scalar"),
    (lambda: Binary("atan2", WAITING, WAITING), "expected a known operator in an expression, got atan2"),
    (lambda: Binary("+", WAITING, WAITING, as_state=True), "expected a comparison in bool, got +"),
    (lambda: Binary(">", Number(2), Number(1)), "expected bool in > of two scalars, got none"),
    (lambda: Binary("and", WAITING, Number(1)), "expected two vectors in and, got 1, a scalar"),
    (lambda: WAITING + Text("5"), "expected an instant vector or a scalar in +, got '5', a string"),
    (lambda: WAITING > untyped(True), "expected a number in an expression, got True"),
    (lambda: WAITING + WAITING.over("5m"), "expected an instant vector or a scalar in +, got pretend:waiting, a range"),
    (lambda: call("clamp", WAITING, 5, 1), "expected limits that ascend in clamp, got 5 and 1"),
    (lambda: call("scalar", WAITING), "expected one series in scalar, got pretend:waiting (several by cluster, instance, job, model_name, namespace, pod); aggregate it to one series first"),
    (lambda: total(quantile(0.9, rate(BUCKETS, "5m"))), "expected values that add up in sum, got histogram_quantile(rate(pretend:first_token_seconds_bucket)), a quantile; aggregate its parts (buckets, or numerator and denominator) instead"),
    (lambda: over_time("avg", pretend.PAUSE.value(), "5m"), "expected values that add up in avg_over_time, got pretend_pause_seconds, a quantile; aggregate its parts (buckets, or numerator and denominator) instead"),
    (lambda: average(aggregate("quantile", WAITING, ("job",), parameter=0.9)), "expected values that add up in avg, got quantile(pretend:waiting), a quantile; aggregate its parts (buckets, or numerator and denominator) instead"),
    (lambda: first_of(), "expected an alternative in first_of, got none"),
    (lambda: first_of(rate(READ, "5m"), quantile(0.9, rate(BUCKETS, "5m"))), "expected tokens/s on both sides in or, got tokens/s and seconds"),
    (lambda: call("label_replace", WAITING, "a", "b", untyped(1), "c"), "expected a string in label_replace, got 1, a scalar"),
    (lambda: Duration(0), "expected a duration above zero in a duration, got 0 ms"),
    (lambda: Duration.parse("5x"), "expected a duration such as 5m, 1h30m or 250ms in a duration, got '5x'"),
    (lambda: Duration.parse("90000000d"), "expected a duration below 292 years in a duration, got 90000000d"),
)

#: Units.
UNITS: Refusals = (
    (lambda: rate(READ, "5m") + rate(COUNTED, "5m"), "expected tokens/s on both sides in +, got tokens/s and observations/s"),
    (lambda: rate(READ, "5m") - increase(READ, "5m"), "expected tokens/s on both sides in -, got tokens/s and tokens"),
    (lambda: WAITING > Number(5, BYTES), "expected requests on both sides in >, got requests and bytes"),
    (lambda: first_of(POWER, pretend.MEMORY.select()), "expected watts on both sides in or, got watts and bytes"),
    (lambda: Binary("%", POWER, Number(2, BYTES)), "expected watts on both sides in %, got watts and bytes"),
    (lambda: Binary("^", WAITING, Number(0.5)), "expected the exponent 1, 2 or 3 in a power of requests, got 0.5"),
    (lambda: Binary("^", Number(2), POWER), "expected an exponent without a unit in ^, got watts"),
    (lambda: STARTED + STARTED, "expected unix seconds on both sides in +, got unix seconds and unix seconds"),
    (lambda: Number(60, SECONDS) - STARTED, "expected seconds on both sides in -, got seconds and unix seconds"),
    (lambda: Binary(">", NOW, Number(60, SECONDS), as_state=True), "expected unix seconds on both sides in >, got unix seconds and seconds"),
    (lambda: total(pretend.TEMPERATURE.select()), "expected values that add up in sum, got pretend_temperature in celsius; take max or avg"),
    (lambda: over_time("sum", STARTED, "5m"), "expected values that add up in sum_over_time, got pretend_start_time_seconds in unix seconds; take max or avg"),
    (lambda: call("clamp_max", POWER, Number(5, BYTES)), "expected a limit in watts in clamp_max, got bytes"),
    (lambda: call("round", POWER, Number(5, BYTES)), "expected a step in watts in round, got bytes"),
    (lambda: call("predict_linear", WAITING.over("1h"), Number(5, BYTES)), "expected a length of time in seconds in predict_linear, got bytes"),
    (lambda: convert(POWER, BYTES), "expected a unit convertible to bytes in a conversion of units, got watts"),
    (lambda: counted_as(rate(COUNTED, "5m"), REQUESTS), "expected a unit that observations/s can count in counted_as, got requests"),
    (lambda: mean_of(rate(SUM, "5m"), rate(READ, "5m")), "expected a count of observations or requests in the denominator of a mean, got tokens/s"),
)

#: Labels and how sides match.
LABELS: Refusals = (
    (lambda: ANSWERS.where(modle_name="a"), "expected one of model_name, reason, a target label in the matchers of pretend:answers_total, got modle_name; did you mean model_name?"),
    (lambda: ANSWERS.where(reason="timeout"), "expected reason one of stop, length, abort in the matchers of pretend:answers_total, got timeout"),
    (lambda: ANSWERS.where(not_equal("reason", "timeout")), "expected reason one of stop, length, abort in the matchers of pretend:answers_total, got timeout"),
    (lambda: ANSWERS.where(Matcher("reason", "=~", "time.*")), "expected a pattern that matches one of stop, length, abort in the matchers of pretend:answers_total, got time.*"),
    (lambda: WAITING.where(Matcher("model_name", "=~", "(")), "expected a regular expression of RE2 in the matchers of pretend:waiting, got ("),
    (lambda: WAITING.where(Matcher("model_name", "=~", "(?!a).*")), "expected a regular expression of RE2 in the matchers of pretend:waiting, got (?!a).*"),
    (lambda: WAITING.where(Matcher("model_name", "=~", "a{1001}")), "expected a regular expression of RE2 in the matchers of pretend:waiting, got a{1001}"),
    (lambda: WAITING.where(model_name="$model"), 'expected a value in the matchers of pretend:waiting, got $model; say Variable("model")'),
    (lambda: WAITING.where(Matcher("model name", "=", "")), "expected a label name in the matchers of pretend:waiting, got 'model name'"),
    (lambda: pretend.CONFIGURATION.select(Matcher("__name__", "=", "a")), "expected one of a target label in the matchers of pretend:configuration_info, got __name__"),
    (lambda: UP.where(Matcher("job", "=", "a"), Matcher("job", "!=", "a")), 'expected matchers that hold together in the matchers of up, got job="a" and job!="a"'),
    (lambda: UP.where(Matcher("job", "=~", "b.*"), job="a"), 'expected matchers that hold together in the matchers of up, got job="a" and job=~"b.*"'),
    (lambda: one_of("model_name", ()), "expected a value in one_of model_name, got none"),
    (lambda: total(RECORDED, ("instance",)), "expected one of model, role, source in sum, got instance"),
    (lambda: total(RECORDED, ("source",)), "expected the label role kept in sum of pretend:requests:rate5m, got by source; keep it in by(), or select one role"),
    (lambda: average(RECORDED), "expected the label role kept in avg of pretend:requests:rate5m, got by no label; keep it in by(), or select one role"),
    (lambda: total(rate(pretend.PASSED.select(), "5m")), "expected the label stage kept in sum of rate(pretend_passed_total), got by no label; keep it in by(), or select one stage"),
    (lambda: total(first_of(RECORDED.where(role="engine"), RECORDED.where(role="gateway"))), "expected the label role kept in sum of pretend:requests:rate5m or pretend:requests:rate5m, got by no label; keep it in by(), or select one role"),
    (lambda: Aggregate("sum", RECORDED, None, ("role",)), "expected the label role kept in sum of pretend:requests:rate5m, got by model, source; keep it in by(), or select one role"),
    (lambda: Aggregate("sum", WAITING, ("job",), ("instance",)), "expected by or without in sum, got both"),
    (lambda: Aggregate("sum", WAITING, None, ("jib",)), "expected one of model_name, a target label in sum, got jib; did you mean job?"),
    (lambda: WAITING / total(WAITING), "expected equal labels on both sides in /, got cluster, instance, job, model_name, namespace, pod on one side only; say on (…) or ignoring (cluster, instance, job, model_name, namespace, pod)"),
    (lambda: joined(WAITING, "/", CACHE_USE, on=("job",)), "expected one series of a side for each match in /, got several series of pretend:waiting (they differ by cluster, instance, model_name, namespace, pod); aggregate that side first, or say group_left or group_right"),
    (lambda: joined(WAITING, "/", aggregate("topk", WAITING, ("job",), 2), on=("job",), group_left=()), "expected one series of a side for each match in /, got several series of topk(pretend:waiting) (they differ by cluster, instance, model_name, namespace, pod); aggregate that side first, or say group_left or group_right"),
    (lambda: joined(WAITING, "/", WAITING, on=("job",), group_left=()), "expected one series of a side for each match in /, got several series of pretend:waiting (they differ by cluster, instance, model_name, namespace, pod); aggregate that side first, or say group_left or group_right"),
    (lambda: joined(WAITING, "*", total(CACHE_USE, ("job",)), on=("job",), group_left=("model_name",)), "expected one of job in group_left of *, got model_name"),
    (lambda: joined(WAITING, "/", CACHE_USE, ignoring=("modle_name",)), "expected one of model_name, a target label in ignoring() of /, got modle_name; did you mean model_name?"),
    (lambda: joined(rate(BUCKETS, "5m"), "/", rate(COUNTED, "5m"), ignoring=("le",)), "expected one series of a side for each match in /, got several series of rate(pretend:first_token_seconds_bucket) (they differ by le); aggregate that side first, or say group_left or group_right"),
    (lambda: joined(WAITING, "and", UP, on=("job",), group_left=()), "expected no group_left or group_right in and, got one"),
    (lambda: joined(WAITING, "/", CACHE_USE, on=("job",), ignoring=("instance",)), "expected on or ignoring in a matching, got both"),
    (lambda: joined(WAITING, "/", CACHE_USE, group_left=()), "expected on or ignoring in group_left, got neither"),
    (lambda: Matching(on=("job",), many="left", include=("job",)), "expected other labels than in on() in group_left, got job"),
    (lambda: Matching(include=("job",)), "expected group_left or group_right in a matching, got labels to copy alone"),
    (lambda: joined(WAITING, "*", Number(2), on=("job",)), "expected two vectors in * with on or ignoring, got a scalar"),
    (lambda: WAITING.where(model_name="a") / WAITING.where(model_name="b"), "expected one value of model_name on both sides in /, got a and b; say ignoring (model_name), or aggregate it away"),
    (lambda: Binary("and", WAITING.where(model_name="a"), WAITING.where(model_name="b")), "expected one value of model_name on both sides in and, got a and b; say ignoring (model_name), or aggregate it away"),
    (lambda: total(WAITING, ("job",)) + total(WAITING, ("instance",)), "expected equal labels on both sides in +, got instance, job on one side only; say on (…) or ignoring (instance, job)"),
    (lambda: relabel(WAITING, "model", "modle_name"), "expected one of model_name, a target label in label_replace, got modle_name; did you mean model_name?"),
    (lambda: count_values(WAITING, "my model"), "expected a label name in count_values, got 'my model'"),
    (lambda: relabel(WAITING, "my model", "model_name"), "expected a label name in label_replace, got 'my model'"),
    (lambda: relabel(WAITING, "model", "model_name", ".+"), "expected a group of the pattern in label_replace, got $1 with .+"),
    (lambda: relabel(WAITING, "model", "model_name", "("), "expected a regular expression of RE2 in label_replace, got ("),
    (lambda: Series("pretend waiting", BYTES, RECORDED.series.usage), "expected a metric name in a series, got 'pretend waiting'"),
    (lambda: Series("pretend", BYTES, RECORDED.series.usage, LabelSet(("a-b",))), "expected a label name in the labels of pretend, got 'a-b'"),
)

#: Buckets and their edges.
EDGES: Refusals = (
    (lambda: at_most(BUCKETS, 2), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket, got 2; the nearest edges are 1 and 2.5"),
    (lambda: at_most(BUCKETS, 100), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket, got 100; the nearest edge is 5"),
    (lambda: at_most(BUCKETS, 0.1 + 0.2), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket, got 0.30000000000000004; the nearest edges are 0.1 and 1"),
    (lambda: at_most(COUNTED, 1), "expected buckets of a histogram in at_most, got pretend:first_token_seconds_count"),
    (lambda: at_most(RECORDED_BUCKETS, 2.5), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket:rate5m, got 2.5; the nearest edges are 1 and 5"),
    (lambda: at_most(RECORDED_BUCKETS.where(source="one"), 2), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket:rate5m, got 2; the nearest edges are 1 and 2.5"),
    (lambda: at_edges(BUCKETS, (1, 3)), "expected a bucket edge in le of pretend:first_token_seconds_bucket, got 3; the nearest edges are 2.5 and 5"),
    (lambda: at_most(at_edges(BUCKETS, (1,)), 2.5), "expected a bucket edge in at_most of pretend:first_token_seconds_bucket, got 2.5; the nearest edge is 1"),
    (lambda: BUCKETS.where(Matcher("le", "=~", ".+")), "expected numbers joined by | in a matcher on le, got .+"),
    (lambda: BUCKETS.where(Matcher("le", "!=", "+Inf")), 'expected edges in le of pretend:first_token_seconds_bucket, got le!="+Inf"; say at_most or at_edges'),
    (lambda: BUCKETS.where(le=Variable("edge")), 'expected edges in le of pretend:first_token_seconds_bucket, got le=~"$edge"; say at_most or at_edges'),
    (lambda: BUCKETS.where(Matcher("le", "=~", "1|2.5")), "expected every spelling of an edge (1, 1.0) in le of pretend:first_token_seconds_bucket, got 1|2.5; say at_most or at_edges"),
    (lambda: BUCKETS.where(Matcher("le", "=~", "1|1\\.0|2\\.5")), 'expected +Inf among the edges in le of pretend:first_token_seconds_bucket, got le=~"1|1\\.0|2\\.5"; say at_edges'),
    (lambda: quantile(0.9, rate(at_most(BUCKETS, 1), "5m")), "expected buckets of a histogram in histogram_quantile, got rate(pretend:first_token_seconds_bucket)"),
    (lambda: total(rate(LENGTHS, "5m"), ("le",)), "expected series with equal bucket edges (they differ by model_name) in sum of rate(pretend:length_tokens_bucket), got by le; keep model_name, select one model_name, or take the edges that all share"),
    (lambda: total(RECORDED_BUCKETS, ("le", "role")), "expected series with equal bucket edges (they differ by source) in sum of pretend:first_token_seconds_bucket:rate5m, got by le, role; keep source, select one source, or take the edges that all share"),
    (lambda: average(rate(BUCKETS, "5m")), "expected the label le kept in avg of rate(pretend:first_token_seconds_bucket), got by no label; keep it in by(), or choose one bucket with at_most"),
    (lambda: first_of(rate(BUCKETS, "5m"), rate(LENGTHS, "5m")), "expected equal bucket edges on both sides in or, got rate(pretend:first_token_seconds_bucket) and rate(pretend:length_tokens_bucket)"),
    (lambda: quantile(0.9, aggregate("stddev", rate(BUCKETS, "5m"), ("le",))), "expected buckets of a histogram in histogram_quantile, got stddev(rate(pretend:first_token_seconds_bucket))"),
)

#: Limits that say nothing.
LIMITS: Refusals = (
    (lambda: CACHE_USE > 1, "expected a limit that can be met in pretend:cache_use >, got 1; it is from 0 to 1"),
    (lambda: CACHE_USE >= 0, "expected a limit that can be missed in pretend:cache_use >=, got 0; it is from 0 to 1"),
    (lambda: CACHE_USE <= 1, "expected a limit that can be missed in pretend:cache_use <=, got 1; it is from 0 to 1"),
    (lambda: CACHE_USE < 0, "expected a limit that can be met in pretend:cache_use <, got 0; it is from 0 to 1"),
    (lambda: Binary("==", CACHE_USE, Number(2)), "expected a limit that can be met in pretend:cache_use ==, got 2; it is from 0 to 1"),
    (lambda: Binary("!=", CACHE_USE, Number(2)), "expected a limit that can be missed in pretend:cache_use !=, got 2; it is from 0 to 1"),
    (lambda: Binary("<", Number(95), CACHE_USE), "expected a limit that can be met in pretend:cache_use >, got 95; it is from 0 to 1"),
    (lambda: WAITING < 0, "expected a limit that can be met in pretend:waiting <, got 0; it is 0 or more"),
    (lambda: rate(READ, "5m") > -1, "expected a limit that can be missed in rate(pretend:tokens_read_total) >, got -1; it is 0 or more"),
    (lambda: count(UP) > 0, "expected a limit that can be missed in count(up) >, got 0; it is 1 or more"),
    (lambda: quantile(0.9, rate(BUCKETS, "5m")) > 5, "expected a limit that can be met in histogram_quantile(rate(pretend:first_token_seconds_bucket)) >, got 5; it is from 0 to 5"),
    (lambda: Binary(">", UP, Number(1), as_state=True), "expected a limit that can be met in up >, got 1; it is from 0 to 1"),
    # errors are a part of all
    (lambda: total(rate(ANSWERS.where(reason="abort"), "5m")) / total(rate(ANSWERS, "5m")) > 1.44, "expected a limit that can be met in sum(rate(pretend:answers_total)) / sum(rate(pretend:answers_total)) >, got 1.44; it is from 0 to 1"),
)

#: What a rule file cannot hold.
PRINTED: Refusals = (
    (lambda: to_text(rate(READ, RATE_INTERVAL), RULES), "expected a duration in an expression for a rule file, got $__rate_interval; only Grafana fills it in"),
    (lambda: to_text(UP.where(job=Variable("job")), RULES), "expected a value in an expression for a rule file, got $job; only Grafana fills it in"),
    (lambda: to_text(rate(READ, RATE_INTERVAL), concrete({}, {})), "expected a duration in an expression for Prometheus, got $__rate_interval; only Grafana fills it in"),
    (lambda: to_text(UP.where(job=Variable("job")), concrete({}, {"model": "a"})), "expected a value in an expression for Prometheus, got $job; only Grafana fills it in"),
)

# fmt: on

EVERY = (*ACCEPTED_ELSEWHERE, *TYPES, *UNITS, *LABELS, *EDGES, *LIMITS, *PRINTED)


@pytest.mark.parametrize(("build", "message"), EVERY)
def test_is_refused(build: Callable[[], object], message: str) -> None:
    """A wrong program fails where it is built, and says what was expected, where, and what stood there."""
    with pytest.raises(PromqlError) as caught:
        build()

    assert message == str(caught.value)


@pytest.mark.parametrize("message", [message for _, message in EVERY])
def test_message_has_the_form_of_all(message: str) -> None:
    """Every refusal reads `expected X in Y, got Z`."""
    expected, _, rest = message.partition(" in ")
    place, _, got = rest.partition(", got ")

    assert expected.startswith("expected ")
    assert all((place, got))
