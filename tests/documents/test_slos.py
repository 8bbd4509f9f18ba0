"""`slos.md` and the same on a terminal: what is promised, where and where not, and who is told when."""

from __future__ import annotations

import re

import pytest

from llmdash.documents.slos import explanation, slos_page
from llmdash.errors import SloError
from llmdash.intervals import Intervals
from llmdash.pack import DEFAULT
from llmdash.placement import Placement
from llmdash.promql.windows import Duration
from llmdash.slos.defaults import AVAILABILITY_ESTIMATE
from llmdash.slos.rules import Promises, promises
from llmdash.slos.slo import Outcomes, Slo, Up, Within
from llmdash.slos.tiers import Fast, Severity, Tier, percent
from llmdash.sources import gateway, vllm
from llmdash.sources.source import Source
from tests.slos.taverns import requests, slo, tavern

INTERVALS = Intervals(scrape=Duration.parse("11s"), alerts=Duration.parse("17s"))
#: 7 % of a week in 2 h burns 5.88 x a budget of 2 %.
ODD = Tier(Severity.PAGE, 0.07, Duration.parse("2h"), Duration.parse("10m"))

SUPPER = slo(tiers=(ODD,), fewest_bad=7)
SOON = slo(
    name="soon",
    title="Soon | served",
    indicator=Within("time_to_first_token", 0.11, otherwise=(0.7,)),
    objective=0.9,
    by=("model", "storey"),
)
CELLAR = tavern("cellar", requests=requests(misses="mice are counted nowhere"))


def found(*slos: Slo, sources: tuple[Source, ...] = (tavern(), CELLAR)) -> Promises:
    return promises(slos, sources, Placement(), INTERVALS)


def page(*slos: Slo) -> str:
    return slos_page(found(*slos), INTERVALS)


def default(name: str | None = None) -> str:
    of = promises(DEFAULT.slos, DEFAULT.sources, DEFAULT.placement, DEFAULT.intervals)
    return explanation(of, DEFAULT.intervals, name)


def test_a_promise_on_a_terminal() -> None:
    """All that is said of a promise, in columns."""
    assert explanation(found(SUPPER), INTERVALS, "supper") == (
        "supper: Supper for all\n"
        "\n"
        "Promise\n"
        "98% of events are good over 1w, for each model: 2% may be bad. An event of requests is "
        "good that ends as ok, and bad as error. Fewer than 7 bad events in a long window tell "
        "nobody.\n"
        "\n"
        "Where it is measured\n"
        "source  told apart by\n"
        "tavern  model\n"
        "\n"
        "Where it is not measured\n"
        "Where some failures are counted nowhere, a share of those that are counted would promise "
        "more than is kept. A gateway in front of such a server sees all of them; without one, "
        "AVAILABILITY_ESTIMATE tells of answers that were begun and lost.\n"
        "source  why\n"
        "cellar  it has no complete count of failures: mice are counted nowhere\n"
        "\n"
        "Tiers\n"
        "So that no pause between requests ends a page, page-2h fires on for 15m.\n"
        "tier     windows     burn above  bad events above  budget gone when it fires\n"
        "page-2h  2h and 10m  5.88 x      11.76%            7%\n"
        "\n"
        "Detection\n"
        "After a clean past and with even traffic; it ends so long after trouble that lasted. "
        "Up to 11s of scraping, 30s of recording and 17s of alerting come on top.\n"
        "bad events          share  page after  ticket after  page ends after  ticket ends after\n"
        "total outage        100%   14m7s       never         23m49s           –\n"
        "half of all events  50%    28m13s      never         22m39s           –\n"
        "a tenth of them     10%    never       never         –                –\n"
        "burn at 2 x         4%     never       never         –                –"
    )


