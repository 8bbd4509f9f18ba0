"""Links of alerts: to a runbook always, to a panel where its page is built, and what is wrong with one."""

from __future__ import annotations

from llmdash.alerts.alert import Alert, Shown
from llmdash.alerts.links import Links
from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.identifiers import identifier
from llmdash.dashboards.panels import Text
from llmdash.dashboards.variables import DatasourceVariable, QueryVariable
from tests.alerts.test_alert import alert
from tests.sources.examples import FULL

ROOMS = Dashboard(
    uid="inn",
    title="Inn",
    description="Rooms of an inn.",
    rows=(Row(key="all", title="All", panels=(Text(key="rooms", markdown="Rooms"),)),),
    variables=(
        DatasourceVariable(),
        QueryVariable(name="room", label="Room", selector=FULL.select(), of="room"),
    ),
)
LINKS = Links("http://grafana:3000/", "http://books/inn/", {"inn": ROOMS})


def shown(panel: str = "rooms", *by: str, uid: str = "inn") -> Alert:
    return alert(panel=Shown(uid, panel, by))


def test_addresses_are_absolute_and_choose_the_line() -> None:
    """The panel is opened alone, filtered by the alert's labels, whatever is in their values."""
    found = LINKS.annotations(shown("rooms", "room"))

    assert ["summary", "description", "runbook_url", "dashboard_url"] == list(found)
    assert "http://books/inn/InnIsFull.md" == found["runbook_url"]
    assert (
        f"http://grafana:3000/d/inn?viewPanel={identifier('rooms')}"
        "&var-room={{ $labels.room | urlquery }}"
    ) == found["dashboard_url"]


def test_a_page_that_is_not_built_is_not_linked_to() -> None:
    """A pack may leave pages out; its alerts still have runbooks."""
    for one in (alert(), shown(uid="barn")):
        assert ["summary", "description", "runbook_url"] == list(LINKS.annotations(one))
        assert [] == list(LINKS.problems([one]))


def test_what_is_wrong_with_a_link_is_said() -> None:
    """A panel or a variable that the page has not is a problem, with the nearest that it has."""
    assert [] == list(LINKS.problems([shown("rooms", "room")]))
    assert [
        ("alert InnIsFull", "dashboard inn: expected a panel of it, got room; did you mean rooms?"),
        ("alert InnIsFull", "inn has no variable wing"),
    ] == list(LINKS.problems([shown("room"), shown("rooms", "wing")]))
