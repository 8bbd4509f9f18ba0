"""The file: what it says, and what is said where it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from llmstack.cli import main
from llmstack.errors import ConfigurationError
from llmstack.watchdog.configuration import Configuration, Program, read_configuration
from llmstack.watchdog.lifecycle import Policy


def written(folder: Path, text: str) -> Path:
    path = folder / "watchdog.yaml"
    path.write_text(text)
    return path


def test_all_that_can_be_said(tmp_path: Path) -> None:
    """Every key, with folders from where the file is."""
    path = written(
        tmp_path,
        """
        listen: 0.0.0.0:9200
        programs:
          engine:
            command: [vllm, serve, "8000"]
            folder: models
            environment: {HF_TOKEN: secret}
            health: http://127.0.0.1:8000/health
            output: engine.log
            interval_seconds: 11
            timeout_seconds: 6
            stop_grace_seconds: 31
            failures: 4
            hang_seconds: 130
            start_grace_seconds: 0
            backoff_seconds: 0.5
            longest_backoff_seconds: 61
            stable_seconds: 301
            max_restarts: 7
            window_seconds: 3601
          gateway:
            command: llmstack gateway --name 'my models'
        """,
    )
    engine = Program(
        "engine",
        ("vllm", "serve", "8000"),
        tmp_path / "models",
        {"HF_TOKEN": "secret"},
        "http://127.0.0.1:8000/health",
        11,
        6,
        31,
        tmp_path / "engine.log",
        Policy(True, 4, 130, 0, 0.5, 61, 301, 7, 3601),
    )
    gateway = Program("gateway", ("llmstack", "gateway", "--name", "my models"), tmp_path)

    assert Configuration((engine, gateway), ("0.0.0.0", 9200)) == read_configuration(path)


def test_what_is_not_said(tmp_path: Path) -> None:
    """Loopback, port 9102, 120 s to a hang, pauses from 1 to 60 s."""
    found = read_configuration(written(tmp_path, "programs: {a: {command: true-ish}}"))
    policy = found.programs[0].policy

    assert ("127.0.0.1", 9102) == found.listen
    assert (120, 1, 60) == (
        policy.hang_seconds,
        policy.backoff_seconds,
        policy.longest_backoff_seconds,
    )


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["expected programs and how to start them, got nothing"]),
        ("programs: {}", ["programs: expected one program or more, by name, got {}"]),
        ("programs: {a: {}}", ["programs.a.command: expected a list of words, or a line of them, got nothing"]),
        ("programs: {a: sleep}", ["programs.a: expected a command and how to watch it, got 'sleep'"]),
        ("programs: {a: {command: [sleep, 3]}}", ["programs.a.command[1]: expected text, got a number: 3; put it in quotes"]),
        ("programs: {a: {command: \"it's\"}}", ["programs.a.command: No closing quotation: it's"]),
        ("programs: {a: {command: x, helth: y}}", ["programs.a.helth: no such key; the nearest is health"]),
        ("programs: {a: {command: x}}\nlisten: 9102", ["listen: expected host:port such as 127.0.0.1:9102, got 9102"]),
        ("programs: {a: {command: x, health: localhost/health}}", ["programs.a.health: expected a URL such as http://127.0.0.1:8000/health, got 'localhost/health'"]),
        ("programs: {a: {command: x, hang_seconds: -1}}", ["programs.a.hang_seconds: expected a number of seconds, above 0, got -1"]),
        ("programs: {a: {command: x, hang_seconds: .nan}}", ["programs.a.hang_seconds: expected a number of seconds, above 0, got nan"]),
        ("programs: {a: {command: x, failures: 1.5}}", ["programs.a.failures: expected a whole number, above 0, got 1.5"]),
        ("programs: {a: {command: x, failures: true}}", ["programs.a.failures: expected a whole number, above 0, got True"]),
        ("programs: {a: {command: x, start_grace_seconds: soon}}", ["programs.a.start_grace_seconds: expected a number of seconds, 0 or more, got 'soon'"]),
        ("programs: {a: {command: x, health: 'http://h/', hang_seconds: 15}}", ["programs.a.hang_seconds: expected more than interval_seconds + timeout_seconds (15), got 15: it would hang between two checks"]),
        ("programs: {a: {command: x, backoff_seconds: 90}}", ["programs.a.longest_backoff_seconds: expected backoff_seconds (90) or more, got 60"]),
        ("programs: {a: {command: x, failures: 0}, b: {folder: 3}}", ["programs.a.failures: expected a whole number, above 0, got 0", "programs.b.command: expected a list of words, or a line of them, got nothing", "programs.b.folder: expected text, got a number: 3; put it in quotes"]),
    ],
)  # fmt: skip
def test_what_cannot_be(text: str, problems: list[str], tmp_path: Path) -> None:
    """All of it is said at once, each with file, program and key."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as found:
        read_configuration(path)

    assert [f"{path}: {problem}" for problem in problems] == str(found.value).splitlines()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("programs: {a: {command: x}, a: {command: y}}", "the key a stands twice"),
        ("programs: {[a]: {command: x}}", "found unhashable key"),
        ("programs: [", "expected a YAML file, got"),
    ],
)
def test_what_is_no_yaml(text: str, said: str, tmp_path: Path) -> None:
    """Said with the line; of two programs of one name none vanishes."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as found:
        read_configuration(path)

    assert said in str(found.value)
    assert "line 1" in str(found.value) or "line 2" in str(found.value)


def test_no_file(tmp_path: Path) -> None:
    """Said with its path."""
    with pytest.raises(ConfigurationError, match=r"none\.yaml: expected a YAML file"):
        read_configuration(tmp_path / "none.yaml")


def test_values_of_environments_are_not_shown(tmp_path: Path) -> None:
    """Neither where they cannot be, nor in what a program looks like in a traceback."""
    path = written(tmp_path, "programs: {a: {command: x, environment: {KEY: 31337, B: hush}}}")
    with pytest.raises(ConfigurationError) as found:
        read_configuration(path)
    program = Program("a", ("x",), tmp_path, {"KEY": "hush"})

    assert f"{path}: programs.a.environment.KEY: expected text, got a number; put it in quotes" == str(found.value)  # fmt: skip
    assert "hush" not in repr(program)


def test_check_alone(tmp_path: Path) -> None:
    """`--check` reads the file, starts nothing, and ends with 1 where it cannot be used."""
    good = written(tmp_path, "programs: {a: {command: sleep 7, environment: {KEY: hush}}}")
    done = CliRunner().invoke(main, ["watchdog", str(good), "--check"])
    good.write_text("programs: 7")
    refused = CliRunner().invoke(main, ["watchdog", str(good), "--check"])

    assert (0, "a: sleep, watched: exits only\n") == (done.exit_code, done.output)
    assert (1, f"Error: {good}: programs: expected one program or more, by name, got 7\n") == (refused.exit_code, refused.output)  # fmt: skip