def test_a_promise_on_the_page() -> None:
    """The page has the same words and tables, as Markdown."""
    text = page(SUPPER)

    assert (
        "| promise | what | objective | measured on | not measured on |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `supper` | Supper for all | 98% over 1w | tavern | cellar |\n"
    ) in text
    assert "## Supper for all (`supper`)\n" in text
    assert "| page-2h | 2h and 10m | 5.88 x | 11.76% | 7% |\n" in text
    assert "| total outage | 100% | 14m7s | never | 23m49s | – |\n" in text
    assert "| cellar | it has no complete count of failures: mice are counted nowhere |\n" in text


def cells(text: str) -> list[str]:
    """Return the words of a page or a terminal, without what only lays them out."""
    plain = re.sub(r"(?m)^#+ |^\| --- .*\n|`", "", text).replace("\\|", "|")
    return [each for each in re.split(r"\s{2,}|\n| \| |^\| | \|$", plain, flags=re.M) if each]


def test_page_and_terminal_say_the_same() -> None:
    """What is printed of a promise stands on the page, in the same order."""
    of = found(SUPPER, slo(name="tea"))
    _, _, on_page = slos_page(of, INTERVALS).partition("## Supper for all")
    _, *on_terminal = cells(explanation(of, INTERVALS))
    words = [
        each for each in cells(on_page) if "Supper for all" not in each and "(supper)" not in each
    ]

    assert [each for each in on_terminal if "Supper for all" not in each] == [
        each for each in words if each != "(tea)"
    ]


def test_thresholds_and_the_fast_tier() -> None:
    """A latency says the edge in use on each source, and that of the fast tier beside it."""
    by_room = slo(indicator=Within("time_to_first_token", 0.11), objective=0.9)
    text = explanation(found(by_room, sources=(tavern(),)), INTERVALS)

    assert (
        "source  told apart by  threshold  far beyond it  failures\n"
        "tavern  model          0.11 s     0.7 s          not seen\n"
    ) in text
    assert re.search(r"page-fast-5m +5m +– +50%, far beyond the threshold +–\n", text)
    assert "page after, far beyond  page after, just late" in text
    assert re.search(r"total outage +100% +2m30s +", text)


def test_a_source_without_a_stricter_edge_says_its_threshold() -> None:
    """There all late events are as bad as can be, so the table of detection has one page."""
    late = slo(indicator=Within("time_to_first_token", 1.3), objective=0.9)
    text = explanation(found(late, sources=(tavern(),)), INTERVALS)

    assert "tavern  model          1.3 s      1.3 s          not seen\n" in text
    assert "bad events          share  page after  ticket after" in text
    assert "just late" not in text


def test_tiers_that_cannot_fire_are_named() -> None:
    """What of the workbook is left out is said with the reason."""
    text = explanation(found(slo(objective=0.9, period=Duration.parse("30d"))), INTERVALS)

    assert (
        "Left out of the workbook's: page-1h (above 144% of events: not even a total outage could "
        "fire it)."
    ) in text
    assert "Left out" not in explanation(found(SUPPER), INTERVALS)


def test_what_is_promised_is_said_in_full() -> None:
    """Other thresholds, failures that no latency tells of, and labels are said."""
    narrowed = slo(name="narrow", indicator=Up(), where={"floor": "7"}, by=())
    text = explanation(found(SOON, narrowed), INTERVALS)

    assert (
        "90% of events are good over 1w, for each model and storey: 10% may be bad. "
        "An event is good whose time_to_first_token is at most 0.11 s (0.7 s where that is no "
        "bucket edge); requests that failed unobserved, where they are counted, are bad too."
    ) in text
    assert (
        "for all together: 2% may be bad. A scrape is good that the target answers; "
        "only events count whose floor is 7."
    ) in text


def test_an_estimate_says_what_it_cannot_see() -> None:
    """Whoever reads a budget of lost answers reads what an estimate it is."""
    text = explanation(found(AVAILABILITY_ESTIMATE, sources=(vllm(), gateway())), INTERVALS)

    assert (
        "An answer that was begun is good that ends as ok or cancelled or still runs. This is an "
        "estimate: a client that drops its stream looks like a server that lost it, and what "
        "failed before its first token is not seen."
    ) in text
    assert "vllm    model" in text


