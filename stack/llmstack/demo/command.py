"""The command: finds what the demonstration needs, and runs it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from llmstack.demo.grafana import image_that_is_here
from llmstack.demo.program import Wanted, demonstrate
from llmstack.demo.stage import Stage, free_ports
from llmstack.errors import ConfigurationError
from llmstack.simulator.incidents import Incident

#: An incident begins after so many seconds, when all is seen to be well, and lasts so long.
BEGINS, LASTS = 60, 1800
#: What it exits with when it was told to end before its first table, as shells tell of Ctrl-C.
INTERRUPTED = 130


def run(
    incident: str,
    grafana_url: str,
    say: Callable[[str], None],
    *,
    generated: Path,
    prometheus: Path | None,
    alertmanager: Path | None,
    seconds: float | None,
    plain: bool,
    seed: int,
) -> None:
    """Run the demonstration.

    Raises:
        ConfigurationError: there is no such incident, or something that is needed is missing.
    """
    make = partial(
        Stage,
        generated=generated,
        ports=free_ports(),
        prometheus=program_at(prometheus, "prometheus"),
        alertmanager=program_at(alertmanager, "prometheus-alertmanager", "alertmanager"),
        incident=_planned(incident) if incident else "",
        seed=seed,
        grafana_image="" if grafana_url else image_that_is_here(os.environ),
    )
    try:
        asyncio.run(demonstrate(Wanted(seconds, plain, grafana_url), make, say))
    except asyncio.CancelledError as error:
        raise SystemExit(INTERRUPTED) from error


def _planned(incident: str) -> str:
    try:
        Incident(incident, BEGINS, LASTS)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    return f"{incident}@{BEGINS}+{LASTS}"


def program_at(named: Path | None, *names: str) -> Path:
    """Return where a program is: where somebody says, or else where one of these names is found.

    Programs are started in a folder of their own, so the path is from the root.

    Raises:
        ConfigurationError: it is not there, or cannot be run.
    """
    if named is not None:
        if shutil.which(named.absolute()) is None:
            raise ConfigurationError(f"--{names[-1]} {named}: expected a program, got none")
        return named.absolute()
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return Path(path).absolute()
    raise ConfigurationError(
        f"{names[0]} is not on PATH; name it with --{names[-1]}, or run make demo: that installs it"
    )
