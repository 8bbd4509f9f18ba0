"""The gateway beside the engines: the same asked of both, by model, wherever both can answer."""

from __future__ import annotations

from llmdash.dashboards.fleet.client_gap import gap_panels
from llmdash.dashboards.gateway.overview import gateway_overview
from llmdash.dashboards.two_sides import BY_MODEL, TwoSides
from llmdash.layer import Layer
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import gateway, triton, vllm

EDGE, INNER = gateway(name="edge", job="edge"), gateway(name="inner", job="inner")
LAYER = Layer((vllm(), EDGE, INNER))


def requests(sides: TwoSides) -> list[str]:
    lines = sides.lines(lambda side: side.counter("requests", BY_MODEL))
    return [to_text(line.expr, GRAFANA) for line in lines]


def test_both_sides_are_asked_the_same() -> None:
    """Roles tell the sides apart, and no line holds both."""
    assert [
        f'sum by (model) (llm:requests:rate5m{{role="{role}", model=~"$model"}})'
        for role in ("gateway", "engine")
    ] == requests(TwoSides.of(LAYER))


def test_one_gateway_of_several_is_asked_alone() -> None:
    """A page of one gateway leaves the other's requests out; the engines are everybody's."""
    ours, engines = requests(TwoSides.of(LAYER, "edge"))

    assert (
        'sum by (model) (llm:requests:rate5m{role="gateway", model=~"$model", source="edge"})'
        == (ours)
    )
    assert "source" not in engines


def test_a_side_has_a_colour() -> None:
    """Lines of the two sides differ at a glance, whatever the model."""
    lines = TwoSides.of(LAYER).lines(lambda side: side.counter("requests", BY_MODEL))

    assert 2 == len({line.color for line in lines} - {None})


def test_what_one_side_lacks_is_not_compared() -> None:
    """Triton counts no tokens, and without a gateway there is nothing to set beside."""
    assert TwoSides.of(LAYER).have("generation_tokens")
    assert not TwoSides.of(Layer((triton(), EDGE))).have("generation_tokens")
    assert () == tuple(gap_panels(Layer((vllm(),))))


def test_pages_tell_the_same_in_the_same_words() -> None:
    """What the page of the gateway and the comparison share has one title and one description."""
    own = gateway_overview(EDGE, LAYER)
    compared = {panel.key: panel for panel in gap_panels(LAYER)}

    for here, there in (
        ("added-first-token", "gap"),
        ("both-requests", "gateway-and-engine-requests"),
    ):
        panel, other = own.panel(here), compared[there]
        assert (other.title, other.description) == (panel.title, panel.description)
