"""`python -m llmdash` is the command."""

from llmdash.cli import main

if __name__ == "__main__":
    main(prog_name="llmdash")
