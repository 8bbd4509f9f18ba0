"""The command `llmstack`; what a program needs is imported when it is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from llmstack.errors import LlmstackError


class _Group(click.Group):
    """Says our own errors in one message, and what to install where something is missing."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except LlmstackError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith(("llmstack", "llmdash")):
                raise
            raise click.ClickException(
                f"{error.name} is not installed; pip install 'llmdash[stack]' brings it"
            ) from error


@click.group(cls=_Group)
@click.version_option(package_name="llmdash")
def main() -> None:
    """The programs of the stack: what serves models, and what watches the machine."""


@main.command()
def gateway() -> None:
    """Stand in front of engines that speak as OpenAI does: keys, limits, logs and metrics.

    Its settings are variables of the environment, listed in llmstack/gateway/settings.py.
    """
    import os

    from llmstack.gateway import serve
    from llmstack.gateway.settings import read_settings

    serve(read_settings(os.environ))


def _gpus(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--gpu-memory",
            type=click.FloatRange(min=0, min_open=True),
            required=True,
            metavar="GB",
            help="Memory of one GPU, as its name says it (48 for 48 GB).",
        ),
        click.option(
            "--gpus", type=click.IntRange(1), help="GPUs in all; --tp x --pp if left out."
        ),
        click.option("--tp", type=click.IntRange(1), default=1, show_default=True),
        click.option("--pp", type=click.IntRange(1), default=1, show_default=True),
    ):
        command = option(command)
    return command


def _list_models(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from llmstack import memory_budget as budgets

        click.echo(budgets.known_models())
        context.exit()


@main.command("memory-budget")
@click.argument("model")
@click.option(
    "--precision",
    default="fp16",
    show_default=True,
    help="Of the weights: fp32, fp16, bf16, fp8, int8, awq, gptq or int4.",
)
@click.option("--kv-precision", default="fp16", show_default=True, help="Of the KV cache.")
@click.option(
    "--utilization",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="The share of each GPU that the engine may take (vLLM's --gpu-memory-utilization).",
)
@click.option(
    "--headroom",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="GB",
    help="Memory of each GPU for activations, CUDA graphs and the runtime.",
)
@click.option(
    "--length", type=click.IntRange(1), help="Tokens of one request, to say how many fit."
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_models,
    help="Show the models of the table.",
)
@_gpus
def memory_budget(
    model: str,
    precision: str,
    kv_precision: str,
    utilization: float,
    headroom: float,
    length: int | None,
    **gpus: Any,
) -> None:
    """Say how many tokens of KV cache fit beside a model's weights.

    MODEL is a name of the table (--list), or a config.json.
    """
    from llmstack import memory_budget as budgets

    shape = budgets.read_model(Path(model)) if model.endswith(".json") else budgets.known(model)
    found = budgets.budget(
        shape,
        weights=precision,
        cache=kv_precision,
        utilization=utilization,
        headroom_gb=headroom,
        **gpus,
    )
    click.echo(budgets.told(found, length))
