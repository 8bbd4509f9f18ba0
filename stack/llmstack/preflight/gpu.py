"""Checks of GPUs and their driver against what the profile's image needs."""

from __future__ import annotations

from llmstack.preflight.case import Case, dotted
from llmstack.preflight.facts import Gpu, version
from llmstack.preflight.images import CAPABILITIES, DRIVERS, Image
from llmstack.preflight.report import Finding, Verdict

_INSTALL = (
    "install NVIDIA's driver and see that nvidia-smi lists the GPUs, or take the profile sim, "
    "which needs none"
)


def driver_version(case: Case) -> Finding:
    """The driver is new enough for the image."""
    image = case.image
    if image is None:
        return _not_needed(case, "driver")
    needed = f"driver {dotted(image.driver)} or newer for CUDA {dotted(image.cuda)}"
    gpus = case.facts.gpus
    found = version(gpus.driver or "")
    if gpus.problem or found is None:
        return _no_gpu(case, "driver", needed)
    if found >= image.driver:
        return Finding("driver", Verdict.OK, f"driver {gpus.driver}", needed)
    return Finding(
        "driver",
        Verdict.FAIL,
        f"driver {gpus.driver}",
        needed,
        _update(case, image),
    )


def driver_cuda(case: Case) -> Finding:
    """The driver runs the image's CUDA."""
    image = case.image
    if image is None:
        return _not_needed(case, "cuda")
    needed = f"CUDA {dotted(image.cuda)}"
    if case.facts.gpus.problem:
        return _no_gpu(case, "cuda", needed)
    found = case.facts.gpus.cuda
    if found is None:
        return Finding("cuda", Verdict.SKIPPED, "nvidia-smi does not tell the driver's CUDA")
    said = f"the driver runs CUDA {dotted(found)}"
    if found[0] < image.cuda[0]:
        return Finding("cuda", Verdict.FAIL, said, needed, _update(case, image))
    if found < image.cuda:
        # Within a major version older drivers do run it, but images of CUDA ask for their own, and
        # the toolkit refuses other than data center GPUs: vllm-project/vllm#5635.
        remedy = "update the driver; or set NVIDIA_DISABLE_REQUIRE=1 if the container is refused"
        return Finding("cuda", Verdict.WARN, said, needed, remedy)
    return Finding("cuda", Verdict.OK, said, needed)


def compute_capability(case: Case) -> Finding:
    """The image has code for enough of the GPUs."""
    image = case.image
    if image is None:
        return _not_needed(case, "capability")
    needed = f"compute capability {dotted(image.capability)} or higher"
    gpus = case.facts.gpus.gpus
    if not gpus:
        return _no_gpu(case, "capability", needed)
    unknown = [gpu for gpu in gpus if gpu.capability is None]
    if unknown:
        said = f"the driver does not tell that of {_named(unknown)}"
        return Finding("capability", Verdict.WARN, said, needed, "look it up by the GPU's name")
    older = [gpu for gpu in gpus if gpu.capability and gpu.capability < image.capability]
    said = ", ".join(_capabilities(older or list(gpus)))
    if not older:
        return Finding("capability", Verdict.OK, said, needed)
    if len(gpus) - len(older) >= case.group:
        remedy = "hide the older ones with NVIDIA_VISIBLE_DEVICES"
        return Finding("capability", Verdict.WARN, said, needed, remedy)
    remedy = "take newer GPUs"
    if _runs_with_cuda_12(image, older):
        remedy += f", or an image with CUDA 12 ({case.profile.image_key})"
    return Finding("capability", Verdict.FAIL, said, needed, remedy)


def gpu_count(case: Case) -> Finding:
    """There are as many GPUs as one replica is spread over."""
    if case.image is None:
        return _not_needed(case, "gpus")
    needed = f"{case.group} for TP_SIZE {case.settings.tp} x PP_SIZE {case.settings.pp}"
    gpus = case.facts.gpus.gpus
    if not gpus:
        return _no_gpu(case, "gpus", needed)
    said = f"{len(gpus)}: {_named(list(gpus))}"
    if len(gpus) >= case.group:
        return Finding("gpus", Verdict.OK, said, needed)
    return Finding("gpus", Verdict.FAIL, said, needed, "lower TP_SIZE or PP_SIZE, or add GPUs")


def _runs_with_cuda_12(image: Image, older: list[Gpu]) -> bool:
    # What TensorRT-LLM needs is no matter of CUDA.
    return image.capability == CAPABILITIES[13] and all(
        gpu.capability and gpu.capability >= CAPABILITIES[12] for gpu in older
    )


def _update(case: Case, image: Image) -> str:
    older = f", or take an image with CUDA 12 ({case.profile.image_key})"
    return "update NVIDIA's driver" + (older if image.cuda[0] > min(DRIVERS) else "")


def _not_needed(case: Case, check: str) -> Finding:
    return Finding(check, Verdict.SKIPPED, f"the profile {case.profile.name} needs no GPU")


def _no_gpu(case: Case, check: str, needed: str) -> Finding:
    problem = case.facts.gpus.problem or "nvidia-smi does not tell"
    # Said once: the others have the same cause.
    remedy = _INSTALL if check == "driver" else "see driver"
    return Finding(check, Verdict.FAIL, f"no GPU: {problem}", needed, remedy)


def _named(gpus: list[Gpu]) -> str:
    return ", ".join(f"GPU {gpu.index} {gpu.name}" for gpu in gpus)


def _capabilities(gpus: list[Gpu]) -> list[str]:
    return [f"GPU {gpu.index} {gpu.name} has {dotted(gpu.capability or ())}" for gpu in gpus]
