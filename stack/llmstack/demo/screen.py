"""A view in a terminal: a table that stays in place, or plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from llmstack.demo.view import View

_SEVERITIES = {"critical": "bold red", "warning": "yellow"}
#: A line of a table is no place for an essay.
_LONGEST = 90
#: Pages are shown side by side, so many in a line.
_PAGES = 4


def drawn(view: View, urls: Mapping[str, str]) -> RenderableType:
    """Return a view as it is drawn in a terminal."""
    return Group(
        _head(view),
        _figures(view),
        _promises(view),
        _pages(view),
        _alerts(view),
        Text("  ".join(f"{name} {url}" for name, url in urls.items()), style="dim"),
    )


def lines(view: View) -> str:
    """Return a view as lines, for logs."""
    up, every = view.targets
    figures = ", ".join(
        f"{name} {_number(value)}{' ' if unit else ''}{unit}" for name, unit, value in view.figures
    )
    kept = [
        f"{promise.name} {_share(promise.good)} (promised {_share(promise.objective)})"
        for promise in view.promises
        if promise.good is not None
    ]
    firing = sorted({alert.name for alert in view.alerts if alert.is_firing})
    pending = sorted({alert.name for alert in view.alerts if not alert.is_firing} - set(firing))
    told = [
        f"{view.seconds:5.0f} s  {'live' if view.is_live else 'begins'}, targets {up}/{every}, "
        f"panels with data {view.panels_with_data}/{view.all_panels}",
        f"         {figures}",
        f"         promises: {'; '.join(kept) or 'nothing has happened yet'}",
        f"         alerts firing: {', '.join(firing) or 'none'}; "
        f"pending: {', '.join(pending) or 'none'}",
    ]
    if view.problem:
        told.append(f"         {view.problem}")
    return "\n".join(told)


def console() -> Console:
    """Return the terminal."""
    return Console()


def _head(view: View) -> Text:
    up, every = view.targets
    text = Text(f"llmdash demo  {view.seconds:.0f} s  ", style="bold")
    text.append(f"targets {up}/{every}  ", "green" if 0 < up == every else "yellow")
    text.append(f"requests {view.sent}, failed {view.failed}  ", "default")
    text.append(f"incident: {view.incident or 'none'}", "magenta" if view.incident else "dim")
    if view.problem:
        text.append(f"  {view.problem[:_LONGEST]}", "red")
    return text


def _figures(view: View) -> Table:
    table = Table(box=None, expand=True)
    for name, _, _ in view.figures:
        table.add_column(name, justify="right")
    table.add_row(*(f"{_number(value)} {unit}".strip() for _, unit, value in view.figures))
    return table


def _promises(view: View) -> Table:
    table = Table(title="Promises, last 5 minutes", title_justify="left", box=None)
    for name in ("promise", "good", "promised", ""):
        table.add_column(name)
    for each in view.promises:
        if each.good is None:
            table.add_row(each.name, "–", _share(each.objective), Text("no events", "dim"))
            continue
        is_kept = each.good >= each.objective
        told = Text("kept", "green") if is_kept else Text("broken", "bold red")
        table.add_row(each.name, _share(each.good), _share(each.objective), told)
    return table


def _pages(view: View) -> Table:
    total = f"Panels with data: {view.panels_with_data} of {view.all_panels}"
    table = Table(title=total, title_justify="left", box=None, show_header=False)
    for _ in range(2 * _PAGES):
        table.add_column()
    cells: list[RenderableType] = []
    for page, (with_data, every) in sorted(view.panels.items()):
        style = "green" if with_data == every else "default"
        cells += [page, Text(f"{with_data}/{every}", style)]
    for begin in range(0, len(cells), 2 * _PAGES):
        table.add_row(*cells[begin : begin + 2 * _PAGES])
    return table


def _alerts(view: View) -> Table:
    firing = sum(alert.is_firing for alert in view.alerts)
    title = f"Alerts: {firing} firing, {len(view.alerts) - firing} pending"
    table = Table(title=title, title_justify="left", box=None, show_header=False)
    for _ in range(3):
        table.add_column()
    for alert in view.alerts[:12]:
        state = "firing" if alert.is_firing else "pending"
        style = _SEVERITIES.get(alert.severity, "default") if alert.is_firing else "dim"
        table.add_row(Text(state, style), alert.name, alert.summary[:_LONGEST])
    return table


def _number(value: float | None) -> str:
    if value is None or value != value:  # no value, or none that is a number
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.4g} %"
