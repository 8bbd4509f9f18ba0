"""A whole month of samples becomes the budget and the tickets that the closed form predicts."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmdash.artifacts import write
from llmdash.compiler import compile_pack
from llmdash.pack import Pack
from llmdash.slos.defaults import AVAILABILITY
from llmdash.sources import gateway
from tests.prometheus_tools import MAJORS, Version, said_against

TEST = Path(__file__).with_name("month.test.yaml")


def test_a_month(promtools: list[tuple[Version, Path]], tmp_path: Path) -> None:
    """30 days at one evaluation in five minutes; both releases at once, since each takes a minute."""
    pack = Pack(
        sources=(gateway(),),
        slos=(AVAILABILITY,),
        shared_pages=(),
        engine_pages=(),
        source_pages={},
    )
    write(compile_pack(pack).artifacts, tmp_path / "built")
    test = Path(shutil.copy(TEST, tmp_path))

    with ThreadPoolExecutor(len(MAJORS)) as pool:
        found = list(pool.map(lambda each: said_against(each[1], test), promtools))

    assert [""] * len(promtools) == found
    assert promtools
