"""Starts a command with the keys of stack/.env: `with_env.py COMMAND…`. The environment wins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from llmstack.preflight.settings import read_env_file

if __name__ == "__main__":
    file = Path(__file__).resolve().parent / ".env"
    keys = read_env_file(file) if file.is_file() else {}
    os.execvpe(sys.argv[1], sys.argv[1:], {**keys, **os.environ})
