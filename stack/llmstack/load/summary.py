"""Results in words: what one reads at the end of a run, the doubts first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmstack.load.results import Document
from llmstack.load.seconds import Second

#: What a latency is called, in the order in which they are told.
LATENCIES = {
    "ttft": "TTFT",
    "ttft_sent": "TTFT from when sent",
    "itl": "ITL",
    "gap": "between events",
    "tpot": "TPOT",
    "e2e": "E2E",
    "e2e_sent": "E2E from when sent",
    "wait": "wait until sent",
}
_COLUMNS = ("mean", "p50", "p90", "p95", "p99", "max")


def told(found: Document) -> str:
    """Return results as text."""
    return "\n".join(_lines(found))


def _lines(found: Document) -> Iterator[str]:
    client = found["client"]
    for doubt in client["doubts"]:
        yield f"NOT TO BE TRUSTED: {doubt}"
    if found["is_interrupted"]:
        yield "Interrupted: this is what was measured until then."
    yield f"{found['name']}: {_how(found)}"
    yield _counts(found)
    for failure in found["failures"]:
        yield f"  {failure['count']:>7,}  {failure['kind']}: {failure['example']}"
    rates, tokens = found["rates"], found["tokens"]
    yield (
        f"{rates['requests']:,.2f} requests/s, {rates['answer_tokens']:,.1f} tokens/s written, "
        f"{rates['prompt_tokens']:,.1f} read, over {found['seconds']:,.1f} s"
    )
    rules = ", ".join(f"{rule} ({count:,})" for rule, count in tokens["counted"].items())
    if rules:
        many = f"{tokens['answer']:,} tokens of answers"
        untold = "the server does not tell how many tokens it wrote"
        yield f"{many if tokens['answer'] else untold}; timed by {rules}"
    yield from latency_table(found["latency"])
    yield from _objectives(found)
    yield from _kinds(found["kinds"])
    lag, late = client["lag"], client["late"]
    yield (
        f"The client read {milliseconds(lag.get('p99'))} ms late and sent "
        f"{milliseconds(late.get('p99'))} ms late at p99, with {client['cpu_seconds']:.1f} s of "
        "processor time."
    )


def _how(found: Document) -> str:
    load, target = found["load"], found["target"]
    many = load.get("concurrency")
    if load["loop"] == "closed":
        how = f"closed loop, {many} at a time: latencies are of clients that wait for answers"
    else:
        how = "open loop: latencies count from when a request was to be sent"
        if many:
            how += f"; at most {many} under way, and waiting for a place counts"
    return f"{target['api']} of {', '.join(target['urls'])}, {load['plan']}; {how}"


def _counts(found: Document) -> str:
    requests = found["requests"]
    parts = [f"{requests['answered']:,} answered", f"{requests['failed']:,} failed"]
    for name, what in (
        ("unfinished", "unfinished"),
        ("not_sent", "never sent"),
        ("held_back", "held back by the bound"),
        ("warm_up", "of the warm-up, not measured"),
    ):
        if requests[name]:
            parts.append(f"{requests[name]:,} {what}")
    return f"Requests: {', '.join(parts)}"


def latency_table(latency: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of latencies, in milliseconds."""
    if not latency:
        return
    yield f"{'ms':<20}" + "".join(f"{column:>11}" for column in _COLUMNS)
    for metric, name in LATENCIES.items():
        if metric in latency:
            cells = "".join(f"{milliseconds(latency[metric][each]):>11}" for each in _COLUMNS)
            yield f"{name:<20}{cells}"


def _objectives(found: Document) -> Iterator[str]:
    for each in found["objectives"]:
        share = "no request" if each["share"] is None else f"{each['share']:.2%} within it"
        yield f"{each['objective']}: {'held' if each['is_held'] else 'NOT HELD'}, {share}"
    if found["objectives"]:
        rate = found["rates"]["good_requests"]
        yield f"Goodput: {rate:,.2f} requests/s held all of them ({found['good']:,} in all)"


def _kinds(kinds: Mapping[str, Any]) -> Iterator[str]:
    if not kinds:
        return
    heads = ("answered", "failed", "req/s", "TTFT p50", "p95", "E2E p50", "p95", "p99")
    yield f"{'kind (ms)':<20}" + "".join(f"{head:>10}" for head in heads)
    for kind, part in kinds.items():
        ttft, e2e = part["latency"].get("ttft", {}), part["latency"].get("e2e", {})
        cells = (
            f"{part['requests']['answered']:,}",
            f"{part['requests']['failed']:,}",
            f"{part['rates']['requests']:,.2f}",
            *(milliseconds(ttft.get(each)) for each in ("p50", "p95")),
            *(milliseconds(e2e.get(each)) for each in ("p50", "p95", "p99")),
        )
        yield f"{kind:<20}" + "".join(f"{cell:>10}" for cell in cells)
        for failure in part["failures"]:
            yield f"  {failure['count']:>7,}  {failure['kind']}: {failure['example']}"


def second_line(second: Second) -> str:
    """Return one line for a second that has passed; its columns keep their places."""
    return (
        f"{second.at:8.1f} s  sent {second.sent / second.length:7.1f}/s  "
        f"answered {second.answered / second.length:7.1f}/s  failed {second.failed:4d}  "
        f"under way {second.under_way:5d}  "
        f"tokens {second.answer_tokens / second.length:9.1f}/s  "
        f"TTFT p95 {milliseconds(second.ttft_p95):>9} ms  "
        f"E2E p95 {milliseconds(second.e2e_p95):>9} ms"
    )


def milliseconds(seconds: float | None) -> str:
    """Return a length of time in milliseconds, with as many figures as mean something."""
    if seconds is None:
        return "-"
    found = seconds * 1000
    return f"{found:,.0f}" if found >= 1000 else f"{found:.1f}" if found >= 10 else f"{found:.2f}"
