"""What a plan asks of a server: requests and tokens a second, in the mean and at the most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmstack.load.planned import Planned

#: Seconds after the start, tokens of the prompt and of the answer.
Asked = tuple[float, int, int]


@dataclass(frozen=True)
class Demand:
    """What is asked for; the most is of whole seconds counted from the start."""

    requests: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    #: From the start of the run to the last request.
    seconds: float = 0.0
    most_requests: int = 0
    most_prompt_tokens: int = 0
    most_answer_tokens: int = 0

    def mean(self, count: int) -> float:
        """Return so many of the whole run a second."""
        # What takes no second at all is asked for within one.
        return count / max(self.seconds, 1.0)

    def __str__(self) -> str:
        """Return it as people read it."""
        return (
            f"{self.requests:,} requests in {self.seconds:,.0f} s: "
            f"{self.mean(self.requests):,.1f} req/s in the mean and {self.most_requests:,} in the "
            f"busiest second; answers {self.mean(self.answer_tokens):,.0f} tokens/s and "
            f"{self.most_answer_tokens:,}, prompts {self.mean(self.prompt_tokens):,.0f} and "
            f"{self.most_prompt_tokens:,}"
        )


def demand(plan: Iterable[Planned]) -> Demand:
    """Return what a plan that ends asks for."""
    return demand_of((each.at, each.prompt_tokens, each.answer_tokens) for each in plan)


def demand_of(asked: Iterable[Asked]) -> Demand:
    """Return what tuples in the order of their time ask for; one is in memory at a time."""
    at, second = 0.0, -1
    requests = prompts = answers = 0
    most_requests = most_prompts = most_answers = 0
    # What had been asked for before this second.
    before = (0, 0, 0)
    for at, prompt, answer in asked:
        if int(at) != second:
            most_requests = max(most_requests, requests - before[0])
            most_prompts = max(most_prompts, prompts - before[1])
            most_answers = max(most_answers, answers - before[2])
            second, before = int(at), (requests, prompts, answers)
        requests += 1
        prompts += prompt
        answers += answer
    return Demand(
        requests,
        prompts,
        answers,
        at,
        max(most_requests, requests - before[0]),
        max(most_prompts, prompts - before[1]),
        max(most_answers, answers - before[2]),
    )
