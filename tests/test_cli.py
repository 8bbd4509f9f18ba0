"""The command: what it prints, what it writes, how it exits, and how little it imports to say so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmdash.cli import main
from llmdash.compiler import compile_pack
from llmdash.pack import DEFAULT

MINE = """
from llmdash.pack import Pack
from llmdash.sources import triton

mine = Pack(sources=(triton(name="south"),))
"""

BROKEN = """
from llmdash import Duration, Intervals, Pack, triton
from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.panels import Query, Stat
from llmdash.promql.expressions import total


def waiting(layer):
    queue = total(layer.gauge("requests_waiting").where(role="engine"))
    return Stat(
        key="waiting", title="Waiting", description="A queue.", queries=(Query("all", queue),)
    )


def inn(layer):
    panels = (waiting(layer), waiting(layer))
    rows = (Row(key="now", title="Now", panels=panels),)
    return Dashboard(uid="inn", title="Inn", description="An inn.", rows=rows)


def tavern(layer):
    rows = (Row(key="now", title="Now", panels=(waiting(layer),)),)
    return Dashboard(uid="inn", title="Tavern", description="A tavern.", rows=rows)


def cellar(layer):
    return layer.counter("request")


mine = Pack(
    sources=(triton(job="east"), triton(job="west")),
    shared_pages=(inn, tavern, cellar),
    engine_pages=(),
    source_pages={},
    target_models={"vllm": {}},
    intervals=Intervals(rate_window=Duration.parse("59s"), retention=Duration.parse("35d")),
)
"""

#: How many files the default pack is.
BUILT = len(compile_pack(DEFAULT).artifacts)

PROBLEMS = """\
  pack: intervals: rate_window 59s is under 4 scrapes of 15s: use 1m or more (compiles)
  pack: sources: 2 sources share the source triton (compiles)
  pack: target_models: vllm is no source of it (triton) (compiles)
  page cellar: no signal is called request; did you mean requests? (compiles)
  dashboard inn: 2 dashboards share this uid: Inn, Tavern (compiles)
  inn/waiting: expected one panel of this key, got 2 (dashboard_is_sound)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in, outside of any checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{tmp_path}{os.sep}"):
            del sys.modules[name]


def llmdash(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="llmdash")


def numbers(line: str) -> list[str]:
    return line.split()[-4:]


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_help_names_every_command() -> None:
    """Help lists the commands that there are, each with a sentence."""
    listed = re.findall(r"^  ([a-z]+)  +(\S.*)$", llmdash("--help").stdout, flags=re.MULTILINE)

    assert sorted(main.commands) == [name for name, _ in listed]
    assert [] == [name for name, sentence in listed if not sentence.endswith(".")]


@pytest.mark.parametrize("command", ["build", "signals"])
def test_help_explains_every_option(command: str) -> None:
    """Each option of a command has a help text."""
    options = [each for each in main.commands[command].params if each.param_type_name == "option"]

    assert [] == [each.name for each in options if not getattr(each, "help", None)]
    assert llmdash(command, "--help").exit_code == 0


def test_version_is_that_of_the_package() -> None:
    """`--version` says what was installed."""
    assert f"llmdash, version {version('llmdash')}\n" == llmdash("--version").stdout


def test_a_build_needs_nothing_but_a_folder(here: Path) -> None:
    """In an empty folder that is no checkout, a build makes `generated/` and says what is in it."""
    result = llmdash("build")
    lines = result.stdout.splitlines()

    assert (0, "") == (result.exit_code, result.stderr)
    assert f"generated: {BUILT} files, {BUILT} written" == lines[0]
    assert ["source", "pages", "panels", "queries", "recordings", "alerts"] == lines[1].split()
    assert ["all sources", *(source.name for source in DEFAULT.sources), "total"] == [
        re.split(r" {2,}", line)[0] for line in lines[2:]
    ]
    assert [
        str(sum(map(int, column))) for column in zip(*map(numbers, lines[2:-1]), strict=True)
    ] == (numbers(lines[-1]))
    assert {"generated"} == {path.name for path in here.iterdir()}
    assert BUILT + 1 == len(files(here / "generated"))


