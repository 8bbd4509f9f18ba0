"""Kinds of prompts, how often each is asked, and how long prompts and answers of each are.

The shares are those of the requirement. The lengths are our own choice, in the proportions that
such tasks have: short questions have short answers, reasoning writes most for what it reads; a
server that is asked for all of them sees lengths over two orders of magnitude.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from llmstack.errors import SettingsError
from llmstack.load.lengths import Lengths, Lognormal
from llmstack.load.specification import one_of


@dataclass(frozen=True)
class Kind:
    """One kind of prompt."""

    name: str
    #: Of all requests.
    share: float
    prompt: Lengths
    answer: Lengths


MIX: tuple[Kind, ...] = (
    Kind("short_qa", 0.30, Lognormal(60, 0.5), Lognormal(60, 0.5)),
    Kind("medium_explain", 0.25, Lognormal(150, 0.5), Lognormal(350, 0.5)),
    Kind("code_gen", 0.20, Lognormal(500, 0.8), Lognormal(500, 0.6)),
    Kind("reasoning", 0.15, Lognormal(350, 0.6), Lognormal(1000, 0.6)),
    Kind("long_form", 0.10, Lognormal(250, 0.5), Lognormal(1500, 0.4)),
)


def mix(text: str) -> tuple[Kind, ...]:
    """Return kinds with other shares, such as `short_qa=1` or `code_gen=3,reasoning=1`.

    Shares are taken of their sum; kinds that are not named are not asked for.

    Raises:
        SettingsError: a kind that is not known, or a share that is none.
    """
    by_name = {kind.name: kind for kind in MIX}
    shares: dict[str, float] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, share = map(str.strip, part.partition("="))
        if name not in by_name:
            raise SettingsError(f"mix {text!r}: expected {one_of(name, by_name)}, got {name!r}")
        try:
            shares[name] = float(share)
        except ValueError:
            shares[name] = -1.0
        if not 0 <= shares[name] < 1e9:
            raise SettingsError(f"mix {text!r}: expected {name}=<number from 0>, got {part!r}")
    total = sum(shares.values())
    if not total:
        raise SettingsError(f"mix {text!r}: expected a share above 0, got none")
    return tuple(
        Kind(name, share / total, by_name[name].prompt, by_name[name].answer)
        for name, share in shares.items()
        if share
    )


def chosen(kinds: Sequence[Kind], chance: random.Random) -> Kind:
    """Return one of the kinds, each as often as its share says."""
    (kind,) = chance.choices(kinds, cum_weights=list(accumulate(kind.share for kind in kinds)))
    return kind
