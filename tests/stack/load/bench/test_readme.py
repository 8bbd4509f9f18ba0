"""The comparison that README.md shows is one that the command makes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner

from llmstack.cli import main
from llmstack.load.program import NOT_TO_BE_TRUSTED, WELL
from tests.stack.load.bench.playing import STEADY, played

README = (Path(__file__).resolve().parents[4] / "README.md").read_text()
(BLOCK,) = [block for block in re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL) if "llmstack bench" in block]  # fmt: skip
COMMAND = " ".join(re.findall(r"^\$ (llmstack bench (?:.*\\\n)*.*)", BLOCK)[0].split("\\\n"))


def names(lines: Sequence[str]) -> set[str]:
    """What stands at the begin of the lines of tables and of differences."""
    return {re.split(r"  |: ", line.strip())[0] for line in lines if line.strip()}


def test_the_readme_shows_what_the_command_prints(tmp_path: Path) -> None:
    """Each row and each difference, of servers that are played (here for a moment, at other ports)."""
    shown = BLOCK.splitlines()[BLOCK.count("\\\n") + 1 :]
    with played(rates=STEADY) as vllm, played("triton-vllm", STEADY) as triton:
        line = COMMAND
        for own, free in (
            ("http://127.0.0.1:8002/metrics", triton.metrics),
            ("http://127.0.0.1:8001", triton.url),
            ("http://127.0.0.1:8000", vllm.url),
            ("--duration 20", "--total 2"),
            ("--rounds 5", "--rounds 2"),
            ("--output compared", f"--output {tmp_path / 'compared'}"),
        ):
            assert own in line
            line = line.replace(own, free)
        # What is played here takes no longer prompts; answers are so long that runs are looked at.
        line = re.sub(r"--prompt-tokens \S+", "", line)
        words = [*shlex.split(line)[1:], "--log-every", "0", "--prompt-tokens", "const:20"]
        done = CliRunner().invoke(main, words, catch_exceptions=False)

    assert done.exit_code in (WELL, NOT_TO_BE_TRUSTED), done.output
    said = names(done.output.splitlines())
    assert set() == names(shown) - said
    assert {"bench.html", "bench.json", "bench.md"} <= {
        path.name for path in (tmp_path / "compared").iterdir()
    }
