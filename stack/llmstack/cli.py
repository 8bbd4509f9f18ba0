"""The command `llmstack`; what a program needs is imported when it is started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from llmstack.errors import LlmstackError
from llmstack.load.bench_commands import bench, report
from llmstack.load.commands import load, replay
from llmstack.top.commands import top


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


@main.command("gpu-exporter")
@click.option("--host", help="Where to listen (GPU_EXPORTER_HOST, 127.0.0.1).")
@click.option("--port", type=int, help="0 takes a free one (GPU_EXPORTER_PORT, 9101).")
@click.option(
    "--interval",
    type=float,
    metavar="SECONDS",
    help="From one sample to the next (GPU_EXPORTER_INTERVAL_SECONDS, 2).",
)
@click.option(
    "--names",
    type=click.Choice(["legacy", "4.6"]),
    help="DCGM's names of old, or those since DCGM 4.6 (GPU_EXPORTER_NAMES, legacy).",
)
@click.option(
    "--pcie-throughput/--no-pcie-throughput",
    default=None,
    help="Ask GPUs without GPM for PCIe traffic, which takes 40 ms each "
    "(GPU_EXPORTER_PCIE_THROUGHPUT, off).",
)
@click.option(
    "--simulate",
    type=int,
    metavar="N",
    help="Play N GPUs, and ask no driver (GPU_EXPORTER_SIMULATE).",
)
@click.option("--seed", type=int, help="Of the GPUs that are played (GPU_EXPORTER_SEED, 0).")
def gpu_exporter(names: str | None, **given: Any) -> None:
    """Serve what NVML says of each GPU, under the names of the DCGM exporter.

    Options win over the environment.
    """
    from dataclasses import replace

    from llmstack.gpu_exporter.names import Names
    from llmstack.gpu_exporter.program import run
    from llmstack.gpu_exporter.settings import read_settings

    changes = {name: value for name, value in given.items() if value is not None}
    if names is not None:
        changes["names"] = Names(names)
    run(replace(read_settings(os.environ), **changes), click.echo)


def _list_simulated(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from llmstack.simulator.program import listed

        click.echo(listed())
        context.exit()


@main.command("simulate")
@click.option(
    "--engine", help="vllm, triton-vllm, triton-trtllm, sglang or trtllm (SIMULATOR_ENGINE, vllm)."
)
@click.option("--engine-version", help="Whose metrics are shown (SIMULATOR_ENGINE_VERSION).")
@click.option("--model", help="What clients call the model (SIMULATOR_MODEL, as the preset).")
@click.option("--preset", help="A model on a GPU, of --list (SIMULATOR_PRESET).")
@click.option(
    "--replicas",
    type=int,
    help="Each on a port of its own, from --port on (SIMULATOR_REPLICAS, 1).",
)
@click.option("--host", help="Address to listen at (SIMULATOR_HOST, 127.0.0.1).")
@click.option(
    "--port", type=int, help="Of the first; 0 is a free one for each (SIMULATOR_PORT, 8000)."
)
@click.option(
    "--metrics-port", type=int, help="Of Triton's metrics (SIMULATOR_METRICS_PORT, 8002)."
)
@click.option("--seed", type=int, help="Equal ones answer equally (SIMULATOR_SEED, 0).")
@click.option(
    "--incident",
    "incidents",
    multiple=True,
    metavar="NAME@START+SECONDS[:REPLICA]",
    help="What goes wrong, of --list; may be given again (SIMULATOR_INCIDENTS, with commas).",
)
@click.option("--max-model-len", type=int, help="Tokens of a request (SIMULATOR_MAX_MODEL_LEN).")
@click.option("--max-num-seqs", type=int, help="In a batch (SIMULATOR_MAX_NUM_SEQS).")
@click.option(
    "--max-num-batched-tokens", type=int, help="In a step (SIMULATOR_MAX_NUM_BATCHED_TOKENS)."
)
@click.option("--kv-blocks", type=int, help="Of 16 tokens each (SIMULATOR_KV_BLOCKS).")
@click.option(
    "--prefix-cache/--no-prefix-cache",
    default=None,
    help="Read once what prompts begin with alike (SIMULATOR_PREFIX_CACHE, on).",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_simulated,
    help="Show presets and incidents.",
)
def simulate(incidents: tuple[str, ...], **given: Any) -> None:
    """Play servers of a language model, with their metrics, on no GPU.

    Requests are batched, queued and preempted as an engine does; numbers of speed come from a
    preset. Limits that are left out are the preset's. While it runs, POST /simulator/incidents
    {"name": …, "seconds": …, "replica": …} begins an incident, and GET /simulator/state says how
    things are; both answer this machine alone. Options win over the environment.
    """
    from dataclasses import replace

    from llmstack.simulator.program import run
    from llmstack.simulator.settings import incident_option, read_settings

    changes = {name: value for name, value in given.items() if value is not None}
    if incidents:
        changes["incidents"] = tuple(map(incident_option, incidents))
    run(replace(read_settings(os.environ), **changes), click.echo)


@main.command("watchdog")
@click.argument("configuration", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", "is_check", is_flag=True, help="Read the file, start nothing.")
def watchdog(configuration: Path, is_check: bool) -> None:
    """Supervise the programs that a YAML file names, until SIGTERM or SIGINT.

    What exits, fails its health check or hangs is started again, with back-off. Events are lines of
    JSON on standard output; /metrics and /health are served on 127.0.0.1:9102, or as the file says.
    Exits 1 when it has given up on every program.
    """
    from llmstack.watchdog.configuration import read_configuration

    read = read_configuration(configuration)
    if is_check:
        for program in read.programs:
            # Of the command its name alone: there may be keys among the rest.
            watched = program.health or "exits only"
            click.echo(f"{program.name}: {program.command[0]}, watched: {watched}")
        return
    from llmstack.watchdog.events import EventLog
    from llmstack.watchdog.figures import Figures
    from llmstack.watchdog.serving import Server
    from llmstack.watchdog.supervisor import supervise

    figures, log = Figures(program.name for program in read.programs), EventLog()
    with Server(read.listen, figures) as server:
        log.write("listening", address=server.address)
        was_asked = supervise(read, figures, log)
    raise SystemExit(0 if was_asked else 1)


#: Said here, so that the program is imported only when it is started; a test compares.
_PROFILES = ("vllm", "triton-vllm", "triton-trtllm", "sim", "gateway")


@main.command("preflight")
@click.argument("profile", type=click.Choice(_PROFILES))
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keys as Docker Compose reads them; the environment wins. [default: .env, if it is there]",
)
@click.option("--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def preflight(profile: str, env_file: Path | None, output: str) -> None:
    """Say whether this machine can run a profile of the stack, and what to do where it cannot.

    Driver, CUDA, GPUs, Docker, disk, ports and model, each with what was found and what is needed.
    Nothing is changed, and nothing asked over the network. Exits 1 if anything fails.
    """
    from llmstack.preflight.judge import preflight as judged
    from llmstack.preflight.machine import ThisMachine
    from llmstack.preflight.profiles import profile as profile_of
    from llmstack.preflight.report import as_json, failed, told
    from llmstack.preflight.settings import read_env_file, read_settings

    default = Path(".env")
    file = env_file or (default if default.is_file() else None)
    environment = {**(read_env_file(file) if file else {}), **os.environ}
    asked = profile_of(profile)
    findings = judged(ThisMachine(), asked, read_settings(asked, environment))
    click.echo(as_json(profile, findings) if output == "json" else told(findings))
    raise SystemExit(1 if failed(findings) else 0)


@main.command("demo")
@click.option("--incident", metavar="NAME", help="What goes wrong after a minute: simulate --list.")
@click.option(
    "--generated",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("generated"),
    show_default=True,
    help="What `llmdash build` wrote.",
)
@click.option("--prometheus", type=click.Path(path_type=Path), help="The server. [default: PATH]")
@click.option("--alertmanager", type=click.Path(path_type=Path), help="[default: PATH]")
@click.option("--seconds", type=click.FloatRange(min=0), help="It ends by itself after so many.")
@click.option("--plain", is_flag=True, help="Lines instead of a table, as where no terminal is.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of servers and of traffic.")
def demo(incident: str | None, **given: Any) -> None:
    """Watch simulated servers in this terminal: no GPU, no Docker, no account.

    Three simulated vLLM servers, the gateway, simulated GPUs, Prometheus with the built rules,
    Alertmanager, and traffic. Ctrl-C ends all of it. With GRAFANA_URL and GRAFANA_TOKEN the built
    dashboards are pushed there.
    """
    from llmstack.demo.command import run

    run(incident or "", os.environ.get("GRAFANA_URL", ""), click.echo, **given)


for _command in (load, replay, bench, report, top):
    main.add_command(_command)