def test_who_counts_failures_is_said() -> None:
    """Of a latency it is said, by source, whether failed requests are bad or not seen."""
    latency = slo(indicator=Within("time_to_first_token", 2.0, otherwise=(2.5,)), objective=0.99)
    rows = explanation(found(latency, sources=(vllm(), gateway())), INTERVALS)

    assert re.search(r"^vllm +model +2.5 s +not seen$", rows, re.M)
    assert re.search(r"^gateway +model +2 s +bad$", rows, re.M)


def test_a_promise_that_nobody_can_tell_of() -> None:
    """It is listed, with every reason, and without rules."""
    text = page(SOON)

    assert "| `soon` | Soon \\| served | 90% over 1w | – | tavern, cellar |\n" in text
    assert "No source of this pack can tell of it: there are no rules for it." in text
    assert "| tavern | expected the label storey, got none |\n" in text


def test_no_promise_is_an_empty_page() -> None:
    """A pack that promises nothing has a page without a promise, and nothing to explain."""
    assert "## " not in page()
    assert "" == explanation(found(), INTERVALS)


@pytest.mark.parametrize(
    ("slos", "message"),
    [
        (
            (SUPPER, slo(name="lunch")),
            "slo explain: expected a promise of the pack (supper, lunch), got super; "
            "did you mean supper?",
        ),
        ((), "slo explain: expected a promise of the pack (it has none), got super"),
    ],
)
def test_a_name_that_nothing_has(slos: tuple[Slo, ...], message: str) -> None:
    """An unknown name is refused with all that there are, and the nearest."""
    with pytest.raises(SloError) as caught:
        explanation(found(*slos), INTERVALS, "super")

    assert message == str(caught.value)


def test_one_of_several() -> None:
    """A name picks one promise; without it all are explained, in their order."""
    of = found(SUPPER, slo(name="lunch", indicator=Outcomes(bad=("cancelled",))))

    assert ["lunch"] == re.findall(r"(?m)^(\w+): ", explanation(of, INTERVALS, "lunch"))
    assert ["supper", "lunch"] == re.findall(r"(?m)^(\w+): ", explanation(of, INTERVALS))


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.999, "99.9%"),
        (0.99999, "99.999%"),
        (0.1, "10%"),
        (1, "100%"),
        (1.44, "144%"),
        (0.0144, "1.44%"),
    ],
)
def test_a_share_has_its_own_digits(share: float, said: str) -> None:
    """Neither noise nor rounding: five nines are not 100 %."""
    assert said == percent(share)


def test_vllm_has_no_complete_count_of_failures() -> None:
    """A bare engine says plainly that its failures are not all counted, and what would count them."""
    text = explanation(promises((slo(),), (vllm(), gateway()), Placement(), INTERVALS), INTERVALS)

    assert (
        "vllm    it has no complete count of failures: dropped streams and refused requests are "
        "counted nowhere\n"
    ) in text
    assert "source   told apart by\ngateway  model\n" in text


@pytest.mark.parametrize("name", [each.name for each in DEFAULT.slos])
def test_promises_that_ship_are_explained(name: str) -> None:
    """Each has a promise, a place where it is measured, tiers and a table of detection."""
    text = default(name)

    assert ["Promise", "Where it is measured", "Tiers", "Detection"] == [
        line
        for line in text.splitlines()
        if line in ("Promise", "Where it is measured", "Tiers", "Detection")
    ]
    assert text in default()
    assert [] == [line for line in text.splitlines() if line != line.rstrip()]


def test_a_fast_tier_by_hand_has_a_plain_share() -> None:
    """Outcomes have no threshold to be far beyond: the share is of all that fail."""
    text = explanation(found(slo(tiers=(), fast=Fast(0.7))), INTERVALS)

    assert re.search(r"page-fast-5m +5m +– +70% +–\n", text)
