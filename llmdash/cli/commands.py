"""The command `llmdash`; heavy imports stand inside the commands, so that help is quick."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from llmdash.cli.pack_option import chosen_pack, pack_option
from llmdash.cli.push import push
from llmdash.errors import LlmdashError

if TYPE_CHECKING:
    from llmdash.artifacts import Difference
    from llmdash.build import Build


class _Group(click.Group):
    """Says our own errors in one message, without a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            with _uncollected():
                return super().invoke(context)
        except LlmdashError as error:
            raise click.ClickException(str(error)) from error


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage: a command makes one tree and ends, and a search takes a tenth of it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@click.group(cls=_Group)
@click.version_option(package_name="llmdash")
def main() -> None:
    """Dashboards, rules and scrape configuration for LLM inference servers, built from Python."""


@main.command()
@pack_option
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("generated"),
    show_default=True,
    help="The folder that the build owns.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and list what differs.")
@click.option(
    "--portable",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write the dashboards for import by hand into DIR.",
)
def build(reference: str | None, output: Path, check: bool, portable: Path | None) -> None:
    """Build dashboards, rules and configuration into a folder."""
    from llmdash import artifacts
    from llmdash.checks import checked
    from llmdash.compiler import compile_pack, portable_artifacts

    built = checked(compile_pack(chosen_pack(reference)))
    folders = [(output, built.artifacts)]
    if portable is not None:
        one, other = portable.resolve(), output.resolve()
        if one == other or one in other.parents or other in one.parents:
            raise click.UsageError(
                "--portable and --output must be two folders, neither in the other"
            )
        folders.append((portable, portable_artifacts(built)))
    if check:
        _check([(folder, artifacts.difference(files, folder)) for folder, files in folders])
        click.echo(f"up to date: {', '.join(str(folder) for folder, _ in folders)}")
        return
    for folder, files in folders:
        artifacts.refuse_conflicts(files, folder)
    for folder, files in folders:
        changed = artifacts.write(files, folder)
        click.echo(_summary(folder, len(files), changed))
    click.echo(_table(built))


def _check(found: list[tuple[Path, Difference]]) -> None:
    stale = [(folder, differing) for folder, differing in found if differing]
    if not stale:
        return
    for folder, differing in stale:
        click.echo(f"{folder} is not what the build makes:", err=True)
        for line in differing.lines():
            click.echo(f"  {line}", err=True)
    click.echo("run llmdash build with the same options, then commit the folder", err=True)
    raise SystemExit(1)


def _summary(folder: Path, count: int, changed: Difference) -> str:
    from llmdash.artifacts import MANIFEST

    written = len({*changed.missing, *changed.changed} - {MANIFEST})
    removed = f", {len(changed.stale)} removed" if changed.stale else ""
    return f"{folder}: {count} files, {written} written{removed}"


def _table(built: Build) -> str:
    from llmdash.build import panels_of

    names = [source.name for source in built.pack.sources]
    counts = {name: [0, 0, 0, 0, 0] for name in ("all sources", *names)}
    for path, dashboard in built.dashboards.items():
        panels = list(panels_of(dashboard))
        queries = sum(len(panel.get("targets", ())) for panel in panels)
        of = counts[built.page_sources[path] or "all sources"]
        for place, number in enumerate((1, len(panels), queries)):
            of[place] += number
    for _, rule in built.rule_items():
        # A rule over what was counted on several sources belongs to none of them.
        of = counts[rule.get("labels", {}).get("source", "all sources")]
        of[3 if "record" in rule else 4] += 1
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    head = ("source", "pages", "panels", "queries", "recordings", "alerts")
    lines = [head, *((name, *map(str, of)) for name, of in (*counts.items(), ("total", total)))]
    width = max(len(line[0]) for line in lines)
    return "\n".join(
        f"{line[0]:<{width}}" + "".join(f"{cell:>12}" for cell in line[1:]) for line in lines
    )


@main.command()
@pack_option
def signals(reference: str | None) -> None:
    """Show which source answers which signal."""
    from llmdash.documents.signals_table import is_weaker
    from llmdash.signals import SIGNALS

    pack = chosen_pack(reference)
    lines = [["signal", *(source.name for source in pack.sources)]]
    for asked in SIGNALS:
        answers = (source.answer(asked.name) for source in pack.sources)
        words = (
            "–" if answer is None else "mean" if is_weaker(asked, answer) else "yes"
            for answer in answers
        )
        lines.append([asked.name, *words])
    widths = [max(map(len, column)) + 2 for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{word:<{width}}" for word, width in zip(line, widths, strict=True))
        click.echo("".join(cells).rstrip())


@main.group()
def slo() -> None:
    """Explain the promises of a pack, and exchange them as OpenSLO."""


@slo.command()
@pack_option
@click.argument("name", required=False)
def explain(reference: str | None, name: str | None) -> None:
    """Show what is promised, where, and who is told when.

    NAME is one promise; all of them if it is left out.
    """
    from llmdash import documents

    pack = chosen_pack(reference)
    click.echo(documents.explanation(pack.promises, pack.intervals, name))


@slo.command()
@pack_option
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="The file to write; the terminal if left out.",
)
def export(reference: str | None, output: IO[str]) -> None:
    """Write the promises of a pack as OpenSLO v1 documents."""
    from llmdash.slos.openslo import exported

    click.echo(exported(chosen_pack(reference).slos), file=output, nl=False)


@slo.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
def import_promises(file: IO[str]) -> None:
    """Print OpenSLO v1 documents as Python for a pack.

    FILE is what `llmdash slo export` writes, or another's with our annotations; - is the input.
    """
    from llmdash.slos.declaration import declared
    from llmdash.slos.openslo_import import imported

    try:
        text = file.read()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name}: expected UTF-8, got {error.reason}") from error
    click.echo(declared(imported(text)), nl=False)


main.add_command(push)
