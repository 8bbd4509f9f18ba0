"""The promises that ship: those of the requirements, on every source that can tell of them."""

from __future__ import annotations

from llmdash.slos.slo import Begun, Outcomes, Slo, Up, Within
from llmdash.sources.source import Role

#: Failed requests. Engines that count only some of their failures are left out.
AVAILABILITY = Slo(
    name="availability",
    title="Requests answered without error",
    indicator=Outcomes(),
    objective=0.999,
    roles=(Role.GATEWAY, Role.ENGINE, Role.APP),
)

#: Small prompts, since a long one takes its time to be read; only a gateway tells them apart.
FIRST_TOKEN_OF_SMALL_PROMPTS = Slo(
    name="ttft-small-prompts",
    title="First token of small prompts within 2 s",
    indicator=Within("time_to_first_token", 2.0),
    objective=0.95,
    where={"prompt_class": "small"},
    roles=(Role.GATEWAY,),
)

#: All prompts, as an engine sees them.
FIRST_TOKEN = Slo(
    name="ttft",
    title="First token within 2 s, or 2.5 s where only that is an edge",
    indicator=Within("time_to_first_token", 2.0, otherwise=(2.5,)),
    objective=0.95,
    roles=(Role.ENGINE,),
)

#: Above it people read faster than the answer comes.
INTER_TOKEN = Slo(
    name="inter-token",
    title="Gap between outputs within 150 ms",
    indicator=Within("inter_token_latency", 0.15),
    objective=0.95,
    fewest_bad=50,
)

#: Failed requests are bad here as well, where they are counted.
END_TO_END = Slo(
    name="end-to-end",
    title="Whole answer within 30 s",
    indicator=Within("end_to_end_latency", 30.0),
    objective=0.95,
    roles=(Role.GATEWAY, Role.ENGINE, Role.APP),
)

QUEUE_TIME = Slo(
    name="queue-time",
    title="Work begun within 1 s",
    indicator=Within("queue_time", 1.0),
    objective=0.95,
    roles=(Role.ENGINE,),
)

UPTIME = Slo(
    name="uptime",
    title="Servers that answer their scrapes",
    indicator=Up(),
    objective=0.99,
    roles=(Role.ENGINE, Role.GATEWAY),
)

#: Not promised unless a pack says so, being an estimate: of an engine whose failures are counted
#: by nobody, with no gateway in front. Its noise is that of streams under way.
AVAILABILITY_ESTIMATE = Slo(
    name="availability-estimate",
    title="Answers that were begun and not lost (an estimate)",
    indicator=Begun(),
    objective=0.99,
    roles=(Role.ENGINE,),
    fewest_bad=10,
)

SLOS = (
    AVAILABILITY,
    FIRST_TOKEN_OF_SMALL_PROMPTS,
    FIRST_TOKEN,
    INTER_TOKEN,
    END_TO_END,
    QUEUE_TIME,
    UPTIME,
)
