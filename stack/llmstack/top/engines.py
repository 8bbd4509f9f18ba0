"""The servers that are watched, and how each figure is asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from llmdash.metrics import sglang, triton
from llmstack.scraping import engines
from llmstack.scraping.engines import Engine
from llmstack.scraping.families import Families, Match, families
from llmstack.top.figures import Figure, Role, Row
from llmstack.top.forms import Form, Level, Mean, Quantile, Ranked, Rate, Worked

#: Ray and KServe re-export vLLM's families under prefixes of their own.
VLLM_PREFIXES = ("vllm:", "vllm_", "ray_vllm:", "ray_vllm_", "kserve_vllm:")


@dataclass(frozen=True)
class Watched:
    """One kind of server."""

    engine: Engine
    #: What a reader of its figures must know.
    note: str = ""
    #: What is asked otherwise than of most.
    otherwise: Mapping[Figure, Form] = field(default_factory=dict)
    role: Role = Role.ENGINE

    @property
    def name(self) -> str:
        """As llmdash calls the source."""
        return self.engine.name

    @cached_property
    def asked(self) -> Mapping[Figure, Form]:
        """How each figure that it tells is asked."""
        return {**_usual(self.engine), **self.otherwise}

    def names(self) -> Iterator[str]:
        """Yield the names of all series that are asked for."""
        for form in self.asked.values():
            yield from form.names()


def _usual(engine: Engine) -> dict[Figure, Form]:
    def latency(*kinds: str) -> Families:
        return next((engine.latencies[kind] for kind in kinds if kind in engine.latencies), ())

    forms: dict[Figure, Quantile | Rate | Level] = {
        Figure.TTFT: Quantile(latency("ttft")),
        Figure.TPOT: Quantile(latency("itl", "tpot")),
        Figure.E2E: Quantile(latency("e2e")),
        Figure.TOKENS: Rate(engine.answer_tokens),
        Figure.RUNNING: Level(engine.running),
        Figure.WAITING: Level(engine.waiting),
        Figure.KV_CACHE: Level(engine.kv_cache, is_highest=True),
    }
    return {figure: form for figure, form in forms.items() if form.families}


# --- Triton ---------------------------------------------------------------------------------------

_TRITON = Watched(
    engines.TRITON,
    "counts no tokens; TTFT needs histogram_latencies=true",
    {
        Figure.E2E_MEAN: Mean(
            *families(triton.NV_INFERENCE_REQUEST_DURATION_US, triton.NV_INFERENCE_REQUEST_SUCCESS)
        )
    },
)
#: What tells the series of one model on one server from those of another.
_MODEL = ("job", "instance", "model", "version")
_SCHEDULED = engines.trtllm_requests("scheduled")
_BLOCKS = engines.trtllm_blocks("used"), engines.trtllm_blocks("max")
_TRITON_TRTLLM = Watched(
    engines.TRITON_TRTLLM,
    "counts tokens when a request ends; no TPOT, of E2E the mean",
    {
        # Up to 0.17 nothing says who waits, nor the share of the cache.
        Figure.WAITING: Level(
            engines.TRITON_TRTLLM.waiting,
            otherwise=Worked(engines.trtllm_requests("active"), "-", _SCHEDULED, _MODEL),
        ),
        Figure.KV_CACHE: Level(
            engines.TRITON_TRTLLM.kv_cache,
            is_highest=True,
            otherwise=Worked(_BLOCKS[0], "/", _BLOCKS[1], _MODEL),
        ),
    },
)

# --- SGLang ---------------------------------------------------------------------------------------

_SCHEDULER = ("dp_rank",)
_STREAMED = (Match("is_streaming", "!=", "false"),)
_SGLANG = Watched(
    engines.SGLANG,
    "counts tokens when a request ends",
    {
        # Anybody may have asked, and without a stream the first token comes with the last.
        Figure.TTFT: Quantile(
            tuple(replace(each, where=_STREAMED) for each in engines.SGLANG.latencies["ttft"])
        ),
        Figure.RUNNING: Ranked(engines.SGLANG.running, _SCHEDULER),
        Figure.WAITING: Ranked(
            (*engines.SGLANG.waiting, *families(sglang.NUM_GRAMMAR_QUEUE_REQS)), _SCHEDULER
        ),
    },
)

_SPECULATES = "TPOT is the time of a step, of several tokens where it speculates"

#: In the order in which they are asked; of a model that two of them show the first tells a figure.
WATCHED = (
    *(Watched(engines.vllm_under(prefix), _SPECULATES) for prefix in VLLM_PREFIXES),
    Watched(engines.TRITON_VLLM, "tells no running requests and no KV cache"),
    _TRITON_TRTLLM,
    _TRITON,
    _SGLANG,
    Watched(engines.TRTLLM, "counts tokens when a request ends; TPOT is each request's mean"),
    Watched(
        engines.GATEWAY,
        "sees the requests of the engines behind it, from outside",
        role=Role.GATEWAY,
    ),
)

#: Where a target has lately shown one, it is a server; backends are on the page of their core.
ANCHORS = tuple(each.engine.shown_by[0] for each in WATCHED if each.engine.core is None)
NOTES = {each.name: each.note for each in WATCHED}

_ENDS = {
    (each.name, figure): form.ends
    for each in WATCHED
    for figure, form in each.asked.items()
    if isinstance(form, Quantile)
}
#: Backends of a server, whose own series are on its page.
CORES = {each.name: each.engine.core.name for each in WATCHED if each.engine.core}


def is_beyond(row: Row, figure: Figure) -> bool:
    """Tell whether a quantile is the last edge of its histogram, and truly anywhere beyond it.

    Edges that an operator has set are not known here.
    """
    sources = (row.source, CORES.get(row.source, ""))
    ends = [_ENDS.get((source, figure), frozenset()) for source in sources]
    return row.figures.get(figure) in frozenset().union(*ends)
