"""A bench from begin to end against played servers: what it says, writes and exits with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from llmstack.cli import main
from llmstack.load.bench.differences import differences
from llmstack.load.bench.documents import comparison_of, read
from llmstack.load.bench.order import Order
from llmstack.load.bench.rounds import Asked, measure_rounds
from llmstack.load.bench.told import told
from llmstack.load.program import (
    NOT_TO_BE_TRUSTED,
    NOTHING_ANSWERED,
    WELL,
)
from tests.stack.load.bench.playing import LOAD, STEADY, asked, measured, named, played

SMALL = ("--prompt-tokens", "const:20", "--answer-tokens", "const:5", "--log-every", "0")
#: On a machine with much else to do a client may be late, and says so.
ENDS_WELL = (WELL, NOT_TO_BE_TRUSTED)


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def test_a_bench_says_and_writes_all(tmp_path: Path) -> None:
    """Each run, all of them as JSON, as Markdown and as a page; `report` says the same again."""
    with played() as one, played() as two:
        done = invoke("bench", "--server", f"one=openai-chat@{one.url}", "--server", f"two=openai-completions@{two.url}", "--rate", "100", "--total", "4", "--rounds", "2", *SMALL, "--output", str(tmp_path))  # fmt: skip
    found = read(tmp_path / "bench.json")
    again = invoke("report", str(tmp_path / "bench.json"))
    alone = invoke("report", str(tmp_path / "round-2-one.json"))
    pair = invoke("report", str(tmp_path / "round-1-one.json"), str(tmp_path / "round-1-two.json"), "--html", str(tmp_path / "pair.html"))  # fmt: skip

    assert done.exit_code in ENDS_WELL, done.output
    assert ["bench.html", "bench.json", "bench.md", "pair.html", *(f"round-{number}-{name}.json" for number in (1, 2) for name in ("one", "two"))] == sorted(path.name for path in tmp_path.iterdir())  # fmt: skip
    assert again.output in done.output
    (heads,) = [line for line in again.output.splitlines() if line.startswith("Rounds")]
    assert ["Rounds", "one", "two"] == heads.split()
    assert "Order: rotated: 1 one, two; 2 two, one." in done.output
    assert "Requests: 4 answered, 0 failed" in alone.output
    assert ["one", "two"] == pair.output.splitlines()[0].split()
    assert "</html>" in (tmp_path / "pair.html").read_text()
    assert "| answered | 8 | 8 |" in (tmp_path / "bench.md").read_text()
    assert [("one", 1), ("two", 1), ("two", 2), ("one", 2)] == [(run["name"], run["bench"]["round"]) for run in found["runs"]]  # fmt: skip
    assert {"one", "two"} == set(found["summary"]["figures"]["ttft_p50"])
    assert found["runs"][3] == json.loads((tmp_path / "round-2-one.json").read_text())


def test_servers_of_a_round_are_sent_the_same_and_others_in_the_next() -> None:
    """Lengths that are drawn are the same for both, and not those of the other round."""
    load = replace(LOAD, prompt_tokens="uniform:10,200", answer_tokens="uniform:2,20", total=6)
    with played() as one, played() as two:
        found = measure_rounds(
            Asked(load, [named("one", one), named("two", two)], {"log_every": 0.0}, rounds=2),
            lambda _: None,
            lambda *_: None,
        )
    sent = {(run["name"], run["bench"]["round"]): (run["tokens"]["prompt"], run["tokens"]["answer"]) for run in found["runs"]}  # fmt: skip

    assert sent["one", 1] == sent["two", 1]
    assert sent["one", 2] == sent["two", 2]
    assert sent["one", 1] != sent["one", 2]


def test_a_server_that_is_slower_by_a_known_factor_is_told() -> None:
    """Three times the time of a step: 200 % slower in tokens and whole answers, and fewer tokens."""
    slow = replace(STEADY, step=3 * STEADY.step)
    with played(rates=STEADY) as one, played(rates=slow) as two:
        found = comparison_of(measured(named("one", one), named("two", two), rounds=5))
    by_figure = {each.figure.key: each for each in differences(found)}

    for key in ("itl_p50", "e2e_p50"):
        assert by_figure[key].is_told, by_figure[key].told()
        # What else the machine does is charged to both.
        assert 1.0 < by_figure[key].share < 3.0
        assert " % slower (" in by_figure[key].told()
    assert " % lower (" in by_figure["tokens"].told()


def test_one_server_under_two_names_does_not_differ() -> None:
    """At a confidence that chance exceeds once in ten thousand times."""
    with played(rates=STEADY) as one:
        found = comparison_of(measured(named("one", one), named("two", one), rounds=3))
    looked_at = differences(found, confidence=0.9999)

    assert {"ttft_p50", "itl_p50", "e2e_p95", "tokens"} <= {each.figure.key for each in looked_at}
    assert [] == [each.told() for each in looked_at if each.is_told]


def test_a_server_that_dies_is_told_and_others_go_on() -> None:
    """Its rounds after that answered nothing, which is no figure; the other has all of its own."""
    with played() as one, played() as two:

        def say(line: str) -> None:
            if line.startswith("Round 2") and two.fleet.houses[0].replica is not None:
                two.crash()

        servers = (named("one", one), named("two", two))
        found = measure_rounds(asked(*servers, rounds=3), say, lambda *_: None)
    answers = {(run["name"], run["bench"]["round"]): run["requests"]["answered"] for run in found["runs"]}  # fmt: skip
    text = told(comparison_of(found))

    assert {("one", 1): 4, ("one", 2): 4, ("one", 3): 4, ("two", 1): 4, ("two", 2): 0, ("two", 3): 0} == answers  # fmt: skip
    assert "two: 4 failed, connection refused: " in text
    assert "(round 2, 3)" in text
    assert not any(line.startswith("  TTFT p50: ") for line in text.splitlines())


def test_a_server_that_is_not_there_at_the_begin_is_an_error() -> None:
    """Before anything is sent to any other."""
    done = invoke("bench", "--server", "one=openai-chat@http://127.0.0.1:9", "--rate", "1", "--total", "1")  # fmt: skip

    assert 1 == done.exit_code
    assert done.output.startswith("Error: http://127.0.0.1:9: cannot find out what its model is")


def test_a_bench_of_which_nothing_was_answered_exits_so() -> None:
    """As the first run that did not end well."""
    done = invoke("bench", "--server", "one=openai-chat@http://127.0.0.1:9", "--model", "m", "--rate", "99", "--total", "2", "--rounds", "1", *SMALL)  # fmt: skip

    assert NOTHING_ANSWERED == done.exit_code
    assert "one: 2 failed, connection refused: " in done.output


def test_an_order_can_be_shuffled() -> None:
    """And the result says which it was."""
    with played() as server:
        servers = [named(name, server) for name in ("one", "two", "three")]
        found = measured(*servers, rounds=2, order=Order.SHUFFLED, seed=5)
    order = [name for line in found["rounds"]["order"] for name in line]

    assert order == [run["name"] for run in found["runs"]]
    assert "Order: shuffled: 1 " in told(comparison_of(found))
