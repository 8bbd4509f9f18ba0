"""The made evening has the shapes that the pictures are meant to show."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from llmdash.metrics import vllm
from llmdash.sources import COMPANIONS, ENGINES
from tests.pictures.evening import MODELS, STEP, SURGE_SECONDS, Replica, replicas
from tests.pictures.made_storage import END, evening_series
from tests.pictures.written_series import histogram

TWO_HOURS = range(END - 7200, END + 1, STEP)
SURGE = slice(-SURGE_SECONDS // STEP, None)


@cache
def lived() -> tuple[Replica, ...]:
    return tuple(replicas(TWO_HOURS))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_only_the_model_of_the_surge_is_overloaded(model: object) -> None:
    """Requests wait, the KV cache is full and requests are preempted where the surge is, and nowhere else."""
    own = [replica for replica in lived() if replica.model is model]
    has_surge = own[0].model.surge > 1

    found = {
        "waiting": max(replica.waiting.max() for replica in own) > 0,
        "full": max(replica.kv_use[SURGE].max() for replica in own) > 0.95,
        "preempted": max(replica.preempted.max() for replica in own) > 0,
        "before": max(replica.waiting[: SURGE.start].max() for replica in own) > 0,
    }

    expected = {"waiting": has_surge, "full": has_surge, "preempted": has_surge, "before": False}
    assert expected == found


def test_the_evening_is_the_same_each_time() -> None:
    """The same code draws the same picture."""
    again = replicas(TWO_HOURS)

    assert all(
        np.array_equal(one.kv_use, other.kv_use) for one, other in zip(lived(), again, strict=True)
    )


def test_buckets_hold_those_below_them_and_never_fall() -> None:
    """A made histogram is one: buckets rise with time and with their edges, to the count at the end."""
    replica = lived()[-1]
    labels = {"instance": "vllm-0:8000"}
    metric = vllm.TIME_TO_FIRST_TOKEN_SECONDS

    made = list(histogram(metric, labels, replica.finished, 0.3, 0.5))

    buckets = np.array([each.values for each in made if each.name.endswith("_bucket")])
    count = next(each.values for each in made if each.name.endswith("_count"))
    assert len(metric.edges) + 1 == len(buckets)
    assert (np.diff(buckets, axis=0) >= 0).all()
    assert (np.diff(buckets, axis=1) >= 0).all()
    assert np.array_equal(count, buckets[-1])


def test_every_made_series_is_of_the_catalogue() -> None:
    """Families and their labels are those that exporters have."""
    known = {
        name: set(metric.labels.names)
        for source in (*ENGINES, *COMPANIONS)
        if source.exporter in ("vllm", "gateway", "dcgm")
        for metric in source.metrics
        for name in metric.series_names()
    }
    of_targets = {"job", "instance", "namespace", "pod", "le"}
    # Labels of the configuration change with each release.
    is_open = {vllm.CACHE_CONFIG_INFO.name}

    wrong = [
        f"{each.name} {sorted(set(each.labels) - of_targets)}"
        for each in evening_series(range(END - 60, END + 1, STEP))
        if each.name not in is_open | {"up"}
        and not each.name.startswith("scrape_")
        and not set(each.labels) - of_targets <= known.get(each.name, set())
    ]

    assert [] == wrong
