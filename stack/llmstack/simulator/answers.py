"""What answers say, and how long they are where the client leaves it to the model."""

from __future__ import annotations

import math
import random

#: One token each; no letter of them needs to be escaped in JSON.
WORDS = (
    *(" the", " a", " of", " to", " and", " in", " is", " that", " it", " for", " on", " with"),
    *(" as", " this", " by", " from", " at", " or", " an", " be", " are", " was", " which", " has"),
    *(
        " not",
        " but",
        " its",
        " more",
        " than",
        " one",
        " all",
        " time",
        " first",
        " most",
        " also",
    ),
    *(" other", " new", " when", " over", " model", " tokens", " answer", " question", " because"),
    *(" between", " each", " while", " through", " after", " work", " made", " long", " same"),
)
#: The median and the 99th percentile of answers in Azure's trace of conversations of 2023, in
#: tokens; they follow a log-normal distribution closely enough for what is shown of them.
MEDIAN, P99 = 129, 601
_SPREAD = math.log(P99 / MEDIAN) / 2.326


class Lengths:
    """Draws how long answers would be if nothing limited them."""

    def __init__(self, seed: str) -> None:
        """Begin: equal seeds draw equal lengths."""
        self._random = random.Random(seed)
        # Apart, so that answers are as long as they would be without an incident.
        self._chances = random.Random(f"{seed}/chances")

    def draw(self) -> int:
        """Return the tokens of one answer."""
        return max(1, round(self._random.lognormvariate(math.log(MEDIAN), _SPREAD)))

    def chance(self, share: float) -> bool:
        """Tell whether something happens that happens to a share of all."""
        return share > 0 and self._chances.random() < share


def word(request: int, number: int) -> str:
    """Return one token of an answer."""
    return WORDS[(request * 7 + number * (1 + request % 5)) % len(WORDS)]


def text(request: int, tokens: int) -> str:
    """Return an answer as a whole."""
    return "".join(word(request, number) for number in range(tokens))
