"""The numbers that alerts judge by, each with where it is from; a pack changes those it wants."""

from __future__ import annotations

from dataclasses import dataclass, fields

from llmdash.errors import AlertError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on an alert fires: `Pack(limits=Limits(kv_cache_full=0.9))`.

    Shares are 0 to 1, times in seconds.
    """

    #: The share of its KV cache that an engine's live requests hold. Rules in the wild warn at 0.85
    #: and page at 0.95 (HaoWen46/LLM-Inference-Stack).
    kv_cache_nearly_full: float = 0.85
    kv_cache_full: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what is no number above zero, and shares above one."""
        for each in fields(self):
            value: object = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise AlertError(f"limits: {each.name}", "a number above zero", repr(value))
