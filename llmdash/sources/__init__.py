"""The sources that ship, as tuples; a new engine is its two files and one name here."""

from llmdash.sources.source import Role, Source
from llmdash.sources.triton import triton
from llmdash.sources.vllm import vllm

ENGINES: tuple[Source, ...] = (vllm(), triton())

__all__ = ["ENGINES", "Role", "Source", "triton", "vllm"]
