"""A pack is loaded by `module:name`, also from the current folder; what is no pack says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmdash.errors import PackError
from llmdash.pack import DEFAULT, Pack, load_pack
from llmdash.sources import COMPANIONS, ENGINES, Role, load

MODULE = """
from llmdash.intervals import Intervals
from llmdash.pack import Pack
from llmdash.sources import vllm

west = Pack(sources=(vllm(name="west"),))
east = Pack(sources=(vllm(name="east"),))
number = 7
nothing = None
"""

BROKEN = {
    "inn_missing": "import inn_that_is_nowhere",
    "inn_syntax": "pack = = 7",
    "inn_raises": "raise RuntimeError('the inn is closed')",
    "inn_signal": """
from tests.sources.examples import DIALECT, GUESTS, inn
from llmdash.sources.source import answered, counter

inn(answers={"requets": answered(requests=counter("requests", DIALECT.term(GUESTS)))["requests"]})
""",
    "inn_edges": """
from llmdash.sources import vllm

source = vllm(edges={"vllm:time_to_first_token_seconds": (11, 7)})
""",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{tmp_path}{os.sep}"):
            del sys.modules[name]


def test_load_is_not_recorded() -> None:
    """A test of servers is on its own page; no recording, and so no total and no alert, has it."""
    assert [load()] == [each for each in DEFAULT.sources if each not in DEFAULT.layer.sources]
    assert Role.LOAD not in {source.role for source in DEFAULT.layer.sources}


def test_the_default_holds_what_ships() -> None:
    """The pack that ships has every source, no fixed targets and no Alertmanager."""
    assert (*ENGINES, *COMPANIONS) == DEFAULT.sources
    assert ENGINES == DEFAULT.placement.engines
    assert not DEFAULT.placement.places_gpus
    assert ({}, {}, "") == (DEFAULT.targets, DEFAULT.target_models, DEFAULT.alertmanager)


def test_a_pack_is_found_by_name(here: Path) -> None:
    """A module of the current folder is found without being installed."""
    (here / "inn_packs.py").write_text(MODULE)

    assert ["east"] == [source.name for source in load_pack("inn_packs:east").sources]
    assert ["west"] == [source.name for source in load_pack("inn_packs:west").sources]
    assert isinstance(load_pack("llmdash.pack:DEFAULT"), Pack)


def test_a_pack_may_stand_in_a_package(here: Path) -> None:
    """Dots name packages, and modules beside the pack can be imported by it."""
    (here / "inn_house").mkdir()
    (here / "inn_names.py").write_text("NAME = 'north'\n")
    (here / "inn_house" / "packs.py").write_text(
        "from inn_names import NAME\nfrom llmdash.pack import Pack\n"
        "from llmdash.sources import vllm\nmine = Pack(sources=(vllm(name=NAME),))\n"
    )

    assert ["north"] == [source.name for source in load_pack("inn_house.packs:mine").sources]


@pytest.mark.parametrize("reference", ["", "inn_packs", "inn_packs:", ":east"])
def test_a_reference_names_module_and_pack(reference: str) -> None:
    """What is not `module:name` is refused with what was given."""
    with pytest.raises(PackError) as caught:
        load_pack(reference)

    assert f"expected --pack module:name, got {reference!r}" == str(caught.value)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("inn_packs:north", "pack inn_packs:north: inn_packs has no north; it has east, west"),
        ("inn_packs:nothing", "pack inn_packs:nothing: inn_packs has no nothing; it has east, west"),
        ("inn_packs:number", "pack inn_packs:number: expected a Pack, got int"),
        ("inn_packs:Intervals", "pack inn_packs:Intervals: expected a Pack, got type"),
        ("json:DEFAULT", "pack json:DEFAULT: json has no DEFAULT; it has no pack"),
        (
            "inn_elsewhere:east",
            "pack inn_elsewhere:east: inn_elsewhere does not import: "
            "ModuleNotFoundError: No module named 'inn_elsewhere'",
        ),
    ],
)  # fmt: skip
def test_what_is_no_pack_is_refused(reference: str, message: str, here: Path) -> None:
    """A name that is missing or no pack is said, with the packs that are there."""
    (here / "inn_packs.py").write_text(MODULE)

    with pytest.raises(PackError) as caught:
        load_pack(reference)
    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("inn_missing", "ModuleNotFoundError: No module named 'inn_that_is_nowhere'"),
        ("inn_syntax", "SyntaxError: invalid syntax (inn_syntax.py, line 1)"),
        ("inn_raises", "RuntimeError: the inn is closed"),
        (
            "inn_signal",
            "SourceError: inn: no signal is called requets; did you mean requests?",
        ),
        (
            "inn_edges",
            "CatalogueError: vllm:time_to_first_token_seconds: bucket edges must ascend, got (11.0, 7.0)",
        ),
    ],
)  # fmt: skip
def test_a_module_that_does_not_import_says_why(module: str, reason: str, here: Path) -> None:
    """Whatever a pack's module raises while it is imported becomes one sentence."""
    (here / f"{module}.py").write_text(BROKEN[module])

    with pytest.raises(PackError) as caught:
        load_pack(f"{module}:mine")
    assert f"pack {module}:mine: {module} does not import: {reason}" == str(caught.value)


def test_nothing_is_shared_between_packs() -> None:
    """Two packs made alike are equal, and own their tables of pages."""
    one, other = Pack(), Pack()

    assert one == other
    assert one.source_pages is not other.source_pages


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sources": ("vllm",)}, "sources: expected sources such as vllm(), got str 'vllm'"),
        (
            {"targets": {"vllm": "localhost:8000"}},
            "targets of vllm: expected a tuple of host:port, got 'localhost:8000'",
        ),
        (
            {"target_models": {"vllm": "llama"}},
            "target_models of vllm: expected models by host:port, got 'llama'",
        ),
        ({"limits": {"queue": 7}}, "limits: expected Limits(…), got dict {'queue': 7}"),
        ({"alerts": None}, "alerts: expected a tuple of functions, got None"),
        ({"alerts": ("queue",)}, "alerts: expected a function with a name, got 'queue'"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused(settings: dict[str, Any], message: str) -> None:
    """A setting of the wrong kind is said when the pack is made."""
    with pytest.raises(PackError) as caught:
        Pack(**settings)

    assert message == str(caught.value)
