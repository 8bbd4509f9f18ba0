"""Tiles over the whole width: how many in a line, and how wide each."""

from __future__ import annotations

import pytest

from llmdash.dashboards.panels import Text
from llmdash.dashboards.tiles import side_by_side


@pytest.mark.parametrize(
    ("tiles", "widths"),
    [
        (0, []),
        (1, [24]),
        (3, [8, 8, 8]),
        (5, [4, 5, 5, 5, 5]),
        (8, [3, 3, 3, 3, 3, 3, 3, 3]),
        (9, [6, 6, 6, 6, 4, 5, 5, 5, 5]),
    ],
)
def test_lines_are_full_whichever_tiles_are_there(tiles: int, widths: list[int]) -> None:
    """A source that answers less has wider tiles and no hole; above eight there is another line."""
    found = side_by_side(Text(key=f"t{n}", markdown="x", width=4) for n in range(tiles))

    assert widths == [tile.width for tile in found]
