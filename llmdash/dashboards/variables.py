"""The variables of a dashboard: what its reader may choose at the top of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from llmdash.errors import DashboardError
from llmdash.promql.nodes import Expr, Selector, Variable
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.windows import Duration

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_USE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))|\[\[(\w+)[^\]]*\]\]")


@dataclass(frozen=True, kw_only=True)
class DashboardVariable:
    """What every variable has; expressions use it as `Variable(name)`, texts as `$name`."""

    name: str
    label: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Check the name, and default the label to the name in words."""
        if _NAME.fullmatch(self.name) is None:
            raise DashboardError(self.place, "a name such as model_name", repr(self.name))
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " ").capitalize())

    @property
    def place(self) -> str:
        """How messages call the variable."""
        return f"variable {self.name}"

    @property
    def holds_many(self) -> bool:
        """Tell whether several values can be chosen at once."""
        return False

    def refers_to(self) -> tuple[Variable, ...]:
        """Return the variables that the choice depends on."""
        return ()


@dataclass(frozen=True, kw_only=True)
class DatasourceVariable(DashboardVariable):
    """Which Prometheus is asked; every panel asks this one."""

    name: str = "datasource"
    label: str = "Data source"
    description: str = "The Prometheus that every panel asks."


@dataclass(frozen=True, kw_only=True)
class QueryVariable(DashboardVariable):
    """The values that a label has in some series."""

    selector: Selector
    of: str
    #: The same series under older names, which differ in nothing else.
    older: tuple[Selector, ...] = ()
    multi: bool = True
    include_all: bool = True
    #: All means each value of the list, not whatever there is: a panel whose series lack the
    #: label that narrowed the list then still follows the choice.
    all_is_listed: bool = False

    def __post_init__(self) -> None:
        """Check that the series carry the label."""
        super().__post_init__()
        for selector in (self.selector, *self.older):
            selector.labels.require((self.of,), self.place)
            if selector.matchers != self.selector.matchers:
                got = f"others on {selector.series.name}"
                raise DashboardError(self.place, "one set of matchers for all names", got)
        if self.selector.ago is not None:
            raise DashboardError(self.place, "series as they are", f"offset {self.selector.ago}")

    @property
    def holds_many(self) -> bool:
        """Tell whether several values can be chosen at once."""
        return self.multi or self.include_all

    @property
    def query(self) -> str:
        """The question as Grafana asks it."""
        text = to_text(self.selector, GRAFANA)
        if self.older:
            name = self.selector.series.name
            names = "|".join((name, *(selector.series.name for selector in self.older)))
            rest = text.removeprefix(name).strip("{}")
            text = f'{{__name__=~"{names}"{", " if rest else ""}{rest}}}'
        return f"label_values({text}, {self.of})"

    def refers_to(self) -> tuple[Variable, ...]:
        """Return the variables that the choice depends on."""
        return variables_in(self.selector)


@dataclass(frozen=True, kw_only=True)
class TextboxVariable(DashboardVariable):
    """Anything that the reader types."""

    default: str = ""


@dataclass(frozen=True, kw_only=True)
class CustomVariable(DashboardVariable):
    """One of a fixed list, or several of it."""

    options: tuple[str, ...]
    #: The first option where left out.
    default: str = ""
    multi: bool = False
    include_all: bool = False

    def __post_init__(self) -> None:
        """Check the list and what is chosen first."""
        super().__post_init__()
        _check_options(self.options, self.place)
        _set_default(self, self.options, self.default)

    @property
    def holds_many(self) -> bool:
        """Tell whether several values can be chosen at once."""
        return self.multi or self.include_all


@dataclass(frozen=True, kw_only=True)
class IntervalVariable(DashboardVariable):
    """A length of time out of a fixed list."""

    options: tuple[str, ...] = field(default=("1m", "5m", "30m", "1h", "6h"))
    #: The first option where left out.
    default: str = ""

    def __post_init__(self) -> None:
        """Check the list and what is chosen first."""
        super().__post_init__()
        _check_options(self.options, self.place)
        for option in self.options:
            Duration.parse(option)
        _set_default(self, self.options, self.default)


def _check_options(options: tuple[str, ...], place: str) -> None:
    if not options or len(set(options)) < len(options):
        raise DashboardError(place, "options that differ", ", ".join(options) or "none")
    for option in options:
        # Grafana keeps the list as one text, in which these two mean something.
        if not option or "," in option or ":" in option or option != option.strip():
            raise DashboardError(place, "options without comma, colon or outer space", repr(option))


def _set_default(variable: DashboardVariable, options: tuple[str, ...], default: str) -> None:
    if default and default not in options:
        raise DashboardError(variable.place, f"one of {', '.join(options)}", repr(default))
    object.__setattr__(variable, "default", default or options[0])


def variables_in(expression: Expr) -> tuple[Variable, ...]:
    """Return the variables that an expression's matchers use, in order."""
    return tuple(
        matcher.value
        for node in expression.walk()
        if isinstance(node, Selector)
        for matcher in node.matchers
        if isinstance(matcher.value, Variable)
    )


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the variables that a text uses, without Grafana's own (`$__…`)."""
    found = ("".join(groups) for groups in _USE.findall(text))
    return tuple(name for name in found if not name.startswith("__") and not name[0].isdigit())