def test_a_second_build_writes_nothing(here: Path) -> None:
    """Equal input writes 0 files; only what was changed by hand is written again."""
    llmdash("build", "--output", "out")
    assert llmdash("build", "--output", "out").stdout.startswith(f"out: {BUILT} files, 0 written\n")
    (here / "out" / "signals.md").write_text("mine\n")

    assert llmdash("build", "--output", "out").stdout.startswith(f"out: {BUILT} files, 1 written\n")


def test_check_tells_what_differs(here: Path) -> None:
    """With `--check` nothing is written; the exit status says whether anything would be."""
    llmdash("build")
    sound = llmdash("build", "--check")
    (here / "generated" / "signals.md").unlink()
    (here / "generated" / "cookbook.md").write_text("mine\n")
    (here / "generated" / "rules" / "old.yaml").write_text("old\n")
    with (here / "generated" / ".llmdash-manifest").open("a") as manifest:
        manifest.write("rules/old.yaml\n")
    before = files(here)
    differing = llmdash("build", "--check")

    assert (0, "up to date: generated\n") == (sound.exit_code, sound.stdout)
    assert (1, "") == (differing.exit_code, differing.stdout)
    assert differing.stderr == (
        "generated is not what the build makes:\n"
        "  missing  signals.md\n"
        "  changed  cookbook.md\n"
        "  stale    rules/old.yaml\n"
        "run llmdash build with the same options, then commit the folder\n"
    )
    assert before == files(here)


def test_check_of_nothing_misses_everything(here: Path) -> None:
    """A folder that nobody built fails the check, and is not made."""
    result = llmdash("build", "--check")

    assert (1, BUILT) == (result.exit_code, result.stderr.count("  missing  "))
    assert [] == list(here.iterdir())


def test_portable_pages_are_written_beside(here: Path) -> None:
    """`--portable` fills a second folder with the pages alone, and `--check` looks at both."""
    result = llmdash("build", "--portable", "by-hand")
    built = files(here / "generated" / "dashboards")

    assert [
        f"generated: {BUILT} files, {BUILT} written",
        f"by-hand: {len(built)} files, {len(built)} written",
    ] == result.stdout.splitlines()[:2]
    assert {".llmdash-manifest", *built} == files(here / "by-hand")
    assert llmdash("build", "--check", "--portable", "by-hand").exit_code == 0
    (here / "by-hand" / "llm-serving" / "llm-fleet.json").unlink()
    checked = llmdash("build", "--check", "--portable", "by-hand")

    assert checked.exit_code == 1
    assert checked.stderr.splitlines()[:2] == [
        "by-hand is not what the build makes:",
        "  missing  llm-serving/llm-fleet.json",
    ]


@pytest.mark.parametrize("portable", ["generated", "./generated", "other/../generated"])
def test_two_forms_need_two_folders(portable: str, here: Path) -> None:
    """One folder cannot hold both forms of a page, however its path is written."""
    result = llmdash("build", "--portable", portable)

    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: --portable and --output must be two folders, neither in the other\n"
    )
    assert [] == list(here.iterdir())


def test_a_pack_of_ones_own_is_built(here: Path) -> None:
    """`--pack` takes a module of the current folder; what the last pack made and this does not, goes."""
    (here / "my_pack.py").write_text(MINE)
    llmdash("build")
    result = llmdash("build", "--pack", "my_pack:mine")

    assert result.exit_code == 0, result.stderr
    assert re.match(r"generated: \d+ files, \d+ written, \d+ removed\n", result.stdout)
    pages = {path.name for path in (here / "generated").rglob("*.json")}

    assert {"llm-fleet.json", "llm-south-overview.json"} < pages
    assert not {"llm-triton-overview.json", "llm-vllm-overview.json"} & pages
    assert (here / "generated" / "rules" / "llmdash-south.yaml").is_file()
    assert llmdash("build", "--check", "--pack", "my_pack:mine").exit_code == 0
    assert llmdash("build", "--check").exit_code == 1


