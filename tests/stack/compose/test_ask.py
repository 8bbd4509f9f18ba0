"""What `make test-vllm` and the like ask, and what they print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.compose.files import STACK
from tests.stack.load.simulated import simulated


def ask(*words: str) -> subprocess.CompletedProcess[str]:
    # Outside of Triton's image nobody has named a model, and its tokenizer is none.
    return subprocess.run([sys.executable, STACK / "ask.py", *words], env={}, capture_output=True, text=True, check=False)  # fmt: skip


@pytest.mark.parametrize("engine", ["vllm", "triton-vllm"])
def test_text_is_answered_with_text(engine: str) -> None:
    """The model is asked for, and the question left out of the answer."""
    with simulated(engine) as url:
        done = ask(engine, url)

    assert 0 == done.returncode, done.stderr
    assert 1 < len(done.stdout.split()) <= 64
    assert "KV cache?" not in done.stdout


def test_tokens_are_asked_for_one_after_the_other() -> None:
    """Without a tokenizer they are bytes, which is told, and so are the answer's ids."""
    with simulated("triton-trtllm") as url:
        done = ask("triton-trtllm", url)
    words = done.stdout.split()

    assert 0 == done.returncode, done.stderr
    assert ["token", "ids"] == words[:2]
    assert all(word.isdigit() for word in words[2:])
    assert 1 < len(words[2:]) <= 64
    assert "no tokenizer here" in done.stderr


def test_nobody_answers() -> None:
    """Where to look is told."""
    done = ask("vllm", "http://127.0.0.1:9")

    assert 1 == done.returncode
    assert "vllm does not answer" in done.stderr
    assert "make status" in done.stderr


def test_an_engine_that_there_is_not(tmp_path: Path) -> None:
    """Those that there are are named."""
    done = ask("inn", str(tmp_path))

    assert 1 == done.returncode
    assert "an ENGINE is vllm, triton-vllm, triton-trtllm" in done.stderr
