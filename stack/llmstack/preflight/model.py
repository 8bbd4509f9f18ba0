"""Checks of the model: whether it can be had, and whether the GPUs have the memory for it."""

from __future__ import annotations

from llmstack.errors import BudgetError
from llmstack.memory_budget import GB, PRECISIONS, Budget, budget
from llmstack.preflight.case import Case
from llmstack.preflight.report import Finding, Verdict
from llmstack.preflight.shapes import precision_of_setting, precision_of_type

#: Owners and names on Hugging Face whose files are given to accounts only that have agreed to a
#: licence: the model cards say so ("gated").
GATED = ("meta-llama/", "google/gemma", "coherelabs/c4ai-command")
#: Owners some of whose models are gated and some are not.
PERHAPS_GATED = ("mistralai/",)
#: For activations, CUDA graphs and the runtime, in GB a GPU. Ours, a round number: what an engine
#: really needs grows with its batch, and it says so when it starts.
HEADROOM_GB = 2.0


def model_access(case: Case) -> Finding:
    """The model is on the disk, or Hugging Face would give it; the network is not asked."""
    if not case.needs_gpu:
        return Finding("model", Verdict.SKIPPED, f"the profile {case.profile.name} loads no model")
    name, files = case.settings.model, case.facts.model
    needed = "MODEL_NAME: a folder, or a name on Hugging Face"
    if name is None:
        return Finding("model", Verdict.FAIL, "MODEL_NAME is not set", needed, "set it in .env")
    if files.path is not None:
        if not files.exists:
            said = f"{files.path} is not there"
            return Finding("model", Verdict.FAIL, said, needed, "mend MODEL_NAME")
        if not files.is_readable:
            remedy = f"let this user read it: chmod -R a+rX {files.path}"
            return Finding("model", Verdict.FAIL, f"{files.path} cannot be read", needed, remedy)
        if files.problem:
            return Finding("model", Verdict.WARN, files.problem, needed, "is it a model's folder?")
        return Finding("model", Verdict.OK, f"{files.path} can be read", needed)
    if name.count("/") != 1 or not all(name.split("/")):
        said = f"{name} is neither a folder here nor owner/name"
        return Finding("model", Verdict.FAIL, said, needed, "mend MODEL_NAME")
    if files.is_cached:
        return Finding("model", Verdict.OK, f"{name} is in {case.settings.cache}", needed)
    if name.lower().startswith(PERHAPS_GATED) and not case.settings.token:
        said = f"{name} may be gated, and HF_TOKEN is not set"
        remedy = "look at the model's page; if it is, agree there, and set HF_TOKEN in .env"
        return Finding("model", Verdict.WARN, said, needed, remedy)
    if not name.lower().startswith(GATED):
        token = "with HF_TOKEN" if case.settings.token else "without HF_TOKEN"
        return Finding("model", Verdict.OK, f"{name}, to be downloaded {token}", needed)
    needed = "HF_TOKEN of an account that has agreed to its licence"
    if case.settings.token:
        return Finding("model", Verdict.OK, f"{name} is gated, and HF_TOKEN is set", needed)
    remedy = "agree on the model's page, make a token, and set HF_TOKEN in .env"
    said = f"{name} is gated, and HF_TOKEN is not set"
    return Finding("model", Verdict.FAIL, said, needed, remedy)


def weights_precision(case: Case) -> str | None:
    """Return the precision of the weights: as asked for, as published, or half; None if unknown."""
    settings, published = case.settings, case.facts.model.precision
    if settings.quantization:
        # What is published quantized is loaded as it is (compressed-tensors tells no bits).
        return precision_of_setting(settings.quantization) or published
    return published or precision_of_type(settings.dtype or "") or "fp16"