@pytest.mark.parametrize("command", ["build", "signals", "slo explain"])
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("my_pack", "expected --pack module:name, got 'my_pack'"),
        ("my_pack:yours", "pack my_pack:yours: my_pack has no yours; it has mine"),
        ("my_pack:triton", "pack my_pack:triton: expected a Pack, got function"),
        (
            "nowhere:mine",
            "pack nowhere:mine: nowhere does not import: "
            "ModuleNotFoundError: No module named 'nowhere'",
        ),
    ],
)
def test_a_pack_that_is_none_is_one_message(
    command: str, reference: str, message: str, here: Path
) -> None:
    """What is wrong with `--pack` is said in a line, without a traceback, and nothing is written."""
    (here / "my_pack.py").write_text(MINE)
    result = llmdash(*command.split(), "--pack", reference)

    assert (1, "", f"Error: {message}\n") == (result.exit_code, result.stdout, result.stderr)
    assert not (here / "generated").exists()


@pytest.mark.parametrize("options", [(), ("--check",), ("--portable", "by-hand")])
def test_a_broken_pack_says_all_of_it(options: tuple[str, ...], here: Path) -> None:
    """Every problem is in one message, and neither a file nor a traceback is left behind."""
    (here / "broken_pack.py").write_text(BROKEN)
    result = llmdash("build", "--pack", "broken_pack:mine", *options)
    head, *lines = result.stderr.splitlines(keepends=True)

    assert (1, "") == (result.exit_code, result.stdout)
    assert f"Error: {len(lines)} problems, nothing was written:\n" == head
    assert PROBLEMS == "".join(lines[:6])
    assert all("a window of 59s is under 4 scrapes of 15s" in line for line in lines[6:])
    assert {"broken_pack.py"} == {path.name for path in here.iterdir() if path.is_file()}
    assert not (here / "generated").exists()
    assert not (here / "by-hand").exists()


def test_a_foreign_file_stops_the_build(here: Path) -> None:
    """A file that llmdash did not write is named, and stays."""
    (here / "generated").mkdir()
    (here / "generated" / "signals.md").write_text("mine\n")
    result = llmdash("build")

    assert (1, "") == (result.exit_code, result.stdout)
    assert result.stderr == (
        "Error: generated holds files that llmdash did not write: signals.md. "
        "Move them away, or build into another folder with --output\n"
    )
    assert {"signals.md"} == files(here / "generated")


def test_a_file_is_no_folder(here: Path) -> None:
    """`--output` refuses a file before anything is built."""
    (here / "generated").write_text("mine\n")
    result = llmdash("build")

    assert result.exit_code == 2
    assert "Directory 'generated' is a file" in result.stderr


def test_signals_are_a_table() -> None:
    """A column for each source, wide enough for its name, and a line for each signal."""
    lines = llmdash("signals").stdout.splitlines()
    table = {line.split()[0]: line.split()[1:] for line in lines}

    names = [source.name for source in DEFAULT.sources]
    said = {signal: dict(zip(names, words, strict=True)) for signal, words in table.items()}

    assert names == table["signal"]
    assert ("yes", "mean", "–") == tuple(
        said["queue_time"][name] for name in ("vllm", "triton", "gateway")
    )
    assert ("yes", "–") == (said["gpu_power"]["dcgm"], said["gpu_power"]["vllm"])
    assert {"–"} == set(said["requests_swapped"].values())
    assert [] == [line for line in lines if line != line.rstrip()]


