"""What the watchdog supervises, as a YAML file says it; everything wrong with it is said at once.

::

    listen: 127.0.0.1:9102
    programs:
      engine:
        command: [vllm, serve, ./model, --port, "8000"]
        folder: /srv/models
        environment: {HF_HUB_OFFLINE: "1"}
        health: http://127.0.0.1:8000/health
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from llmstack.environment import LAST_PORT
from llmstack.errors import ConfigurationError
from llmstack.nearest import hint
from llmstack.watchdog.lifecycle import Policy

DEFAULT_LISTEN = ("127.0.0.1", 9102)


@dataclass(frozen=True)
class Program:
    """One program, and how it is watched; all times in seconds."""

    name: str
    command: tuple[str, ...]
    #: Where it is started; from the folder of the file, if not absolute.
    folder: Path
    #: Added to the watchdog's own. Values may be secrets: they are never shown.
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: What answers a GET with a status below 400 while the program is well; None: only exits count.
    health: str | None = None
    #: From the end of one check to the next, and what one may take.
    interval_seconds: float = 10.0
    timeout_seconds: float = 5.0
    #: From SIGTERM to SIGKILL.
    stop_grace_seconds: float = 30.0
    #: A file that what it prints is appended to; None: the watchdog's standard error.
    output: Path | None = None
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True)
class Configuration:
    """The whole file."""

    programs: tuple[Program, ...]
    #: Host and port of `/metrics` and `/health`.
    listen: tuple[str, int] = DEFAULT_LISTEN


_POLICY_COUNTS = ("failures", "max_restarts")
_POLICY_SECONDS = tuple(f.name for f in fields(Policy) if f.name.endswith("_seconds"))
_SECONDS = ("interval_seconds", "timeout_seconds", "stop_grace_seconds")
_KEYS = (
    *("command", "folder", "environment", "health", "output"),
    *(*_SECONDS, *_POLICY_COUNTS, *_POLICY_SECONDS),
)
#: These may be 0: no patience at all.
_MAY_BE_NONE = ("start_grace_seconds", "stop_grace_seconds", "stable_seconds")


def read_configuration(path: Path) -> Configuration:
    """Return what a file says.

    Raises:
        ConfigurationError: it cannot be read, or not be used; every problem is named.
    """
    try:
        # A fault in its syntax is told with line and column by the library.
        found = yaml.load(path.read_text("utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: expected a YAML file, got {error}") from error
    reader = _Reader(path)
    configuration = reader.configuration(found)
    if reader.problems:
        raise ConfigurationError("\n".join(f"{path}: {problem}" for problem in reader.problems))
    return configuration


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: of two programs of one name the first would vanish."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping."""
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Reader:
    """Reads one file, and collects what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path, self.problems = path, list[str]()

    def configuration(self, found: object) -> Configuration:
        if not isinstance(found, dict):
            self._expected("", "programs and how to start them", found)
            return Configuration(())
        self._refuse_unknown("", found, ("listen", "programs"))
        programs = found.get("programs")
        if not isinstance(programs, dict) or not programs:
            self._expected("programs", "one program or more, by name", programs)
            programs = {}
        read = [self._program(str(name), said) for name, said in programs.items()]
        return Configuration(
            tuple(program for program in read if program is not None),
            self._listen(found["listen"]) if "listen" in found else DEFAULT_LISTEN,
        )

    def _program(self, name: str, said: object) -> Program | None:
        where = f"programs.{name}"
        if not isinstance(said, dict):
            self._expected(where, "a command and how to watch it", said)
            return None
        self._refuse_unknown(where, said, _KEYS)
        before = len(self.problems)

        def read(key: str, reader: Callable[[str, Any], Any], otherwise: Any) -> Any:
            return reader(f"{where}.{key}", said[key]) if key in said else otherwise

        values: dict[str, Any] = {
            "command": self._command(f"{where}.command", said.get("command")),
            "folder": (self.path.parent / read("folder", self._text, ".")).absolute(),
            "environment": read("environment", self._environment, {}),
            "health": read("health", self._health, None),
        }
        output = read("output", self._text, None)
        values["output"] = output and (self.path.parent / output).absolute()
        values |= {key: self._number(where, key, said[key]) for key in _SECONDS if key in said}
        policy: dict[str, Any] = {
            key: self._number(where, key, said[key])
            for key in (*_POLICY_COUNTS, *_POLICY_SECONDS)
            if key in said
        }
        if len(self.problems) > before:
            return None
        program = Program(name, policy=Policy(values["health"] is not None, **policy), **values)
        self._refuse_contradictions(where, program)
        return program

    def _refuse_contradictions(self, where: str, program: Program) -> None:
        policy = program.policy
        between = program.interval_seconds + program.timeout_seconds
        if policy.has_health and policy.hang_seconds <= between:
            self.problems.append(
                f"{where}.hang_seconds: expected more than interval_seconds + timeout_seconds "
                f"({between:g}), got {policy.hang_seconds:g}: it would hang between two checks"
            )
        if policy.longest_backoff_seconds < policy.backoff_seconds:
            self.problems.append(
                f"{where}.longest_backoff_seconds: expected backoff_seconds "
                f"({policy.backoff_seconds:g}) or more, got {policy.longest_backoff_seconds:g}"
            )

    def _command(self, where: str, found: object) -> tuple[str, ...]:
        if isinstance(found, str):
            try:
                found = shlex.split(found)
            except ValueError as error:
                self.problems.append(f"{where}: {error}: {found}")
                return ()
        if not isinstance(found, list) or not found:
            self._expected(where, "a list of words, or a line of them", found)
            return ()
        return tuple(self._text(f"{where}[{at}]", word) for at, word in enumerate(found))

    def _environment(self, where: str, found: object) -> dict[str, str]:
        if not isinstance(found, dict):
            self._expected(where, "names with values", None)
            return {}
        for name, value in found.items():
            if not isinstance(value, str):
                # The value may be a secret: only what kind it is of is said.
                self.problems.append(
                    f"{where}.{name}: expected text, got {_kind(value)}; put it in quotes"
                )
        return {str(name): str(value) for name, value in found.items()}

    def _health(self, where: str, found: object) -> str:
        text = self._text(where, found)
        try:
            parts = urlsplit(text)
            is_usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable:
            self._expected(where, "a URL such as http://127.0.0.1:8000/health", found)
        return text

    def _listen(self, found: object) -> tuple[str, int]:
        host, _, port = str(found).rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > LAST_PORT:
            self._expected("listen", "host:port such as 127.0.0.1:9102", found)
            return DEFAULT_LISTEN
        return host.strip("[]"), int(port)

    def _number(self, where: str, key: str, found: object) -> float | int:
        is_count = key in _POLICY_COUNTS
        is_number = isinstance(found, int if is_count else (int, float))
        if is_number and not isinstance(found, bool):
            assert isinstance(found, int | float)
            # Also refuses what is not a number (.nan), which no comparison is true of.
            if 0 < found < float("inf") or (found == 0 and key in _MAY_BE_NONE):
                return found
        least = "0 or more" if key in _MAY_BE_NONE else "above 0"
        kind = "a whole number" if is_count else "a number of seconds"
        self._expected(f"{where}.{key}", f"{kind}, {least}", found)
        return 1

    def _text(self, where: str, found: object) -> str:
        if not isinstance(found, str):
            hint = f"{found!r}; put it in quotes"
            self.problems.append(f"{where}: expected text, got {_kind(found)}: {hint}")
        elif not found or "\0" in found:
            self._expected(where, "text", found)
        return str(found)

    def _refuse_unknown(
        self, where: str, found: Mapping[Any, object], known: tuple[str, ...]
    ) -> None:
        for key in found:
            if key not in known:
                told = hint(str(key), known)
                self.problems.append(f"{_join(where, key)}: no such key; {told}")

    def _expected(self, where: str, what: str, found: object) -> None:
        got = "nothing" if found is None else repr(found)
        self.problems.append(f"{_join(where)}{': ' if where else ''}expected {what}, got {got}")


def _join(*parts: object) -> str:
    return ".".join(str(part) for part in parts if part != "")


def _kind(found: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing"}
    return names.get(type(found), f"a {type(found).__name__}")


def environment_of(program: Program) -> dict[str, str]:
    """Return all of a program's environment: the watchdog's own, and what its entry adds."""
    return {**os.environ, **program.environment}
