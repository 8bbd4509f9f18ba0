"""The questions that any LLM server can be asked, in one unit and of one form each.

Exporters answer in their own dialects (`sources/`); dashboards and rules ask only these.
"""

from __future__ import annotations

from llmdash.errors import SourceError
from llmdash.promql.labels import with_nearest
from llmdash.signals.gpu import GPU_SIGNALS, THROTTLE_REASONS
from llmdash.signals.serving import (
    OUTCOMES,
    PREEMPTIONS,
    PROMPT_CLASS,
    PROMPT_CLASSES,
    SERVING_SIGNALS,
    WAITING_REASONS,
)
from llmdash.signals.signal import Form, Signal

SIGNALS: tuple[Signal, ...] = (*SERVING_SIGNALS, *GPU_SIGNALS)

_BY_NAME = {signal.name: signal for signal in SIGNALS}


def signal(name: str) -> Signal:
    """Return a signal by name.

    Raises:
        SourceError: no signal has that name; the nearest is named.
    """
    if name not in _BY_NAME:
        raise SourceError(with_nearest(f"no signal is called {name}", name, _BY_NAME))
    return _BY_NAME[name]


__all__ = [
    "OUTCOMES",
    "PREEMPTIONS",
    "PROMPT_CLASS",
    "PROMPT_CLASSES",
    "SIGNALS",
    "THROTTLE_REASONS",
    "WAITING_REASONS",
    "Form",
    "Signal",
    "signal",
]