def test_signals_of_a_pack_of_ones_own(here: Path) -> None:
    """Columns are as wide as the names of the sources."""
    module = MINE.replace('(triton(name="south"),)', '(triton(name="a_very_long_name"), triton(name="b"))')  # fmt: skip
    (here / "my_pack.py").write_text(module)
    head, first, *_ = llmdash("signals", "--pack", "my_pack:mine").stdout.splitlines()

    assert ["signal", "a_very_long_name", "b"] == head.split()
    assert head.index("b", head.index("a_very_long_name") + 16) == first.rindex("yes")


def test_a_promise_is_explained() -> None:
    """`slo explain` says where a promise is measured, its tiers and when somebody is told."""
    result = llmdash("slo", "explain", "availability")
    lines = result.stdout.splitlines()

    assert (0, "") == (result.exit_code, result.stderr)
    assert "availability: Requests answered without error" == lines[0]
    assert "page-1h    1h and 5m   14.4 x      1.44%             2%" in lines
    assert ["total outage", "100%", "52s", "4m19s", "34m49s", "5h59m38s"] == next(
        re.split(r"  +", line) for line in lines if line.startswith("total outage")
    )
    assert any(re.match(r"vllm +it has no complete count of failures: ", line) for line in lines)


def test_all_promises_are_explained() -> None:
    """Without a name every promise of the pack is explained, in its order."""
    lines = llmdash("slo", "explain").stdout.splitlines()
    titles = [f"{slo.name}: {slo.title}" for slo in DEFAULT.slos]

    assert titles == [line for line in lines if line in titles]


def test_a_promise_that_is_none_is_one_message() -> None:
    """An unknown name is said with all that there are, and the nearest."""
    result = llmdash("slo", "explain", "inter-tokens")
    names = ", ".join(slo.name for slo in DEFAULT.slos)

    assert (1, "") == (result.exit_code, result.stdout)
    assert result.stderr == (
        f"Error: slo explain: expected a promise of the pack ({names}), got inter-tokens; "
        "did you mean inter-token?\n"
    )


def test_promises_of_a_pack_of_ones_own(here: Path) -> None:
    """`--pack` explains the promises of a module of the current folder, on its own sources."""
    (here / "my_pack.py").write_text(MINE)
    result = llmdash("slo", "explain", "availability", "--pack", "my_pack:mine")

    assert (0, "") == (result.exit_code, result.stderr)
    assert "source  told apart by\nsouth   model\n" in result.stdout
    assert "vllm" not in result.stdout


def test_help_of_promises() -> None:
    """The group lists its commands, each with a sentence, and their options are explained."""
    listed = re.findall(r"^  ([a-z]+)  +(\S.*)$", llmdash("slo", "--help").stdout, flags=re.M)
    explained = llmdash("slo", "explain", "--help")

    assert ("explain", "Show what is promised, where, and who is told when.") in listed
    assert [] == [name for name, sentence in listed if not sentence.endswith(".")]
    assert 0 == explained.exit_code
    assert "--pack MODULE:NAME" in explained.stdout


@pytest.mark.parametrize("setting", ["C", "C.UTF-8"])
def test_any_terminal_will_do(setting: str) -> None:
    """The table is printed where the locale knows only ASCII."""
    environment = {**os.environ, "LC_ALL": setting, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "llmdash", "signals"]
    result = subprocess.run(command, env=environment, check=False, capture_output=True)

    assert (0, b"") == (result.returncode, result.stderr)
    assert "–" in result.stdout.decode("utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["build", "--help"],
        ["push", "--help"],
        ["slo", "explain", "--help"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help is quick: no library but click is imported to print it."""
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['llmdash', *{arguments!r}]\n"
        "try:\n"
        "    runpy.run_module('llmdash', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "heavy = {'grafanalib', 'requests', 'yaml', 'promql_parser', 'attr'}\n"
        "print('heavy:', *sorted(roots & heavy))\n"
        "print('own:', *sorted(name for name in sys.modules if name.startswith('llmdash')))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.splitlines()

    own = "llmdash llmdash.cli llmdash.cli.commands llmdash.cli.pack_option llmdash.cli.push"
    assert ["heavy:", f"own: {own} llmdash.errors"] == printed[-2:]
