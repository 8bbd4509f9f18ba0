"""What tests of the view share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.page_server import Servers, servers


@pytest.fixture
def served() -> Iterator[Servers]:
    with servers() as found:
        yield found
