"""The servers whose own counts a run is held against, and how each is known by its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from llmstack.scraping import engines
from llmstack.scraping.engines import Engine
from llmstack.scraping.families import Families


def _with_core(engine: Engine) -> Engine:
    """Return a server with what its core tells of it, for who reads a page reads one server."""
    core = engine.core
    if core is None:
        return engine
    latencies = {**core.latencies, **engine.latencies}
    return replace(engine, latencies=latencies, waiting=engine.waiting or core.waiting)


#: What is shown by one is on no page of those below it.
ENGINES: tuple[Engine, ...] = (
    engines.VLLM,
    engines.SGLANG,
    engines.TRTLLM,
    # Here it matters whether any is left, in the batch or not.
    _with_core(replace(engines.TRITON_TRTLLM, running=(engines.trtllm_requests("active"),))),
    _with_core(engines.TRITON_VLLM),
)


def engine_of(names: frozenset[str]) -> Engine | None:
    """Return the engine whose page has such series; None where it is no engine's."""
    for engine in ENGINES:
        if names.intersection(engine.shown_by):
            return engine
    return None


def names_of(engine: Engine) -> frozenset[str]:
    """Return the series that are read of a server."""
    rest = (engine.answer_tokens, engine.found, engine.looked_up)
    read = _names((*rest, *engine.latencies.values()))
    return gauges_of(engine).union(engine.shown_by, read)


def gauges_of(engine: Engine) -> frozenset[str]:
    """Return those that are looked at while a run runs."""
    return frozenset(_names((engine.running, engine.waiting, engine.kv_cache)))


def _names(all_of: Iterable[Families]) -> Iterator[str]:
    for families in all_of:
        for family in families:
            yield from family.names


ALL_NAMES = frozenset(name for engine in ENGINES for name in names_of(engine))
