"""Makes jobs of what the options of `llmstack load`, `replay` and `bench` say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from llmstack.errors import ConfigurationError
from llmstack.load.address import read_address
from llmstack.load.apis import Api, Prompt, Question
from llmstack.load.arrivals import arrivals
from llmstack.load.capacity import compared, tokens_a_second
from llmstack.load.client import Limits
from llmstack.load.closed_loop import ClosedLoop
from llmstack.load.lengths import lengths
from llmstack.load.mix import MIX, mix
from llmstack.load.models import model_of
from llmstack.load.objectives import read_objectives
from llmstack.load.open_loop import OpenLoop
from llmstack.load.planned import Planned
from llmstack.load.program import Job, loop_factory
from llmstack.load.prompt_material import (
    CountedText,
    EstimatedText,
    TokenIds,
    read_token_ids,
    read_tokenizer,
)
from llmstack.load.prompts import Prompts
from llmstack.load.runner import Bounds
from llmstack.load.synthetic import SyntheticPlan
from llmstack.load.traces.plan import Selection, TracePlan
from llmstack.load.traces.rows import open_trace


@dataclass(frozen=True)
class Servers:
    """Who is asked, and how: what all commands that send load have in common."""

    urls: Sequence[str]
    api: str = Api.CHAT.value
    model: str | None = None
    is_stream: bool = True
    is_exact: bool = True
    counts_each: bool = True
    body: str | None = None
    headers: Sequence[str] = ()
    api_key: str | None = None
    verifies: bool = True
    timeout: float = 600.0
    connect_timeout: float = 10.0
    drain: float | None = None
    tokenizer: Path | None = None
    token_ids: str | None = None
    slo: str = ""
    name: str | None = None
    log_every: float = 1.0
    sample_interval: float = 1.0
    seed: int = 0

    def job(
        self, plan: Iterable[Planned], plan_told: str, loop: OpenLoop | ClosedLoop, bounds: Bounds
    ) -> Job:
        """Return a job.

        Raises:
            LlmstackError: an option that cannot be, or a server that does not say its model.
        """
        for url in self.urls:
            # Before one is asked for its model: that it cannot be reached would say less.
            read_address(url)
        api, headers = Api(self.api), self._all_headers()
        model = self.model or model_of(self.urls[0], api, headers, verifies=self.verifies)
        question = Question(
            api, model, self.is_stream, self.is_exact, self.counts_each, self._more()
        )
        return Job(
            name=self.name or model,
            urls=self.urls,
            question=question,
            plan=plan,
            plan_told=plan_told,
            prompt_of=self._prompts(api),
            loop=loop,
            bounds=replace(bounds, drain=self.timeout if self.drain is None else self.drain),
            limits=Limits(self.connect_timeout, self.timeout),
            headers=headers,
            objectives=read_objectives(self.slo),
            verifies=self.verifies,
            every=self.log_every,
            interval=self.sample_interval,
        )

    def _prompts(self, api: Api) -> Callable[[Planned], Prompt]:
        material: TokenIds | CountedText | EstimatedText
        if api.takes_tokens:
            # They need no tokenizer, and are counted as they were planned.
            material = TokenIds() if self.token_ids is None else read_token_ids(self.token_ids)
        elif self.tokenizer is not None:
            material = CountedText(read_tokenizer(self.tokenizer))
        else:
            material = EstimatedText()
        return Prompts(material, self.seed).numbered()

    def _all_headers(self) -> dict[str, str]:
        found = {}
        for header in self.headers:
            name, colon, value = header.partition(":")
            if not colon or not name.strip():
                # Its value may be a secret, so it is not repeated.
                raise ConfigurationError("--header: expected 'Name: value', got no colon")
            found[name.strip()] = value.strip()
        if self.api_key:
            found["Authorization"] = f"Bearer {self.api_key}"
        return found

    def _more(self) -> dict[str, Any]:
        if self.body is None:
            return {}
        try:
            found = json.loads(self.body)
        except ValueError as error:
            raise ConfigurationError(f"--body: expected JSON: {error}") from error
        if not isinstance(found, dict):
            raise ConfigurationError(f"--body: expected an object of JSON, got {self.body}")
        return found


@dataclass(frozen=True)
class Synthetic:
    """Load that is made up."""

    rate: float | None = None
    concurrency: int | None = None
    arrivals: str = "poisson"
    prompt_tokens: str | None = None
    answer_tokens: str | None = None
    #: None asks for no kinds, an empty text for all as they are.
    mix: str | None = None
    prefix_share: float = 0.0
    prefix_tokens: int = 0
    prefixes: int = 1
    ramp_up: float = 0.0
    warm_up: float = 0.0
    duration: float | None = None
    total: int | None = None
    max_model_len: int | None = None

    def job(self, servers: Servers) -> Job:
        """Return a job.

        Raises:
            LlmstackError: an option that cannot be.
        """
        loop: OpenLoop | ClosedLoop
        if self.rate is None:
            if self.concurrency is None:
                raise ConfigurationError(
                    "expected --rate (an open loop) or --concurrency (a closed one), got neither"
                )
            loop = ClosedLoop(self.concurrency, self.ramp_up)
        else:
            loop = OpenLoop(self.concurrency)
        if self.duration is None and self.total is None:
            raise ConfigurationError("expected --duration or --total, got neither: it had no end")
        plan = self._plan(servers.seed)
        bounds = Bounds(self.ramp_up + self.warm_up, self.duration, self.total)
        return servers.job(plan, self._told(), loop, bounds)

    def _plan(self, seed: int) -> SyntheticPlan:
        kinds = () if self.mix is None else mix(self.mix) if self.mix else MIX
        plan = SyntheticPlan(
            rate=self.rate or 1.0,
            arrivals=arrivals(self.arrivals),
            kinds=kinds,
            prefix_share=self.prefix_share,
            prefix_tokens=self.prefix_tokens,
            prefixes=self.prefixes,
            model_length=self.max_model_len,
            seed=seed,
        )
        if self.prompt_tokens is not None:
            plan = replace(plan, prompts=lengths(self.prompt_tokens))
        if self.answer_tokens is not None:
            plan = replace(plan, answers=lengths(self.answer_tokens))
        if self.rate is None:
            # The bounds of a closed loop are of time that has passed, not of planned time.
            return plan
        return replace(
            plan,
            ramp=self.ramp_up,
            warm_up=self.warm_up,
            duration=inf if self.duration is None else self.duration,
            total=self.total,
        )

    def _told(self) -> str:
        when = "" if self.rate is None else f"{self.arrivals} arrivals at {self.rate:g}/s, "
        if self.mix is not None:
            return f"{when}kinds {self.mix or 'as they are'}"
        prompts = self.prompt_tokens or "as in Azure's conversations"
        answers = self.answer_tokens or "as in Azure's conversations"
        return f"{when}prompts {prompts}, answers {answers}"


@dataclass(frozen=True)
class Replay:
    """A trace that is sent again."""

    csv: Path
    selection: Selection = field(default_factory=Selection)
    concurrency: int | None = None
    cache_dir: Path | None = None
    uses_cache: bool = True
    warm_up: float = 0.0

    def job(self, servers: Servers, say: Callable[[str], None]) -> Job:
        """Return a job, and say what the trace asks for.

        Raises:
            LlmstackError: an option that cannot be, or a trace that cannot be read.
        """
        trace = open_trace(
            self.csv,
            folder=self.cache_dir,
            limit=self.selection.limit,
            uses_cache=self.uses_cache,
        )
        plan = TracePlan(trace, self.selection)
        demand = plan.demand()
        if not demand.requests:
            raise ConfigurationError(f"{self.csv}: no request of it is in what was chosen")
        say(f"{self.csv.name} asks for {demand}")
        say(compared(demand, tokens_a_second(loop_factory())))
        told = f"{self.csv.name} at {self.selection.speedup:g} times its speed"
        job = servers.job(plan, told, OpenLoop(self.concurrency), Bounds(warm_up=self.warm_up))
        return replace(job, demand=demand)
