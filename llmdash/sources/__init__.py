"""The sources that ship, as tuples; a new engine is its two files and one name here."""

from llmdash.sources.app import app
from llmdash.sources.dcgm import dcgm
from llmdash.sources.gateway import gateway
from llmdash.sources.load import load
from llmdash.sources.sglang import sglang
from llmdash.sources.source import Role, Source
from llmdash.sources.triton import triton
from llmdash.sources.triton_trtllm import triton_trtllm
from llmdash.sources.triton_vllm import triton_vllm
from llmdash.sources.trtllm import trtllm
from llmdash.sources.vllm import vllm

#: Every kind of Triton shows the same core families, so the scrape job tells them apart.
ENGINES: tuple[Source, ...] = (
    vllm(),
    triton(job="triton"),
    triton_vllm(job="triton-vllm"),
    triton_trtllm(job="triton-trtllm"),
    sglang(),
    trtllm(),
)

#: What stands before or beside engines.
COMPANIONS: tuple[Source, ...] = (gateway(), app(), dcgm(), load())

__all__ = [
    "COMPANIONS",
    "ENGINES",
    "Role",
    "Source",
    "app",
    "dcgm",
    "gateway",
    "load",
    "sglang",
    "triton",
    "triton_trtllm",
    "triton_vllm",
    "trtllm",
    "vllm",
]
