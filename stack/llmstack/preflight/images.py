"""What each image needs of driver and GPU: one table, keyed by image.

An image is called by its path without the host that serves it, so that a mirror changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmstack.environment import Reader

#: The least driver of each CUDA: NVIDIA's table of minor version compatibility
#: (docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html) has CUDA 13.x from
#: driver 580 on, and CUDA 12.x from driver 525 on. (The notes of Triton 25.08 and 25.10 say 575.)
DRIVERS = {12: (525,), 13: (580,)}
#: The least compute capability. CUDA 13 makes no code for older GPUs any more (NVIDIA's blog,
#: "Navigating GPU Architecture Support"; Triton's rel-25-08 says 7.5 too); vLLM says 7.0 for its
#: builds with CUDA 12 (docs.vllm.ai/en/v0.14.0/getting_started/installation/gpu).
CAPABILITIES = {12: (7, 0), 13: (7, 5)}
#: TensorRT-LLM supports no GPU before Ampere, SM80 (nvidia.github.io/TensorRT-LLM, "Support
#: Matrix"), whatever the CUDA.
TENSORRT_LLM_CAPABILITY = (8, 0)

VLLM = "vllm/vllm-openai"
TRITON = "nvidia/tritonserver"


@dataclass(frozen=True)
class Release:
    """Images of one path from one release on, up to the next row of that path."""

    path: str
    #: The first release, as numbers; () for every release.
    since: tuple[int, ...]
    #: The major version of its CUDA.
    cuda: int


#: From when on an image has which CUDA, newest first.
RELEASES: tuple[Release, ...] = (
    # "After v0.20.0, default wheel/docker nightly version is cu130": vllm-project/vllm#42738.
    Release(VLLM, (0, 20), 13),
    Release(VLLM, (), 12),
    # docs.nvidia.com/deeplearning/triton-inference-server/release-notes: rel-25-08 "is based on
    # CUDA 13.0.0", and rel-25-03 on 12.8.1.
    Release(TRITON, (25, 8), 13),
    Release(TRITON, (), 12),
)


@dataclass(frozen=True)
class Image:
    """One image, and what it needs."""

    name: str
    #: Its major version, and its minor one where the tag tells.
    cuda: tuple[int, ...]
    #: The least driver, as far as its numbers are named, and the least compute capability.
    driver: tuple[int, ...]
    capability: tuple[int, ...]


def image(name: str) -> Image:
    """Return what an image needs.

    A tag without a release (`latest`) is the newest; one with `cu129` has CUDA 12.9, whatever its
    release.

    Raises:
        ValueError: its path is none of the table.
    """
    # A digest behind the tag changes nothing, and a colon before the last slash is a host's port.
    folder, slash, last = name.partition("@")[0].rpartition("/")
    bare, _, tag = last.partition(":")
    path = folder + slash + bare
    known = [release for release in RELEASES if _is_at(path, release.path)]
    if not known:
        raise ValueError(name)
    cuda = _cuda_of_tag(tag) or (_cuda_of_release(tag, known),)
    has_tensorrt_llm = "trtllm" in tag
    capability = CAPABILITIES[cuda[0]]
    if has_tensorrt_llm:
        capability = max(capability, TENSORRT_LLM_CAPABILITY)
    return Image(name, cuda, DRIVERS[cuda[0]], capability)


IMAGE = Reader[Image](
    f"{' or '.join(sorted({each.path for each in RELEASES}))}, with any tag", image
)


def _is_at(path: str, known: str) -> bool:
    return path == known or path.endswith(f"/{known}")


def _cuda_of_tag(tag: str) -> tuple[int, ...] | None:
    found = re.search(r"\bcu(1[23])(\d)\b", tag)
    return (int(found[1]), int(found[2])) if found else None


def _cuda_of_release(tag: str, known: list[Release]) -> int:
    found = re.match(r"v?(\d+(?:\.\d+)+)", tag)
    release = tuple(map(int, found[1].split("."))) if found else known[0].since
    return next(each.cuda for each in known if release >= each.since)
