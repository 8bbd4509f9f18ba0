"""The highest rate that holds: what the results of a run say of its rate, and what is said of all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmstack.cli import main
from llmstack.load.search import Verdict, verdict
from tests.stack.load.simulated import simulated

README = (Path(__file__).resolve().parents[3] / "README.md").read_text()


@pytest.mark.parametrize(
    ("held", "is_late", "is_whole", "expected"),
    [
        ([True, True], False, True, Verdict.HELD),
        ([True, False], False, True, Verdict.NOT_HELD),
        ([True, True], True, True, Verdict.HELD),
        ([True, False], True, True, Verdict.UNKNOWN),
        ([True, True], False, False, Verdict.NOT_HELD),
        ([False, False], True, False, Verdict.NOT_HELD),
    ],
)
def test_what_came_of_a_rate(
    held: list[bool], is_late: bool, is_whole: bool, expected: Verdict
) -> None:
    """A late client adds to latencies: it cannot make a rate be held, but can hide that it was."""
    found = {
        "objectives": [{"is_held": each} for each in held],
        "client": {"is_late": is_late, "is_whole": is_whole},
    }

    assert expected is verdict(found)


def form(line: str) -> str:
    """A line without its numbers, and without why a client may be doubted."""
    return re.sub(r"[\d.]+", "#", line.partition(" (")[0].replace("NOT KNOWN", "NOT HELD")).strip()


def test_the_readme_shows_what_a_search_says() -> None:
    """The command as it stands there, on another port, in less time and with what no server holds."""
    blocks = re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (block,) = [each for each in blocks if "--find-max-rate" in each]
    command, *lines = block.splitlines()
    changes = {"http://127.0.0.1:8000": "", "--duration 20": "--duration 0.2", "ttft_p95=2s": "ttft_p95=0.001ms", "itl_p95=50ms": "itl_p95=0.001ms"}  # fmt: skip
    with simulated() as url:
        for old, new in changes.items():
            assert old in command
            command = command.replace(old, new or url)
        words = [*command.removeprefix("$ llmstack ").split(), "--answer-tokens", "const:5"]
        done = CliRunner().invoke(main, words, catch_exceptions=False)
    said = done.output.splitlines()

    assert {form(each) for each in lines if "NOT HELD" in each} == {form(each) for each in said[:-1]}  # fmt: skip
    assert said[-1].startswith("No rate was held")
