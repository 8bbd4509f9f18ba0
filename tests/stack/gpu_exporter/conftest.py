"""Benches are put away, and no test of the exporter leaves a thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.stack.gpu_exporter import fake_nvml


@pytest.fixture(autouse=True)
def no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop every sampler that a test has made, then look for threads that were not there before."""
    before = set(threading.enumerate())
    made: list[fake_nvml.Bench] = []
    ready = fake_nvml.Bench.__post_init__

    def remembered(each: fake_nvml.Bench) -> None:
        ready(each)
        made.append(each)

    monkeypatch.setattr(fake_nvml.Bench, "__post_init__", remembered)
    yield
    for each in made:
        each.sampler.stop()
        assert (0, 0) == (each.fake.event_sets_held, each.fake.samples_held)
        assert 0 == each.fake.begun
    assert set() == set(threading.enumerate()) - before
