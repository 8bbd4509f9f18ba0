"""The command, and the seam: a made-up machine that is asked, and this one."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmstack import cli
from llmstack.cli import main
from llmstack.memory_budget import GB
from llmstack.preflight import machine as seam
from llmstack.preflight.facts import gather
from llmstack.preflight.images import TRITON, VLLM, image
from llmstack.preflight.judge import preflight
from llmstack.preflight.machine import Disk, PortState, ThisMachine
from llmstack.preflight.profiles import PROFILES, profile
from llmstack.preflight.report import Finding, Verdict, as_json, failed, told
from llmstack.preflight.settings import read_settings
from tests.stack.preflight.machines import MadeMachine, good_machine, said


def test_a_good_machine_is_asked_and_judged() -> None:
    """From what its programs say to nothing that fails."""
    asked = profile("triton-vllm")
    settings = read_settings(asked, {"MODEL_NAME": "meta-llama/Llama-3.3-70B-Instruct", "HF_TOKEN": "hush", "TP_SIZE": "2", "QUANTIZATION": "fp8"})  # fmt: skip
    machine = good_machine()
    found = preflight(machine, asked, settings)

    assert [] == [finding for finding in found if finding.verdict is not Verdict.OK]
    assert f"docker image inspect nvcr.io/{TRITON}:25.10-vllm-python-py3" in machine.asked
    assert "127.0.0.1:8102" in machine.asked
    assert "hush" not in told(found) + "".join(machine.asked)


def test_an_image_that_is_there_already() -> None:
    """Docker is asked for it, and then needs no room for it."""
    asked = profile("vllm")
    settings = read_settings(asked, {"MODEL_NAME": "Qwen/Qwen3-32B"})
    facts = gather(good_machine(**{"docker image": said("[{}]")}), settings)

    assert facts.has_image


def test_a_model_on_the_disk() -> None:
    """Its config.json says its memory and precision; a name that is no folder is looked for in the cache."""
    asked, here = profile("vllm"), good_machine()
    here.readable = frozenset({"/m", "/m/config.json"})
    here.texts = {"/m/config.json": '{"torch_dtype": "bfloat16"}'}
    of_path = gather(here, read_settings(asked, {"MODEL_NAME": "/m"})).model
    here.texts = {}
    of_faulty = gather(here, read_settings(asked, {"MODEL_NAME": "/m"})).model
    here.there = frozenset({"/cache/hub/models--Qwen--Qwen3-32B/snapshots"})
    of_name = gather(here, read_settings(asked, {"MODEL_NAME": "Qwen/Qwen3-32B", "MODEL_CACHE_DIR": "/cache"})).model  # fmt: skip

    assert (True, True, "bf16") == (of_path.exists, of_path.is_readable, of_path.precision)
    assert of_path.shape is not None
    assert (None, "/m/config.json: expected a config.json") == (of_faulty.shape, of_faulty.problem)
    assert of_name.is_cached
    assert of_name.shape is not None


@pytest.mark.parametrize("profile_name", [each.name for each in PROFILES])
def test_a_machine_without_anything_is_judged(
    profile_name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command ends with 1, a line for each check and a sum; in JSON the same."""
    monkeypatch.setattr(seam, "ThisMachine", MadeMachine)
    monkeypatch.chdir(tmp_path)
    run = CliRunner(env={"MODEL_NAME": "Qwen/Qwen3-32B", "HF_TOKEN": "hush"}).invoke
    text = run(main, ["preflight", profile_name])
    document = run(main, ["preflight", profile_name, "--output", "json"])
    read = json.loads(document.output)
    lines = text.output.splitlines()

    assert (1, 1) == (text.exit_code, document.exit_code)
    assert (profile_name, False) == (read["profile"], read["ready"])
    assert [check["check"] for check in read["checks"]] == [line[9:].split("  ")[0] for line in lines[:-2]]  # fmt: skip
    assert "fail     docker" in text.output
    assert "hush" not in text.output + document.output


