"""The files of the stack, and how its scripts are run without Docker."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from llmstack.preflight.settings import read_env_file

ROOT = Path(__file__).resolve().parents[3]
STACK = ROOT / "stack"
FILES = sorted((*STACK.glob("*.yaml"), *STACK.glob("engines/*.yaml")))


def example() -> dict[str, str]:
    return read_env_file(STACK / ".env.example")


def documents() -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in FILES}


def variables(text: str) -> set[str]:
    """The keys that a compose file takes from the environment: in braces, and those passed on as they are."""
    passed = re.findall(r"^ +([A-Z][A-Z0-9_]+):$", text, re.MULTILINE)
    return set(re.findall(r"\$\{([A-Z][A-Z0-9_]+)", text)) | set(passed)


def module(path: str) -> ModuleType:
    """A script of the stack, which is in no package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, STACK / path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def sh(script: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": environment.pop("PATH", os.environ["PATH"])}
    command = ["bash", str(script), *arguments]
    return subprocess.run(
        command, env={**path, **environment}, capture_output=True, text=True, check=False
    )


def program(folder: Path, name: str, says: str) -> None:
    """A program that prints."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
