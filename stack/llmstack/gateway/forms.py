"""What nearly all events of a stream are like: the next text, and nothing else that differs."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The text of an event, as it is written in JSON.
_TEXT = re.compile(
    rb'"(?:content|text|reasoning_content|reasoning)": ?"((?:[^"\\\r\n]++|\\[^\r\n])++)"'
)
#: What may stand between its quotes; nothing is no text.
_WORDS = re.compile(rb'(?:[^"\\\r\n]++|\\[^\r\n])++')


@dataclass(frozen=True, slots=True)
class Form:
    """What stands before and after the text in each event, with the lines that frame it."""

    before: bytes
    after: bytes

    def fits(self, event: bytes) -> bool:
        """Tell whether an event differs from the one that was read in the words of its text alone.

        So it says as much as that: a further piece of text.
        """
        return (
            event.startswith(self.before)
            and event.endswith(self.after)
            and _WORDS.fullmatch(event, len(self.before), len(event) - len(self.after)) is not None
        )


def form_of(data: bytes) -> Form | None:
    """Return the form of an event that brought one text and told nothing else, by its data."""
    text = _TEXT.search(data)
    if text is None or b"\n" in data:
        return None
    return Form(b"data: " + data[: text.start(1)], data[text.end(1) :] + b"\n\n")
