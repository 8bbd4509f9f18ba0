"""The section about the gateway: what was measured, beside what, and what was promised of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter

from tests.bench.gateway.measure import BURST, DIRECT, PACED, Mode, Read, Results, Say, measure
from tests.bench.gateway.peers import GATEWAY, LITELLM, PASS_THROUGH, litellm
from tests.bench.results import Row, Section
from tests.live.environment import UnavailableError

OURS, BARE, OTHER = GATEWAY.name, PASS_THROUGH.name, "LiteLLM"
#: In burst at least so many times LiteLLM's requests.
TIMES = 50.0
#: Paced, microseconds of a token at most, and at most so many times the bare pass-through's.
TOKEN, SHARE = 60.0, 1.5
_REQUESTS: Read = attrgetter("requests_a_second")
_OF_REQUEST: Read = attrgetter("milliseconds_a_request")
_OF_TOKEN: Read = attrgetter("microseconds_a_token")


@dataclass(frozen=True)
class Compared:
    """Both modes, and why LiteLLM is not in them if it is not."""

    burst: Results
    paced: Results
    missing: str = ""


def compare(say: Say, burst: Mode = BURST, paced: Mode = PACED) -> Compared:
    """Measure all peers that can be had on this machine."""
    peers, missing = [PASS_THROUGH, GATEWAY], ""
    try:
        peers.append(litellm())
    except UnavailableError as error:
        missing = str(error)
    return Compared(measure(burst, peers, say), measure(paced, peers, say), missing)


def section(compared: Compared) -> Section:
    """Return the section of the page."""
    return Section(
        "Gateway",
        f"Written by `make bench-gateway`, which `make bench` runs too. Streams of {BURST.load.tokens} "
        "tokens from a made engine: in burst at once, without a delay; paced with "
        f"{PACED.delays.first * 1e3:g} ms to the first token and {PACED.delays.between * 1e3:g} ms "
        "between two. Each gateway is one process that has a core to itself; the client and the "
        f"engine have the others. `llmstack gateway` and LiteLLM (`{LITELLM}`, one worker, no "
        "database) have keys, limits, logs and metrics on; the bare pass-through is aiohttp on both "
        "sides, on the same loop (uvloop), and nothing else. The commands are in `tests/bench/gateway/peers.py`. Medians of "
        f"{BURST.rounds} rounds in burst and {PACED.rounds} paced, everybody in turn; processor time "
        "is user and system time of the process and its children; what is added to the first token "
        "is its time less that of the engine asked directly in the same round. A ratio is the median of "
        "each round's own.",
        ("what", "`llmstack gateway`", "against", "ratio"),
        [
            *_burst_rows(compared),
            *_paced_rows(compared),
            *([_missing_row(compared.missing)] if compared.missing else []),
            _complete_row(compared),
        ],
    )


def _burst_rows(compared: Compared) -> list[Row]:
    results = compared.burst
    what = f"requests a second, in burst, {BURST.load.at_once} at once"
    rows = [_row(what, _REQUESTS, results, name, ",.0f") for name in _others(results)]
    if OTHER in results:
        times = results[OURS].times(results[OTHER], _REQUESTS)
        rows[-1] = replace(rows[-1], promised=f"at least {TIMES:g} times", is_kept=times >= TIMES)
    what = "milliseconds of processor time a request, in burst"
    rows += [_row(what, _OF_REQUEST, results, name) for name in _others(results)]
    return [*rows, *_first_token_rows(results, "in burst")]


def _paced_rows(compared: Compared) -> list[Row]:
    results = compared.paced
    token, share = (
        results[OURS].middle(_OF_TOKEN),
        results[OURS].times(results[BARE], _OF_TOKEN),
    )
    what = f"microseconds of processor time a token, paced, {PACED.load.at_once} at once"
    alone = Row(what, f"{token:.1f}", "", "", f"at most {TOKEN:g}", token <= TOKEN)
    bare, *more = (_row(what, _OF_TOKEN, results, name, ",.1f") for name in _others(results))
    bare = replace(bare, promised=f"at most {SHARE:g} times", is_kept=share <= SHARE)
    return [alone, bare, *more, *_first_token_rows(results, "paced")]


def _first_token_rows(results: Results, how: str) -> list[Row]:
    direct, rows = results[DIRECT], []
    for name in _others(results):
        ours, theirs = results[OURS].added(direct), results[name].added(direct)
        told = [" / ".join(f"{each * 1e3:,.1f}" for each in both) for both in (ours, theirs)]
        what = f"milliseconds added to the first token, {how}, p50 / p99"
        rows.append(Row(what, told[0], f"{told[1]} {name}", ""))
    return rows


def _others(results: Results) -> list[str]:
    return [name for name in (BARE, OTHER) if name in results]


def _row(what: str, read: Read, results: Results, name: str, form: str = ",.2f") -> Row:
    """Return a row of a number beside somebody else's."""
    ours, theirs = results[OURS], results[name]
    times = ours.times(theirs, read)
    return Row(
        what,
        format(ours.middle(read), form),
        f"{theirs.middle(read):{form}} {name}",
        f"{times:.0f}" if times >= 10 else f"{times:.2g}" if times < 0.1 else f"{times:.2f}",
    )


def _missing_row(reason: str) -> Row:
    what = f"requests a second, in burst, beside {OTHER}"
    return Row(what, "", f"{OTHER} cannot be had: {reason}", "", f"at least {TIMES:g} times", False)


def _complete_row(compared: Compared) -> Row:
    found = [each for results in (compared.burst, compared.paced) for each in results.values()]
    ours = [compared.burst[OURS], compared.paced[OURS]]
    complete, asked = (
        sum(each.complete for each in found),
        sum(each.streams for each in found),
    )
    return Row(
        "streams that came whole: every token, the reason of the end, the closing mark",
        f"{sum(each.complete for each in ours):,} of {sum(each.streams for each in ours):,}",
        f"{complete:,} of {asked:,} of all",
        "",
        "all",
        complete == asked,
    )
