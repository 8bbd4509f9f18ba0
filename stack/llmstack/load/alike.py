"""What nearly all events of a stream are like: one token, in a chunk of HTTP of its own.

Such pieces are only kept with their times as they come, and are read many at once: a token comes
while other things are done, and code that is cold in a processor's caches takes twice as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from llmstack.http_chunk import one_chunk

#: What frames the data of an event, and what a chunk ends with that holds one.
_BEGIN, _END = b"data: ", b"\n\n"
CHUNK_END = _END + b"\r\n"
#: Texts with quotes are read with care: it could end at one.
_QUOTE = b'"'
#: The text of an event, as it is written in JSON.
_TEXT = re.compile(rb'"(?:content|text)": ?"((?:[^"\\]|\\.)*)"')
#: What comes before the numbers that are others in each event that counts, and all numbers.
_COUNTS = re.compile(rb'"(?:completion|total)_tokens": ?')
_NUMBERS = re.compile(rb'("completion_tokens": ?)?((?<=: )\d+|(?<=:)\d+)')


@dataclass(frozen=True, slots=True)
class Alike:
    """What stands before and after the text in each event, in which nothing else differs."""

    before: bytes
    #: Up to the end of the event; where events count, up to the first number that is another in
    #: each.
    after: bytes
    #: What follows then, of which one group is the tokens so far; None where events do not count.
    counts: re.Pattern[bytes] | None

    def glance(self, event: bytes) -> int | None:
        """Return how many tokens there are so far as an event says, or 0 where none does.

        None where it is of another form.

        Args:
            event: its data.
        """
        text = len(self.before)
        if not event.startswith(self.before):
            return None
        if self.counts is None:
            place = len(event) - len(self.after)
            is_alike = place > text and event.endswith(self.after)
            return 0 if is_alike and event.find(_QUOTE, text, place) < 0 else None
        place = event.find(self.after, text)
        if place < 0 or event.find(_QUOTE, text, place) >= 0:
            return None
        told = self.counts.fullmatch(event, place + len(self.after))
        return None if told is None else int(told[1])

    def read(self, pieces: Sequence[bytes]) -> list[int]:
        """Return how many tokens there are so far as each piece says, or 0 where none does.

        It ends before the first piece that is of another form, which has to be read with care.
        """
        found: list[int] = []
        for piece in pieces:
            event = one_chunk(piece)
            if not (event.startswith(_BEGIN) and event.endswith(_END)):
                break
            data = event[len(_BEGIN) : -len(_END)]
            told = None if b"\n" in data else self.glance(data)
            if told is None:
                break
            found.append(told)
        return found


def learnt(event: bytes, *, is_counted: bool) -> Alike | None:
    """Return the form of an event that brought one token and told nothing else.

    Args:
        event: its data.
        is_counted: whether it says how many tokens there are so far.
    """
    text = _TEXT.search(event)
    if text is None or (not text[1] and not is_counted):
        return None
    before, after = event[: text.start(1)], event[text.end(1) :]
    if not is_counted:
        return Alike(before, after, None)
    first = _COUNTS.search(after)
    counts = None if first is None else _counts(after[first.start() :], first.end() - first.start())
    return Alike(before, after[: first.end()], counts) if first and counts else None


def _counts(part: bytes, name: int) -> re.Pattern[bytes] | None:
    """Return a pattern for what follows the name that a part begins with, of so many bytes."""
    form, end = b"", name
    for number in _NUMBERS.finditer(part):
        form += re.escape(part[end : number.start(2)]) + (rb"(\d+)" if number[1] else rb"\d+")
        end = number.end(2)
    return _compiled(form + re.escape(part[end:])) if form.count(b"(") == 1 else None


@lru_cache(maxsize=64)
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern)
