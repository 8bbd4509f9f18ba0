"""The table of images: what each needs, by its path, tag and CUDA."""

from __future__ import annotations

import pytest

from llmstack.preflight.images import IMAGE, image


@pytest.mark.parametrize(
    ("name", "cuda", "driver", "capability"),
    [
        ("vllm/vllm-openai", (13,), (580,), (7, 5)),
        ("vllm/vllm-openai:latest", (13,), (580,), (7, 5)),
        ("vllm/vllm-openai:nightly", (13,), (580,), (7, 5)),
        ("vllm/vllm-openai:v0.20.0", (13,), (580,), (7, 5)),
        ("vllm/vllm-openai:v0.19.1", (12,), (525,), (7, 0)),
        ("vllm/vllm-openai:v0.9.2", (12,), (525,), (7, 0)),
        ("vllm/vllm-openai:v0.21.0-cu129", (12, 9), (525,), (7, 0)),
        ("vllm/vllm-openai:cu130-nightly", (13, 0), (580,), (7, 5)),
        ("vllm/vllm-openai:v0.20.0@sha256:0123", (13,), (580,), (7, 5)),
        ("mirror.example:5000/vllm/vllm-openai:v0.9.2", (12,), (525,), (7, 0)),
        ("mirror.example:5000/vllm/vllm-openai", (13,), (580,), (7, 5)),
        ("mirror.example/nvidia/tritonserver:25.08-vllm-python-py3", (13,), (580,), (7, 5)),
        ("nvidia/tritonserver:25.07-vllm-python-py3", (12,), (525,), (7, 0)),
        ("nvidia/tritonserver:25.10-trtllm-python-py3", (13,), (580,), (8, 0)),
        ("nvidia/tritonserver:24.12-trtllm-python-py3", (12,), (525,), (8, 0)),
    ],
)
def test_what_an_image_needs(
    name: str, cuda: tuple[int, ...], driver: tuple[int, ...], capability: tuple[int, ...]
) -> None:
    """CUDA 13: driver 580 and capability 7.5; CUDA 12: 525 and 7.0; TensorRT-LLM: 8.0."""
    found = image(name)

    assert (cuda, driver, capability) == (found.cuda, found.driver, found.capability)


@pytest.mark.parametrize("name", ["ollama/ollama:latest", "vllm-openai", "my-vllm/vllm-openai-x"])
def test_unknown_images(name: str) -> None:
    """Nothing is guessed of an image that is not in the table; those that are there are named."""
    with pytest.raises(ValueError, match=name):
        image(name)

    assert "nvidia/tritonserver or vllm/vllm-openai, with any tag" == IMAGE.expected
