"""What a reader may choose, and how Grafana asks for the choices."""

from __future__ import annotations

import pytest

from llmdash.dashboards.variables import (
    CustomVariable,
    DatasourceVariable,
    IntervalVariable,
    QueryVariable,
    TextboxVariable,
    names_in,
    variables_in,
)
from llmdash.errors import DashboardError, PromqlError
from llmdash.metrics import dcgm, dcgm_renamed
from llmdash.promql.nodes import Matcher, Variable
from tests.dashboards.examples import WAITING, tokens


def test_a_query_variable_asks_for_the_values_of_a_label() -> None:
    """The selector is printed for Grafana, other variables in it left to Grafana."""
    selector = WAITING.select(model=Variable("model"), engine="7")
    found = QueryVariable(name="engine", selector=selector, of="engine")

    assert 'label_values(inn_requests_waiting{model=~"$model", engine="7"}, engine)' == found.query
    assert (Variable("model"),) == found.refers_to()


def test_a_label_that_the_series_do_not_have_is_refused() -> None:
    """A variable without values would empty every panel."""
    with pytest.raises(PromqlError, match="did you mean model"):
        QueryVariable(name="model", selector=WAITING.select(), of="modell")


def test_a_variable_is_called_by_its_name_in_words() -> None:
    """Where no label is given, the name in words is one."""
    assert "Model name" == TextboxVariable(name="model_name").label
    assert "Data source" == DatasourceVariable().label


@pytest.mark.parametrize("name", ["Model", "model-name", "__interval", "7b"])
def test_a_name_that_texts_cannot_use_is_refused(name: str) -> None:
    """Grafana's own names begin with two underscores, and `$model-name` is `$model` and a word."""
    with pytest.raises(DashboardError, match="a name such as model_name"):
        TextboxVariable(name=name)


def test_the_first_option_is_chosen() -> None:
    """A list starts at its first option unless another is named."""
    assert "7m" == IntervalVariable(name="window", options=("7m", "11m")).default
    assert "b" == CustomVariable(name="letter", options=("a", "b"), default="b").default


@pytest.mark.parametrize("options", [(), ("a", "a"), ("a,b",), ("a : b",), ("",), (" a",)])
def test_a_list_that_grafana_would_read_otherwise_is_refused(options: tuple[str, ...]) -> None:
    """Grafana keeps a list as one text, split at commas."""
    with pytest.raises(DashboardError, match="options"):
        CustomVariable(name="letter", options=options)


def test_an_unknown_default_is_refused() -> None:
    """What is chosen first is one of the options."""
    with pytest.raises(DashboardError, match="one of a, b, got 'c'"):
        CustomVariable(name="letter", options=("a", "b"), default="c")


def test_an_interval_is_a_length_of_time() -> None:
    """A word among intervals fails when it is written."""
    with pytest.raises(PromqlError, match="a duration such as"):
        IntervalVariable(name="window", options=("5m", "long"))


def test_variables_are_found_in_expressions() -> None:
    """The variables of an expression are those of its matchers."""
    assert (Variable("model"),) == variables_in(tokens())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$model on ${engine} of [[cluster]]", ("model", "engine", "cluster")),
        ("${model:regex} and $__rate_interval, ${__data.fields.model}", ("model",)),
        ("costs $5, {{model}}", ()),
    ],
)
def test_variables_are_found_in_texts(text: str, names: tuple[str, ...]) -> None:
    """All of Grafana's spellings are read; its own variables and prices are none of ours."""
    assert names == names_in(text)


def test_values_are_looked_up_under_every_name() -> None:
    """A family that was renamed is asked for under both names, so that old and new targets are listed."""
    newest, oldest = (
        name.where(Matcher("UUID", "!=", ""))
        for name in (
            dcgm_renamed.DCGM_FI_DEV_GPU_TEMP_CELSIUS.select(),
            dcgm.DCGM_FI_DEV_GPU_TEMP.select(),
        )
    )
    variable = QueryVariable(name="gpu", selector=newest, older=(oldest,), of="gpu")

    assert (
        'label_values({__name__=~"DCGM_FI_DEV_GPU_TEMP_CELSIUS|DCGM_FI_DEV_GPU_TEMP", UUID!=""}, gpu)'
        == variable.query
    )
    with pytest.raises(DashboardError, match="expected one set of matchers for all names"):
        QueryVariable(name="gpu", selector=newest, older=(oldest.where(gpu="1"),), of="gpu")
