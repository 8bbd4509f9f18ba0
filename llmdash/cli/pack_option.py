"""The option that chooses a pack; several commands have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from llmdash.pack import Pack

pack_option = click.option(
    "--pack",
    "reference",
    metavar="MODULE:NAME",
    help="Build your own pack instead of the one that ships.",
)


def chosen_pack(reference: str | None) -> Pack:
    """Return the pack that was chosen, or the one that ships."""
    from llmdash.pack import DEFAULT, load_pack

    return DEFAULT if reference is None else load_pack(reference)
