"""Which engine is asked: those that are well, the one with least to do, none that just failed."""

from __future__ import annotations

from llmstack.gateway.upstreams import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Pool, Upstream


def well(*urls: str) -> Pool:
    return Pool([Upstream(url, is_healthy=True) for url in urls])


def test_nobody_is_well_at_the_start() -> None:
    """Until somebody has looked."""
    pool = Pool([Upstream("a")])

    assert pool.pick(0) is None
    assert not pool.is_ready(0)


def test_the_fewest_requests() -> None:
    """And in turn where several have as few."""
    pool = well("a", "b", "c")
    pool.upstreams[0].outstanding = 1
    picked = [pool.pick(0) for _ in range(4)]

    assert ["b", "c"] == sorted({each.url for each in picked if each is not None})
    assert 2 == sum(each is pool.upstreams[1] for each in picked)


def test_not_again() -> None:
    """Those that were asked already are left out."""
    pool = well("a", "b")

    assert pool.upstreams[1] is pool.pick(0, [pool.upstreams[0]])
    assert pool.pick(0, pool.upstreams) is None


def test_failures_in_a_row_close_the_circuit_for_longer_each_time() -> None:
    """Then one request tries; an answer opens it wholly."""
    (upstream,) = well("a").upstreams
    now, pauses = 0.0, []
    for _ in range(FAILURES - 1):
        upstream.failed(now)
        assert upstream.is_open(now)
    for _ in range(10):
        upstream.failed(now)
        begin = now
        while not upstream.is_open(now):
            now += 0.5
        pauses.append(now - begin)

    assert [FIRST_PAUSE * 2**n for n in range(6)] == pauses[:6]
    assert LONGEST_PAUSE == pauses[-1]
    upstream.succeeded()
    upstream.failed(now)
    assert upstream.is_open(now)


def test_models_of_all() -> None:
    """Each once."""
    pool = well("a", "b")
    pool.upstreams[0].models = frozenset({"x", "y"})
    pool.upstreams[1].models = frozenset({"y", "z"})

    assert {"x", "y", "z"} == pool.models
