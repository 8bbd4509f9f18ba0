"""The order of the design: a module imports only what stands to its left, and each edge has one home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import llmdash
from llmdash.sources import ENGINES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "llmdash"

#: From left to right: a module imports what stands before it. Names in one line know nothing of each other.
ORDER = (
    ("errors", "problems", "yaml_text"),
    ("promql",),
    ("metrics",),
    ("signals",),
    ("intervals", "levels", "prices"),
    ("sources",),
    ("placement",),
    ("recordings",),
    ("expansion", "layer"),
    ("slos",),
    ("dashboards",),
    ("alerts",),
    ("coverage", "rule_files", "unused"),
    ("pack",),
    ("documents", "provisioning"),
    ("artifacts",),
    ("build",),
    ("compiler",),
    ("checks",),
    ("grafana",),
    ("testing",),
    ("cli",),
    ("__main__",),
)
PLACE = {name: place for place, names in enumerate(ORDER) for name in names}

#: Each library that reaches beyond Python has one home.
HOMES = {
    "grafanalib": ("dashboards",),
    "attr": ("dashboards",),
    "requests": ("grafana",),
    "urllib": ("grafana", "testing"),
    "http": ("testing",),
    "socket": ("testing",),
    "promql_parser": ("checks",),
    "yaml": ("yaml_text",),
    "click": ("cli",),
    "tempfile": ("artifacts",),
    "subprocess": (),
    "random": (),
    "datetime": ("checks",),
    "time": ("grafana", "testing"),
    "pytest": ("testing",),
}

#: Files of the disk are touched here and nowhere else.
WRITERS = ("artifacts",)

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "shared"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {module_name(path): ast.parse(path.read_text("utf-8"), str(path)) for path in paths}


def part(name: str) -> str:
    """Return the first part below the package: the folder or module that has a place in the order."""
    return name.split(".")[1] if "." in name else ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every module that is imported, inside functions and for types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in modules() else node.module


def own_imports() -> list[tuple[str, str]]:
    return [
        (name, imported)
        for name, tree in modules().items()
        for imported in imports(tree)
        if imported.split(".")[0] == "llmdash"
    ]


def test_every_module_has_a_place() -> None:
    """A new folder or module is put into the order before it is used; the rest of the order may wait."""
    assert {"promql", "metrics", "sources", "dashboards", "checks"} <= {
        part(name) for name in modules()
    }
    assert set() == {part(name) for name in modules()} - set(PLACE) - {""}


def test_imports_follow_the_flow() -> None:
    """A module imports only what stands to its left, and inside a folder freely."""
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in own_imports()
        if part(importer)
        and part(importer) != part(imported)
        and PLACE[part(imported)] >= PLACE[part(importer)]
    ]

    assert [] == wrong


@pytest.mark.parametrize(
    ("importer", "imported"), [("promql", "metrics"), ("metrics", "signals"), ("dashboards", "pack")]
)  # fmt: skip
def test_the_order_is_strict(importer: str, imported: str) -> None:
    """The test above can fail: what knows nothing of LLMs comes first, content before its pack."""
    assert PLACE[imported] > PLACE[importer]
    assert [] == [
        pair for pair in own_imports() if (part(pair[0]), part(pair[1])) == (importer, imported)
    ]


def test_nothing_imports_the_door() -> None:
    """The package's own `__init__` is for users; modules import each other where they are."""
    assert [] == [f"{name} imports {imported}" for name, imported in own_imports() if imported == "llmdash"]  # fmt: skip


