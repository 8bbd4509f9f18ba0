"""What nearly all events of a stream are like: one token, in a chunk of HTTP of its own.

A glance at such a chunk as it comes is enough. Code that waits for the next token is cold in a
processor's caches and takes several times as long as one that is measured by itself, so the fewest
steps count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from llmstack.http_chunk import EVENT_BEGIN, EVENT_END

#: A text that is read with a glance: it does not end before it seems to, nor does its event.
_PLAIN = rb'[^"\n]'
#: The text of an event, as it is written in JSON.
_TEXT = re.compile(rb'"(?:content|text)": ?"((?:[^"\\]|\\.)*)"')
#: What comes before the numbers of an event that counts, and all numbers. Those of the prompt are
#: alike in a stream but not in the next, and a pattern takes the better part of a millisecond.
_COUNTS = re.compile(rb'"(?:prompt|completion|total)_tokens": ?')
_NUMBERS = re.compile(rb'("completion_tokens": ?)?((?<=: )\d+|(?<=:)\d+)')


class Alike:
    """What stands before and after the text in each event, in which nothing else differs."""

    __slots__ = ("_before", "_rest", "ends", "is_counted", "prefix")

    def __init__(self, before: bytes, rest: _Rest) -> None:
        """Know what stands around the text.

        Args:
            before: from the beginning of the data of an event.
            rest: the text and what follows.
        """
        self._before, self._rest = before, rest.of_event
        #: Whether events say how many tokens there are so far.
        self.is_counted = rest.is_counted
        #: What stands in a chunk between its length and the text.
        self.prefix = EVENT_BEGIN + before
        #: Matches from there to the end of the chunk; where events count, its group says how many.
        self.ends = rest.of_chunk.fullmatch

    def event(self, data: bytes) -> int | None:
        """Return how many tokens there are so far as an event says, or 0 if it does not.

        None where it is of another form, and has to be read.

        Args:
            data: of the event.
        """
        if not data.startswith(self._before):
            return None
        found = self._rest.fullmatch(data, len(self._before))
        if found is None:
            return None
        return int(found[1]) if self.is_counted else 0


def learnt(event: bytes, *, is_counted: bool) -> Alike | None:
    """Return the form of an event that brought one token and told nothing else.

    Args:
        event: its data.
        is_counted: whether it says how many tokens there are so far.
    """
    text = _TEXT.search(event)
    if text is None or (not text[1] and not is_counted):
        return None
    rest = _rest(event[text.end(1) :], is_counted)
    return None if rest is None else Alike(event[: text.start(1)], rest)


@dataclass(frozen=True)
class _Rest:
    """A text and what follows it, as patterns: to the end of an event, and of its chunk."""

    of_event: re.Pattern[bytes]
    of_chunk: re.Pattern[bytes]
    is_counted: bool


@lru_cache(maxsize=64)
def _rest(after: bytes, is_counted: bool) -> _Rest | None:
    form = _counted(after) if is_counted else _PLAIN + b"+" + re.escape(after)
    if form is None:
        return None
    return _Rest(re.compile(form), re.compile(form + re.escape(EVENT_END)), is_counted)


def _counted(after: bytes) -> bytes | None:
    """Return a pattern of a text, which may be empty, and what follows with other numbers in it."""
    first = _COUNTS.search(after)
    if first is None:
        return None
    form, end = _PLAIN + b"*" + re.escape(after[: first.start()]), first.start()
    for number in _NUMBERS.finditer(after, first.start()):
        form += re.escape(after[end : number.start(2)])
        # Before the first token there is none.
        form += rb"(0*[1-9]\d*)" if number[1] else rb"\d+"
        end = number.end(2)
    form += re.escape(after[end:])
    return form if form.count(b"(") == 1 else None
