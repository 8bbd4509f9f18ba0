"""Incidents that begin at one GPU."""

from __future__ import annotations

from tests.film.fleet import CALM, CHAT, CHAT_SERVERS, NODES
from tests.film.incident import BEFORE_GPU, Incident, Stretch
from tests.film.outages import without

_PLACE = (NODES[0], 2)
_SERVER = CHAT_SERVERS[2:3]
#: In the mask of clock events: slowed down by hardware, for heat.
_TOO_HOT = 0x48

_HOT = CALM.with_replicas(_SERVER, gap="0.06", running=33, kv_use="0.6").with_gpus(
    _PLACE, temperature=91, held_back=_TOO_HOT, clock=1200, corrected=300, link_errors=150
)
_FAILING = _HOT.with_gpus(
    _PLACE,
    uncorrected=2,
    xid=64,
    rows_pending=1,
    rows_failed=1,
    links_retrained=3,
)

BAD_GPU = Incident(
    title="One bad GPU",
    story="A GPU runs hot and slows down, and its engine with it; its memory and its links err. "
    "16 minutes later errors come that ECC cannot mend (XID 64), and no spare rows are left. "
    "Nobody mends it in this film.",
    happens=(Stretch(16, _HOT), Stretch(14, _FAILING)),
    after=_FAILING,
    rest=0,
    begins=BEFORE_GPU,
    fires=frozenset(
        {
            "GpuCorrectedErrorsMany",
            "GpuHot",
            "GpuNeedsReplacement",
            "GpuNvlinkErrorsMany",
            "GpuNvlinkRetrained",
            "GpuRowRemapFailed",
            "GpuRowRemapPending",
            "GpuSlow",
            "GpuThrottledByHeat",
            "GpuUncorrectedErrors",
            "ReplicaSlow",
        }
    ),
    quiet={
        "GpuLost": "it is there and answers",
        "GpuNeedsReset": "XID 64 asks for another GPU, not for a reset",
        "GpuThrottledByPowerSupply": "heat holds its clocks back, not the power supply",
        "SloErrorBudgetBurn": "a third of the tokens come twice as slowly, and within the promise",
        "FirstTokenSlow": "first tokens are as early as ever",
        "ServerNotServing": "tokens come out",
    },
)

_LOST = without(_SERVER[0]).with_gpus(_PLACE, is_gone=True, xid=79)

GPU_OFF_THE_BUS = Incident(
    title="GPU fell off the bus (XID 79)",
    story="A GPU is gone: the driver reports XID 79, nothing else of it is shown any more, and its "
    "engine dies with 16 requests. The other servers take the load. After 20 minutes the node is "
    "back from a restart.",
    happens=(Stretch(1, _LOST.with_gateway(failed=((CHAT, 16),))), Stretch(19, _LOST)),
    rest=10,
    begins=BEFORE_GPU,
    fires=frozenset({"GpuLost", "GpuNeedsReset", "TargetsDown"}),
    quiet={
        "AllTargetsDown": "two more chat servers answer",
        "RequestsFailing": "16 requests are less than 1 % of those of five minutes",
        "SloErrorBudgetBurn": "likewise; and one of four servers away for 20 minutes is 8 % of an "
        "hour, where uptime pages from 14.4 %",
        "TargetsVanished": "the engine's target stays known, and so does the node's exporter",
        "GpuUncorrectedErrors": "a counter that is gone has not grown",
    },
)

_AT_FAULT = (NODES[0], 1)

PROGRAM_FAULT = Incident(
    title="A program's fault (XID 13 and 31)",
    story="A kernel of one engine reads where it must not: XID 13, and 4 minutes later XID 31, "
    "which ends the engine. It is back after 3 minutes; the GPU is well.",
    happens=(
        Stretch(4, CALM.with_gpus(_AT_FAULT, xid=13)),
        Stretch(3, without(CHAT_SERVERS[1]).with_gpus(_AT_FAULT, xid=31)),
    ),
    after=CALM.with_gpus(_AT_FAULT, xid=31),
    rest=11,
    begins=BEFORE_GPU,
    fires=frozenset({"GpuProgramFault"}),
    quiet={
        "GpuNeedsReset": "neither code asks for a reset",
        "GpuNeedsReplacement": "nor for another GPU",
        "GpuLost": "the GPU is there",
        "TargetsDown": "the engine is back within 5 minutes",
        "SloErrorBudgetBurn": "one of four servers away for 3 minutes is 1 % of an hour",
    },
)