def test_ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command ends with 0, and reads `.env` of the folder; the environment wins."""
    monkeypatch.setattr(seam, "ThisMachine", good_machine)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("MODEL_NAME=Qwen/Qwen3-32B\nVLLM_PORT=8123\nGATEWAY_PORT=8124\n")
    done = CliRunner(env={"GATEWAY_PORT": "8125"}).invoke(main, ["preflight", "vllm"])

    assert 0 == done.exit_code, done.output
    assert "port 8123" in done.output
    assert "port 8125" in done.output
    assert done.output.endswith("\n\n17 ok, 0 warn, 0 fail, 0 skipped\n")


def test_settings_that_cannot_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All are said before anything is asked, an image that is not in the table too; so is no file."""
    monkeypatch.chdir(tmp_path)
    run = CliRunner(env={"TP_SIZE": "two"}).invoke
    wrong = run(main, ["preflight", "vllm"], env={"VLLM_IMAGE": "mine:1"})
    no_file = run(main, ["preflight", "vllm", "--env-file", "none"])

    assert (
        "Error: VLLM_IMAGE: expected nvidia/tritonserver or vllm/vllm-openai, with any tag, got 'mine:1'\n"
        "TP_SIZE: expected a whole number from 1 to 1024, got 'two'\n"
    ) == wrong.output
    assert "Error: none: expected a file of KEY=value" in no_file.output
    assert [1, 1] == [done.exit_code for done in (wrong, no_file)]


def test_profiles() -> None:
    """Those that the command offers are all; each image of theirs is in the table."""
    assert tuple(each.name for each in PROFILES) == cli._PROFILES
    served = [f"nvcr.io/{TRITON}", f"nvcr.io/{TRITON}"]
    assert [VLLM, *served] == [each.image.partition(":")[0] for each in PROFILES if each.image]
    assert all(image(each.image).driver for each in PROFILES if each.image)


def test_lines() -> None:
    """Verdict, check, what was found, what is needed, what to do; then a sum."""
    findings = [
        Finding("driver", Verdict.OK, "driver 580", "driver 580 or newer"),
        Finding("memory free", Verdict.FAIL, "9 GB in use", "10 GB", "end it"),
        Finding("model", Verdict.SKIPPED, "not known"),
    ]

    assert (
        "ok       driver       driver 580; needs driver 580 or newer\n"
        "fail     memory free  9 GB in use; needs 10 GB -> end it\n"
        "skipped  model        not known\n"
        "\n"
        "1 ok, 0 warn, 1 fail, 1 skipped"
    ) == told(findings)
    assert failed(findings)
    assert {"check": "model", "verdict": "skipped", "found": "not known", "needed": "", "remedy": ""} == json.loads(as_json("sim", findings))["checks"][2]  # fmt: skip


# --- this machine ---------------------------------------------------------------------------------


def test_programs_are_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status and all that was printed; one that is not there is None, one that cannot run fails."""
    program, broken = tmp_path / "told", tmp_path / "broken"
    program.write_text("#!/bin/sh\necho out $1; echo err >&2; exit 3\n")
    broken.write_text("#!/no/such/interpreter\n")
    for each in (program, broken):
        each.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    here = ThisMachine()

    assert (3, "out a\nerr") == here.run("told", "a")
    assert here.run("no-such-program") is None
    assert (126, True) == ((broken_found := here.run("broken") or (0, ""))[0], bool(broken_found[1]))  # fmt: skip


def test_ports_of_this_machine() -> None:
    """One that somebody listens on is taken, on whichever address; afterwards it is free."""
    here = ThisMachine()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = [here.port(host, port) for host in ("0.0.0.0", "127.0.0.1")]

    assert [PortState.TAKEN, PortState.TAKEN] == found
    assert PortState.FREE is here.port("0.0.0.0", port)
    assert PortState.ELSEWHERE is here.port("192.0.2.1", port)


def test_files_of_this_machine(tmp_path: Path) -> None:
    """A disk is that of the nearest folder; what is not there has no text and is not readable."""
    here, file = ThisMachine(), tmp_path / "config.json"
    file.write_text("{}")
    disk = here.disk(tmp_path / "not" / "yet")

    assert isinstance(disk, Disk)
    assert tmp_path.stat().st_dev == disk.device
    assert 0 < disk.free_bytes < 10**7 * GB
    assert (True, "{}") == (here.is_readable(file), here.text(file))
    assert (False, "") == (here.is_readable(tmp_path / "none"), here.text(tmp_path / "none"))
    assert [True, False] == [here.exists(tmp_path), here.exists(tmp_path / "none")]
