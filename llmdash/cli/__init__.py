"""The command `llmdash`."""

from __future__ import annotations

from llmdash.cli.commands import main

__all__ = ["main"]