def test_no_circle() -> None:
    """No two modules import each other, also not by way of others, also not for types."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for importer, imported in own_imports():
        # A folder's __init__ re-exports its modules; importing through it from inside would be a circle.
        if importer != imported:
            graph[importer].add(imported)

    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
    assert set(modules()) <= set(order)


def test_libraries_have_one_home() -> None:
    """What reaches beyond Python, or beyond one run, is imported in one place."""
    strays = [
        f"{name} imports {imported}"
        for name, tree in modules().items()
        for imported in imports(tree)
        if imported.split(".")[0] in HOMES and part(name) not in HOMES[imported.split(".")[0]]
    ]

    assert [] == strays


def test_only_artifacts_write() -> None:
    """Files are written behind one seam; nobody else opens, makes or removes any."""
    writing = {"open", "write_text", "write_bytes", "unlink", "rmdir", "mkdir", "touch", "rmtree"}
    strays = [
        f"{name}:{node.lineno} calls {called}"
        for name, tree in modules().items()
        if part(name) not in WRITERS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (called := getattr(node.func, "attr", getattr(node.func, "id", ""))) in writing
    ]

    assert [] == strays


def test_no_file_is_named_for_nothing() -> None:
    """A module is named for the thing that it defines."""
    assert [] == [name for name in modules() if set(name.split(".")) & FORBIDDEN_NAMES]


def test_every_module_says_what_it_is() -> None:
    """A module opens with a docstring, and that with a whole sentence or a heading of one."""
    docstrings = {name: ast.get_docstring(tree) or "" for name, tree in modules().items()}

    assert [] == [name for name, text in docstrings.items() if len(text.split()) < 3]
    assert [] == [name for name, text in docstrings.items() if text.strip()[-1:] in (",", ";")]


# --- the stack ------------------------------------------------------------------------------------


def stack_imports() -> list[tuple[str, str]]:
    paths = sorted((ROOT / "stack" / "llmstack").rglob("*.py"))
    trees = {path: ast.parse(path.read_text("utf-8"), str(path)) for path in paths}
    return [(path.stem, imported) for path, tree in trees.items() for imported in imports(tree)]


def test_the_stack_knows_metrics_alone() -> None:
    """Its programs state no name, label or edge of a metric again, and know nothing else of llmdash."""
    of_llmdash = [(name, each) for name, each in stack_imports() if each.split(".")[0] == "llmdash"]

    assert 5 < len(stack_imports())
    assert [] == [pair for pair in of_llmdash if not pair[1].startswith("llmdash.metrics")]
    assert [] == [pair for pair in own_imports() if pair[1].startswith("llmstack")]
    assert [] == [name for name, tree in modules().items() if "llmstack" in set(imports(tree))]


# --- engines -------------------------------------------------------------------------------------

EXPORTERS = {source.exporter for source in ENGINES}


def names_in_conditions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the strings that a comparison, a match or a call of startswith tests for."""
    for node in ast.walk(tree):
        tested: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            tested = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            tested = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            tested = list(node.args) if node.func.attr in ("startswith", "endswith") else []
        for inner in (each for top in tested for each in ast.walk(top)):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.lineno, inner.value


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("if source.name == 'vllm': pass", ["vllm"]),
        ("x = name in ('triton', 'vllm')", ["triton", "vllm"]),
        ("match name:\n    case 'vllm': pass", ["vllm"]),
        ("y = metric.startswith('vllm:')", ["vllm:"]),
        ("pages = {'vllm': (vllm_overview,)}", []),
        ("vllm(name='vllm')", []),
    ],
)
def test_a_condition_on_a_name_is_seen(code: str, found: list[str]) -> None:
    """The walk below sees comparisons, memberships, matches and prefixes, and no mere mention."""
    assert found == [text for _, text in names_in_conditions(ast.parse(code))]


def test_nobody_asks_which_engine_it_is() -> None:
    """After the sources no condition names an engine, except in pages of that source."""
    after = PLACE["sources"]
    asking = [
        f"{name}:{line} asks for {text!r}"
        for name, tree in modules().items()
        if PLACE.get(part(name), -1) > after
        for line, text in names_in_conditions(tree)
        for exporter in EXPORTERS
        if exporter in text.lower() and not name.startswith(f"llmdash.dashboards.{exporter}.")
    ]

    assert {"vllm", "triton", "triton_vllm", "triton_trtllm", "sglang", "trtllm"} == EXPORTERS
    assert [] == asking


def test_only_an_engines_own_pages_know_its_metrics() -> None:
    """A page reads an exporter's catalogue only if it is that exporter's own; the others ask signals."""
    general = {"metric", "prometheus", "seen", "python_process", "fastapi", "xid", "clock_events"}
    strays = [
        f"{importer} imports {imported}"
        for importer, imported in own_imports()
        if PLACE.get(part(importer), -1) > PLACE["sources"]
        and part(imported) == "metrics"
        and imported.count(".") > 1
        and (catalogue := imported.split(".")[2]) not in general
        and not importer.startswith(f"llmdash.dashboards.{catalogue.partition('_')[0]}.")
    ]

    assert [] == strays


# --- the door ------------------------------------------------------------------------------------


def test_the_door_names_what_is_public() -> None:
    """`__all__` is exactly the public names, each of which is there."""
    public = {
        name
        for name in {*dir(llmdash), *vars(llmdash)}
        if not name.startswith("_")
        and name not in ("annotations", "importlib", "TYPE_CHECKING")
        and not isinstance(getattr(llmdash, name), ModuleType)
    }

    assert public == set(llmdash.__all__)
    assert len(public) == len(llmdash.__all__)


def test_the_door_is_sorted() -> None:
    """Constants, then classes, then functions, each by name, as the linter has them."""

    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert sorted(llmdash.__all__, key=rank) == llmdash.__all__


def test_the_door_opens_late() -> None:
    """A name of the door is the thing itself, and one that is not there says so."""
    from llmdash.pack import Pack

    assert llmdash.Pack is Pack
    with pytest.raises(AttributeError, match="module 'llmdash' has no attribute 'Packs'"):
        _ = llmdash.Packs
