"""What a push would do: everything is read, and a plan is made of it; nothing here writes.

Nothing is kept between two pushes but what Grafana holds, so one that was interrupted at any point
is completed by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from llmdash.errors import PushError
from llmdash.grafana.actions import WRITES, Action, Kind, Policy, Verb
from llmdash.grafana.alert_rules import RuleGround, plan_interval, plan_rules
from llmdash.grafana.client import Client
from llmdash.grafana.content import stamps_in
from llmdash.grafana.datasources import plan_datasource, prometheus_uids
from llmdash.grafana.folders import ROOT, Folders, Place, plan_folders
from llmdash.grafana.held import (
    HeldDatasource,
    HeldFolder,
    Listed,
    Server,
    read_dashboard,
    read_datasources,
    read_folder,
    read_folders,
    read_listing,
    read_server,
)
from llmdash.grafana.held_rules import read_group, read_rules
from llmdash.grafana.plan import (
    Ground,
    is_no_longer_built,
    plan_dashboard,
    plan_prune,
    within_share,
)
from llmdash.grafana.wanted import FolderPath, Wanted, WantedDashboard

#: So many questions are asked at a time; writes are made one after the other.
READERS = 8


@dataclass(frozen=True)
class Options:
    """What is to be delivered besides dashboards, and where to."""

    policy: Policy = field(default_factory=Policy)
    org_id: int | None = None
    #: A folder's uid, or the titles of a path (`Team/LLM`), instead of the build's own folders.
    folder: str = ""
    create_datasource: bool = False
    #: Whether the alerts are delivered as rules of Grafana's own.
    with_alerts: bool = False
    #: Whether people may edit those rules.
    are_alerts_editable: bool = False
    #: The Prometheus that those rules ask; that of the build if empty.
    datasource_uid: str = ""


@dataclass(frozen=True)
class Planned:
    """A plan, and what it takes to judge one of its things anew."""

    server: Server
    options: Options
    wanted: Wanted
    ground: Ground
    actions: tuple[Action, ...]
    #: Where each path is or will be, and what manages each folder.
    folders: Folders
    managers: Mapping[str, str]
    rule_ground: RuleGround | None = None
    #: What is worth knowing and stops nothing.
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Action, ...]:
        """What would be written."""
        return tuple(action for action in self.actions if action.verb in WRITES)

    @property
    def refusals(self) -> tuple[Action, ...]:
        """What a person has to decide."""
        return tuple(action for action in self.actions if action.verb is Verb.REFUSE)

    def place_of(self, wanted: WantedDashboard) -> Place:
        """Return the folder of a dashboard."""
        return self.place(self.folders.places[wanted.folder])

    def place(self, uid: str) -> Place:
        """Return a folder with what manages it."""
        return Place(uid, self.managers.get(uid, ""))

    def dashboard(self, uid: str) -> WantedDashboard | None:
        """Return what is wanted under a uid."""
        return next((each for each in self.wanted.dashboards if each.uid == uid), None)


def plan_push(client: Client, wanted: Wanted, options: Options) -> Planned:
    """Read what is there and return what to do.

    Raises:
        GrafanaError: Grafana cannot be asked, or works in another organisation.
        PushError: what was asked for cannot be.
    """
    server = read_server(client, options.org_id)
    held_folders = read_folders(client)
    if options.folder:
        by_uid = {folder.uid: folder for folder in held_folders}
        path = _folder_path(options.folder)
        wanted = wanted.moved_to((options.folder,) if options.folder in by_uid else path)
    folders = _folders(wanted, options, held_folders, server)
    managers = _managers(client, folders)
    listing = read_listing(client)
    datasources = read_datasources(client)
    ground = Ground(server, options.policy, listing)
    planned = Planned(server, options, wanted, ground, (), folders, managers)
    actions = [*folders.actions]
    if options.create_datasource:
        actions.append(plan_datasource(wanted.datasource, datasources))
    actions += _dashboards(client, planned)
    rule_ground = None
    if options.with_alerts:
        rule_ground = _rule_ground(client, planned, datasources)
        actions += _rules(client, wanted, rule_ground)
    actions += _prunes(client, planned)
    notes = tuple(_notes(planned, datasources, actions))
    return Planned(
        server, options, wanted, ground, tuple(actions), folders, managers, rule_ground, notes
    )


def _folder_path(text: str) -> FolderPath:
    path = tuple(part.strip() for part in text.split("/"))
    if not all(path):
        raise PushError(f"expected --folder UID or Title/Title, got {text!r}")
    return path


def _folders(
    wanted: Wanted, options: Options, held: Sequence[HeldFolder], server: Server
) -> Folders:
    if options.folder and any(folder.uid == options.folder for folder in held):
        title = next(folder.title for folder in held if folder.uid == options.folder)
        action = Action(Verb.UNCHANGED, Kind.FOLDER, options.folder, title)
        return Folders({(options.folder,): options.folder}, (action,))
    filled = frozenset(dashboard.folder for dashboard in wanted.dashboards)
    return plan_folders(wanted.folders(), filled, held, server, options.policy)


def _managers(client: Client, folders: Folders) -> dict[str, str]:
    """Return what manages the folders that are there; the search does not tell."""
    there = [action.uid for action in folders.actions if action.verb is Verb.UNCHANGED]
    found = {uid: read_folder(client, uid) for uid in there if uid != ROOT}
    return {uid: folder.manager for uid, folder in found.items() if folder and folder.manager}


def _dashboards(client: Client, planned: Planned) -> Iterator[Action]:
    wanted = planned.wanted.dashboards
    with ThreadPoolExecutor(READERS) as pool:
        held = list(pool.map(lambda each: read_dashboard(client, each.uid), wanted))
    for one, there in zip(wanted, held, strict=True):
        yield plan_dashboard(one, there, planned.place_of(one), planned.ground)


def _prunes(client: Client, planned: Planned) -> Sequence[Action]:
    candidates = gone(planned)
    if not planned.options.policy.prune or not candidates:
        return ()
    with ThreadPoolExecutor(READERS) as pool:
        held = list(pool.map(lambda each: read_dashboard(client, each.uid), candidates))
    found = [
        plan_prune(there, planned.place(there.folder_uid), planned.ground)
        for there in held
        if there is not None
    ]
    actions = [action for action in found if action is not None]
    return within_share(actions, len(ours(planned)), planned.options.policy)


def ours(planned: Planned) -> list[Listed]:
    """Return the dashboards that the search tells we have pushed."""
    owner = planned.options.policy.owner
    return [
        each
        for each in planned.ground.listing
        if any(stamp.owner == owner for stamp in stamps_in(each.tags))
    ]


def gone(planned: Planned) -> list[Listed]:
    """Return those of ours that are no longer built."""
    wanted = frozenset(each.uid for each in planned.wanted.dashboards)
    policy = planned.options.policy
    return [each for each in planned.ground.listing if is_no_longer_built(each, wanted, policy)]


def _rule_ground(
    client: Client, planned: Planned, datasources: Sequence[HeldDatasource] | None
) -> RuleGround:
    options, wanted = planned.options, planned.wanted
    if not wanted.rule_groups:
        raise PushError("the build has no alerts; push without --alerts grafana")
    asked = options.datasource_uid or str(wanted.datasource.get("uid", ""))
    is_made = options.create_datasource and asked == wanted.datasource.get("uid")
    if datasources is not None and not is_made:
        there = prometheus_uids(datasources)
        if asked not in there:
            known = f"there are {', '.join(there)}" if there else "there is none"
            raise PushError(
                f"alert rules ask the Prometheus {asked}, which is not there ({known}); "
                "name one with --datasource UID, or make it with --create-datasource"
            )
    folder_uid = planned.place_of(wanted.dashboards[0]).uid
    if folder_uid == ROOT:
        raise PushError("alert rules need a folder; name one with --folder")
    return RuleGround(
        planned.server,
        options.policy,
        folder_uid,
        asked,
        options.are_alerts_editable,
        read_rules(client),
    )


def _rules(client: Client, wanted: Wanted, ground: RuleGround) -> Iterator[Action]:
    planned = list(plan_rules(wanted.rule_groups, ground))
    prunable = [action for action in planned if action.verb is Verb.PRUNE]
    yield from (action for action in planned if action.verb is not Verb.PRUNE)
    for group in wanted.rule_groups:
        held = read_group(client, ground.folder_uid, group["name"])
        action = plan_interval(group, held, ground)
        if action is not None:
            yield action
    count = sum(rule.stamp_of(ground.policy.owner) is not None for rule in ground.held)
    yield from within_share(prunable, count, ground.policy)


def _notes(
    planned: Planned, datasources: Sequence[HeldDatasource] | None, actions: Sequence[Action]
) -> Iterator[str]:
    if planned.server.release is None:
        yield "the server hides its release; it is treated as an old one, without nested folders"
    if not planned.options.create_datasource:
        if datasources is None:
            yield "the account may not see datasources; nobody knows whether pages have data"
        elif not prometheus_uids(datasources):
            yield "there is no Prometheus datasource; pages stay empty (--create-datasource)"
    left = gone(planned)
    if left and not planned.options.policy.prune:
        names = ", ".join(each.uid for each in left[:3]) + (", …" if len(left) > 3 else "")
        yield f"{len(left)} dashboards of ours are no longer built ({names}); --prune deletes them"
    written = {action.uid for action in actions if action.verb in WRITES}
    for each in planned.wanted.dashboards:
        other = planned.ground.namesake(each.title, planned.place_of(each).uid, each.uid)
        if other is not None and each.uid in written:
            yield f"another dashboard of the folder is called {each.title} too (uid {other})"
