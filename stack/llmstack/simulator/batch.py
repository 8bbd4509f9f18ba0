"""The sequences that an engine works on at a time, in the order in which work on them began.

All whose prompt is read get a token in each step, so what happens to them can be told ahead: when
the next block is needed, and when the answer ends. A step therefore touches only those to whom
something happens, however many are being written.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter

from llmstack.simulator.request import Request

#: A request, and since which tick it is being written: by it, old appointments are known.
_Appointments = defaultdict[int, list[tuple[Request, int]]]


class Batch:
    """Those whose prompts are being read, after those whose answers are being written."""

    def __init__(self, tokens_of_block: int) -> None:
        """Begin with none."""
        self._tokens_of_block = tokens_of_block
        self.writing: list[Request] = []
        self.reading: list[Request] = []
        #: Steps so far in which answers were written.
        self.tick = 0
        #: When the last step ended, in seconds.
        self.last_token = 0.0
        self._blocks_needed: _Appointments = defaultdict(list)
        self._ends: _Appointments = defaultdict(list)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.writing) + len(self.reading)

    @property
    def requests(self) -> list[Request]:
        """All of them, the newest last."""
        return self.writing + self.reading

    def write(self, request: Request) -> None:
        """Go on with a request whose prompt is read and whose first token (or next) is written."""
        self.writing.append(request)
        request.written_since = self.tick
        room = len(request.blocks) * self._tokens_of_block - request.tokens
        # Its last token is computed in the next step, so that takes the room of one.
        self._blocks_needed[self.tick + room + 2].append((request, self.tick))
        left = request.answer_tokens - request.generated
        self._ends[self.tick + left].append((request, self.tick))

    def in_need(self) -> list[Request]:
        """Return those who cannot get their next token without another block, the oldest first."""
        found = self._of(self._blocks_needed.pop(self.tick + 1, ()))
        return sorted(found, key=attrgetter("order"))

    def has_block(self, request: Request) -> None:
        """Take notice that one in need has got a block."""
        since = request.written_since
        self._blocks_needed[self.tick + 1 + self._tokens_of_block].append((request, since))

    def has_written(self, ends: float) -> list[Request]:
        """Give each answer that is being written its token; return those that end with it."""
        self.tick += 1
        self.last_token = ends
        ended = self._of(self._ends.pop(self.tick, ()))
        self.remove(ended)
        return ended

    def newest(self) -> Request:
        """Take the newest out."""
        request = (self.reading or self.writing).pop()
        self._settle(request)
        return request

    def remove(self, gone: list[Request]) -> None:
        """Take some out."""
        if not gone:
            return
        names = {request.id for request in gone}
        for request in gone:
            self._settle(request)
        self.writing = [request for request in self.writing if request.id not in names]
        self.reading = [request for request in self.reading if request.id not in names]

    def _settle(self, request: Request) -> None:
        if request.written_since < 0:
            return
        request.generated += self.tick - request.written_since
        request.computed = request.tokens - 1
        request.last_token = self.last_token
        request.written_since = -1

    def _of(self, appointments: list[tuple[Request, int]] | tuple[()]) -> list[Request]:
        return [request for request, since in appointments if request.written_since == since]
