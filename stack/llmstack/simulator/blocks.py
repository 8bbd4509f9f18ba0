"""Blocks of the KV cache: who holds which, and what free ones still remember of earlier prompts.

As in vLLM's V1 engine: a block is free when no request holds it, keeps what is in it until it is
taken for something else, and the one that was freed longest ago is taken first.
"""

from __future__ import annotations

from collections import OrderedDict

from llmstack.simulator.request import Key, Request

#: Tokens of a block, vLLM's default.
BLOCK_TOKENS = 16


class Blocks:
    """All blocks of one engine."""

    def __init__(self, total: int, tokens: int = BLOCK_TOKENS, *, remembers: bool = True) -> None:
        """Begin with all of them free.

        Args:
            total: how many there are.
            tokens: how many tokens one holds.
            remembers: whether prompts that begin alike share blocks.
        """
        self.total, self.tokens, self.remembers = total, tokens, remembers
        #: Blocks that an incident keeps from all requests.
        self.withheld = 0
        #: In the order in which they are taken.
        self._free: OrderedDict[int, None] = OrderedDict.fromkeys(range(total))
        self._holders = [0] * total
        self._key_of: dict[int, Key] = {}
        self._block_of: dict[Key, int] = {}
        #: Blocks that forgot what they held, since the beginning.
        self.evicted = 0

    @property
    def free(self) -> int:
        """How many no request holds."""
        return len(self._free)

    @property
    def available(self) -> int:
        """How many may be taken."""
        return max(0, len(self._free) - self.withheld)

    @property
    def used(self) -> int:
        """How many are held or withheld."""
        return self.total - self.available

    @property
    def remembered(self) -> int:
        """How many free ones hold the beginning of a prompt."""
        return sum(1 for block in self._free if block in self._key_of)

    @property
    def usage(self) -> float:
        """The share that is held; what only the cache remembers counts as free."""
        return self.used / self.total

    def found(self, request: Request) -> list[int]:
        """Return the blocks of a request's beginning that are in the cache, whoever holds them.

        The last token is always computed: without it there is nothing to go on from.
        """
        if not self.remembers:
            return []
        found = []
        for number in range((request.tokens - 1) // self.tokens):
            block = self._block_of.get(request.key(number))
            if block is None:
                break
            found.append(block)
        return found

    def begin(self, request: Request, found: list[int], tokens: int) -> bool:
        """Give a request what was found for it, and room for more tokens; or nothing at all.

        Args:
            request: it holds no blocks.
            found: what `found` said in this step.
            tokens: how many it needs room for, those in the found blocks included.
        """
        needed = -(-tokens // self.tokens) - len(found)
        idle = sum(1 for block in found if not self._holders[block])
        if needed > self.available - idle:
            return False
        for block in found:
            if not self._holders[block]:
                del self._free[block]
            self._holders[block] += 1
        request.blocks.extend(found)
        request.computed = len(found) * self.tokens
        request.known_blocks = len(found)
        self._take(request, needed)
        return True

    def extend(self, request: Request, tokens: int) -> bool:
        """Give a request room for so many tokens in all, or nothing at all."""
        needed = -(-tokens // self.tokens) - len(request.blocks)
        if needed <= 0:
            return True
        if needed > self.available:
            return False
        self.remember(request)
        self._take(request, needed)
        return True

    def grow(self, request: Request) -> bool:
        """Give a request one more block; tell whether there was one."""
        if not self.available:
            return False
        self._take(request, 1)
        return True

    def remember(self, request: Request) -> None:
        """Let the cache know what the full blocks of a request hold."""
        if not self.remembers:
            return
        full = request.computed // self.tokens
        for number in range(request.known_blocks, full):
            key = request.key(number)
            if key not in self._block_of:
                block = request.blocks[number]
                self._block_of[key], self._key_of[block] = block, key
        request.known_blocks = max(full, request.known_blocks)

    def give_back(self, request: Request) -> None:
        """Take all blocks from a request: its last ones are the first to be taken by others."""
        self.remember(request)
        for block in reversed(request.blocks):
            self._holders[block] -= 1
            if not self._holders[block]:
                self._free[block] = None
        request.blocks.clear()
        request.computed = request.known_blocks = 0

    def _take(self, request: Request, count: int) -> None:
        for _ in range(count):
            block, _ = self._free.popitem(last=False)
            key = self._key_of.pop(block, None)
            if key is not None:
                del self._block_of[key]
                self.evicted += 1
            self._holders[block] = 1
            request.blocks.append(block)
