"""Results as JSON: what was asked, of whom, and what came of it; they are read again by reports."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from llmstack.errors import ConfigurationError
from llmstack.load.address import without_credentials
from llmstack.load.distribution import Distribution
from llmstack.load.measuring import Measured, Part
from llmstack.load.runner import Run
from llmstack.load.seconds import Second
from llmstack.load.trust import lateness, missing

SCHEMA, VERSION = "llmstack.load", 1
PERCENTS = (50, 75, 90, 95, 99, 99.9)
#: Options whose values are nobody else's.
_SECRET = ("--header", "-H", "--api-key")
_PACKAGES = ("llmdash", "httptools", "hdrhistogram", "uvloop")

Document = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a run was asked to do."""

    #: What it is called in reports.
    name: str
    #: When it began, as ISO 8601 in UTC.
    started: str
    command: Sequence[str]
    target: Mapping[str, Any]
    load: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)


def document(
    asked: Asked, run: Run, measured: Measured, seconds: Iterable[Second] = ()
) -> Document:
    """Return all that is known of a run."""
    part = measured.all
    length = max(measured.last_ended, run.sending_ended) - run.measured_from
    late, absent = lateness(run, part), missing(run, part)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "name": asked.name,
        "started": asked.started,
        "command": without_secrets(asked.command),
        "environment": environment(),
        "target": dict(asked.target),
        "load": dict(asked.load),
        "seconds": round(max(0.0, length), 6),
        "is_interrupted": run.is_interrupted,
        "requests": {
            **_requests(part),
            "sent": run.sent,
            "not_sent": run.not_sent,
            "held_back": run.held_back,
            "warm_up": measured.warm_up,
        },
        **_part(part, length),
        "kinds": {
            kind: {"requests": _requests(each), **_part(each, length)}
            for kind, each in sorted(measured.kinds.items())
        },
        "client": {
            "is_trusted": not late and not absent,
            "is_late": bool(late),
            "is_whole": not absent,
            "doubts": [*late, *absent],
            "lag": figures(run.lag.seen),
            "late": figures(run.late),
            "cpu_seconds": round(cpu, 3),
        },
        "histograms": {
            metric: part.latencies[metric].encoded()
            for metric in ("ttft", "e2e", "tpot", "itl")
            if part.latencies[metric].count
        },
        "series": [each.row() for each in seconds],
        **asked.more,
    }


def _requests(part: Part) -> dict[str, Any]:
    return {
        "measured": part.measured,
        "answered": part.answered,
        "failed": part.failed,
        "unfinished": part.unfinished,
    }


def _part(part: Part, length: float) -> dict[str, Any]:
    def rate(count: int) -> float:
        return round(count / length, 4) if length > 0 else 0.0

    return {
        "failures": [
            {"kind": kind.value, "count": count, "example": part.examples[kind]}
            for kind, count in part.failures.most_common()
        ],
        "tokens": {
            "prompt": part.prompt_tokens,
            "answer": part.answer_tokens,
            "counted": {rule.value: count for rule, count in part.counted.most_common()},
            "finish_reasons": dict(part.finish_reasons.most_common()),
        },
        "rates": {
            "requests": rate(part.answered),
            "prompt_tokens": rate(part.prompt_tokens),
            "answer_tokens": rate(part.answer_tokens),
            "good_requests": rate(part.good) if part.objectives else None,
        },
        "latency": {metric: figures(each) for metric, each in part.latencies.items() if each.count},
        "objectives": [
            {
                "objective": str(objective),
                "share": round(within / count, 6) if count else None,
                "is_held": bool(count) and objective.is_held(within, count),
            }
            for objective, (within, count) in zip(part.objectives, part.within, strict=True)
        ],
        "good": part.good if part.objectives else None,
    }


def figures(seen: Distribution) -> dict[str, Any]:
    """Return what is told of lengths of time, in seconds."""
    if not seen.count:
        return {"count": 0}
    found = seen.percentiles(PERCENTS)
    told = {f"p{percent:g}": value for percent, value in zip(PERCENTS, found, strict=True)}
    values = {"mean": seen.mean, "min": seen.least, "max": seen.most, **told}
    return {"count": seen.count, **{name: round(value or 0.0, 6) for name, value in values.items()}}


def environment() -> dict[str, Any]:
    """Return what the client ran on."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": versions,
    }


def without_secrets(command: Sequence[str]) -> list[str]:
    """Return a command without values of headers and keys, and without what addresses hide."""
    told, hides = [], False
    for word in command:
        name, mark, _ = word.partition("=")
        if hides:
            told.append("…")
        elif mark and name in _SECRET:
            told.append(f"{name}=…")
        else:
            told.append(without_credentials(word))
        hides = not hides and word in _SECRET
    return told


def write(path: Path, found: Document) -> None:
    """Write results whole or not at all.

    Raises:
        ConfigurationError: they cannot be written there.
    """
    write_text(path, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ConfigurationError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            # mkstemp lets nobody else read; what others may is for the umask to say.
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot write: {error.strerror or error}") from error


def _umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


def read(path: Path) -> Document:
    """Return results that were written.

    Raises:
        ConfigurationError: they cannot be read, or are of another kind.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: expected JSON: {error}") from error
    kind = (found.get("schema"), found.get("version")) if isinstance(found, dict) else None
    if kind != (SCHEMA, VERSION):
        raise ConfigurationError(
            f"{path}: expected results of {SCHEMA} version {VERSION}, got {kind and kind[0]!r} "
            f"version {kind and kind[1]!r}; llmstack load --output writes them"
        )
    return dict(found)


def command_line() -> list[str]:
    """Return the command that runs."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]