def model_memory(case: Case) -> Finding:
    """The weights and one longest request fit into the GPUs."""
    check = "memory"
    if not case.needs_gpu:
        return Finding(check, Verdict.SKIPPED, f"the profile {case.profile.name} needs no GPU")
    gpus, files = case.facts.gpus, case.facts.model
    if not gpus.gpus:
        said = f"no GPU: {gpus.problem}"
        return Finding(check, Verdict.FAIL, said, "GPUs that hold the model", "see driver")
    shape, precision = files.shape, weights_precision(case)
    if shape is None:
        said = "how large the model is is not known: llmstack memory-budget tells, of a config.json"
        return Finding(check, Verdict.SKIPPED, said)
    if precision is None:
        said = f"how many bits {case.settings.quantization} has is not known"
        return Finding(check, Verdict.SKIPPED, said)
    if len(gpus.gpus) < case.group:
        return Finding(check, Verdict.SKIPPED, "there are too few GPUs: see gpus")
    memory = [gpu.memory for gpu in gpus.gpus[: case.group] if gpu.memory is not None]
    if len(memory) < case.group:
        return Finding(check, Verdict.SKIPPED, "the driver does not tell the memory of each GPU")
    needed = f"{shape.parameters * PRECISIONS[precision] / GB:.0f} GB for weights in {precision}"

    def held(headroom: float) -> Budget:
        return budget(
            shape,
            gpu_memory=min(memory) / GB,
            tp=case.settings.tp,
            pp=case.settings.pp,
            weights=precision,
            utilization=case.settings.utilization,
            headroom_gb=headroom,
        )

    remedy = "raise TP_SIZE, take a smaller precision (QUANTIZATION) or a smaller model"
    try:
        bare = held(0.0)
    except BudgetError as error:
        # Behind it stands what to do with options of another command.
        said = str(error).partition(";")[0]
        return Finding(check, Verdict.FAIL, said, needed, remedy)
    try:
        found = held(HEADROOM_GB)
    except BudgetError:
        left = f"{bare.left / GB:.1f} GB are left"
        said = f"{left}, and {HEADROOM_GB * case.group:.0f} GB go to activations and the runtime"
        return Finding(check, Verdict.WARN, said, needed, remedy)
    said = f"{found.left / GB:.1f} GB are left for {found.tokens:,} tokens of KV cache"
    longest = case.settings.max_model_len
    if longest is not None and found.tokens < longest:
        # vLLM refuses to start where one request of this length does not fit.
        remedy = f"lower MAX_MODEL_LEN to {found.tokens}, or {remedy}"
        return Finding(check, Verdict.FAIL, said, f"{longest:,} tokens (MAX_MODEL_LEN)", remedy)
    return Finding(check, Verdict.OK, said, needed)


def memory_is_free(case: Case) -> Finding:
    """Nobody else holds the memory that the engine takes of each GPU."""
    check = "memory free"
    if not case.needs_gpu:
        return Finding(check, Verdict.SKIPPED, f"the profile {case.profile.name} needs no GPU")
    share = case.settings.utilization
    needed = f"{share:.0%} of each GPU free (GPU_MEMORY_UTILIZATION)"
    gpus = case.facts.gpus.gpus[: case.group]
    if not gpus:
        return Finding(
            check, Verdict.FAIL, f"no GPU: {case.facts.gpus.problem}", needed, "see driver"
        )
    held = []
    for gpu in gpus:
        memory, used = gpu.memory, gpu.used
        if memory is None or used is None:
            return Finding(
                check, Verdict.SKIPPED, f"the driver does not tell that of GPU {gpu.index}"
            )
        if memory - used < share * memory:
            held.append(f"GPU {gpu.index}: {used / GB:.1f} of {memory / GB:.1f} GB are in use")
    if not held:
        return Finding(check, Verdict.OK, "no more is in use than is left", needed)
    remedy = "end what nvidia-smi lists, or lower GPU_MEMORY_UTILIZATION"
    return Finding(check, Verdict.FAIL, "; ".join(held), needed, remedy)
