"""`python -m llmstack`."""

from __future__ import annotations

from llmstack.cli import main

if __name__ == "__main__":
    main(prog_name="llmstack")
