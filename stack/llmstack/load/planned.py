"""What is sent and when: traces and synthetic load make it, clients send it.

A plan is an `Iterable[Planned]` in the order of `at`; it may be endless.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planned:
    """One request that is to be sent."""

    #: Seconds after the start of the run.
    at: float
    #: Tokens of the prompt, and the most of the answer.
    prompt_tokens: int
    answer_tokens: int
    #: What kind of prompt it is; empty for none.
    kind: str = ""
    #: Prompts with the same name begin alike in so many of their tokens.
    prefix: str = ""
    prefix_tokens: int = 0
