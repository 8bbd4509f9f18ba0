"""Which alert is silent while another tells more: a dead GPU pages once, not six times."""

from __future__ import annotations

from dataclasses import dataclass

from llmdash.alerts.burn import BURN
from llmdash.slos.tiers import Severity


@dataclass(frozen=True)
class Inhibition:
    """While one of the causes fires, the others are silent where they are about the same thing."""

    causes: tuple[str, ...]
    silenced: tuple[str, ...]
    #: The labels that say what an alert is about. To Alertmanager a label that both lack is equal;
    #: so those that have to be there are asked for.
    same: tuple[str, ...]
    #: Labels that the cause, and what it silences, must have.
    present: tuple[str, ...]
    #: Further labels of the causes, and of what they silence.
    cause_labels: tuple[tuple[str, str], ...] = ()
    silenced_labels: tuple[tuple[str, str], ...] = ()


_GPU = ("instance", "gpu")
_MODEL = ("source", "role", "model")

INHIBITIONS = (
    # An XID is told at once, that its GPU is gone two minutes later: one page, by the first.
    Inhibition(("GpuNeedsReplacement", "GpuNeedsReset"), ("GpuLost",), _GPU, _GPU),
    # A GPU that is gone tells nothing else.
    Inhibition(
        ("GpuLost",),
        (
            "GpuProgramFault",
            "GpuUncorrectedErrors",
            "GpuCorrectedErrorsMany",
            "GpuRowRemapPending",
            "GpuRowRemapFailed",
            "GpuNvlinkErrorsMany",
            "GpuNvlinkRetrained",
            "GpuThrottledByHeat",
            "GpuThrottledByPowerSupply",
        ),
        _GPU,
        _GPU,
    ),
    # One that is to be replaced needs no reset.
    Inhibition(("GpuNeedsReplacement",), ("GpuRowRemapFailed",), _GPU, _GPU),
    Inhibition(
        ("GpuNeedsReplacement", "GpuRowRemapFailed"),
        (
            "GpuNeedsReset",
            "GpuProgramFault",
            "GpuUncorrectedErrors",
            "GpuCorrectedErrorsMany",
            "GpuRowRemapPending",
            "GpuNvlinkErrorsMany",
            "GpuNvlinkRetrained",
        ),
        _GPU,
        _GPU,
    ),
    Inhibition(
        ("GpuNeedsReset",),
        (
            "GpuProgramFault",
            "GpuUncorrectedErrors",
            "GpuCorrectedErrorsMany",
            "GpuNvlinkErrorsMany",
            "GpuNvlinkRetrained",
        ),
        _GPU,
        _GPU,
    ),
    Inhibition(("GpuUncorrectedErrors",), ("GpuCorrectedErrorsMany",), _GPU, _GPU),
    # Hot, and held back by it, is one thing; so is slow.
    Inhibition(
        ("GpuThrottledByHeat", "GpuThrottledByPowerSupply"),
        ("GpuHot", "GpuPowerCapped", "GpuSlow"),
        _GPU,
        _GPU,
    ),
    # A source without a server keeps no promise either, that its servers answer.
    Inhibition(
        ("AllTargetsDown",),
        ("TargetsDown", "TargetsVanished", BURN),
        _MODEL,
        ("source",),
    ),
    # Of a replica that is stuck, the rest follows.
    Inhibition(
        ("ServerNotServing",),
        ("QueueLong", "KvCacheFull", "KvCacheNearlyFull", "ReplicaSlow"),
        (*_MODEL, "instance"),
        ("source", "instance"),
    ),
    Inhibition(
        ("KvCacheFull",),
        ("KvCacheNearlyFull",),
        (*_MODEL, "instance", "engine"),
        ("source", "instance"),
    ),
    Inhibition(("QueueGrowing",), ("QueueLong",), _MODEL, ("source",)),
    # A promise that calls somebody at once writes no ticket besides.
    Inhibition(
        (BURN,),
        (BURN,),
        ("slo", *_MODEL),
        ("slo",),
        (("severity", Severity.PAGE.label),),
        (("severity", Severity.TICKET.label),),
    ),
)
