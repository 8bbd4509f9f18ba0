"""What to do with each dashboard: pure, from what is wanted and what is held to actions.

Nothing of anybody else's is ever an update: what differs from what was last pushed was edited, and
what was never pushed is foreign. Both are refused, with the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from llmdash.grafana.actions import WRITES, Action, Kind, Policy, Verb
from llmdash.grafana.changes import changes_between
from llmdash.grafana.content import (
    Stamp,
    fingerprint,
    is_as_pushed,
    is_slowed,
    says_the_same,
    stamped,
    stamps_in,
    with_stamp,
)
from llmdash.grafana.folders import Place
from llmdash.grafana.held import LIKE_TITLES, HeldDashboard, Listed, Server
from llmdash.grafana.ownership import Compared, Verdict, judged, judged_gone
from llmdash.grafana.wanted import WantedDashboard

#: Why a thing is left alone, and what a person can do about it; empty where nothing is wrong.
Refusal = tuple[str, str] | tuple[()]


@dataclass(frozen=True)
class Ground:
    """What a dashboard is judged by besides itself."""

    server: Server
    policy: Policy
    #: What the search tells of all dashboards.
    listing: Sequence[Listed] = ()

    def stamp_on(self, held: HeldDashboard) -> Stamp | None:
        """Return our stamp on a dashboard."""
        ours = (stamp for stamp in held.stamps if stamp.owner == self.policy.owner)
        return next(ours, None)

    def namesake(self, title: str, folder_uid: str, uid: str) -> str | None:
        """Return the uid of another dashboard of the same title in the same folder."""
        return next(
            (
                each.uid
                for each in self.listing
                if each.title == title and each.folder_uid == folder_uid and each.uid != uid
            ),
            None,
        )


def plan_dashboard(
    wanted: WantedDashboard, held: HeldDashboard | None, place: Place, ground: Ground
) -> Action:
    """Return what to do with a dashboard.

    Args:
        wanted: what we want.
        held: what is there under its uid.
        place: the folder that it belongs in.
        ground: the server, what is allowed, and what else is there.
    """
    if held is None:
        return _Absent(wanted, place, ground).action()
    return _Present(wanted, held, place, ground).action()


@dataclass(frozen=True)
class _Absent:
    """A dashboard whose uid is free."""

    wanted: WantedDashboard
    place: Place
    ground: Ground

    def action(self) -> Action:
        wanted = self.wanted
        refusal = kept_out(self.place) or title_taken(wanted, self.place, self.ground)
        if refusal:
            return Action(Verb.REFUSE, Kind.DASHBOARD, wanted.uid, wanted.title, *refusal)
        sent = stamped(wanted.content, self.place.uid, self.ground.policy.owner)
        return Action(Verb.CREATE, Kind.DASHBOARD, wanted.uid, wanted.title, payload=sent)


@dataclass(frozen=True)
class _Present:
    """A dashboard whose uid is taken, by ours or by another."""

    wanted: WantedDashboard
    held: HeldDashboard
    place: Place
    ground: Ground

    def action(self) -> Action:
        held = self.held
        if held.is_of_a_later_schema:
            return self.refused(
                f"it is stored in Grafana's schema {held.schema}, which ours would flatten",
                "export it if it is needed, delete it in Grafana and push again",
            )
        if held.is_provisioned or held.manager:
            return self.provisioned()
        verdict = judged(self.compared(), self.ground.policy)
        if verdict.verb is Verb.UNCHANGED:
            return self.act(verdict)
        if self.is_slowed():
            longest = held.content.get("refresh")
            reason = f"the server allows no refresh under {longest}"
            return self.act(Verdict(Verb.UNCHANGED, reason))
        refusal = self.obstacle()
        if refusal:
            return self.refused(*refusal)
        if verdict.verb is Verb.UPDATE and not verdict.reason and not self.is_in_place:
            verdict = replace(verdict, reason="it moves to another folder")
        return self.act(verdict)

    def compared(self) -> Compared:
        held, wanted = self.held, self.wanted.content
        stamp = self.ground.stamp_on(held)
        refresh = str(wanted.get("refresh") or "")
        return Compared(
            held.uid,
            self.is_alike and self.is_in_place,
            held.stamps,
            self.sought,
            lambda: (
                stamp is not None and is_as_pushed(held.content, held.folder_uid, stamp, refresh)
            ),
        )

    def is_slowed(self) -> bool:
        """Tell whether the server holds what was pushed, with a refresh as short as it allows."""
        stamp, wanted = self.ground.stamp_on(self.held), self.wanted.content
        if stamp is None or stamp.sent != self.sought:
            return False
        return self.is_in_place and is_slowed(wanted, self.held.content)

    @cached_property
    def sought(self) -> str:
        """The fingerprint of what is wanted, in its place."""
        return fingerprint(self.wanted.content, self.place.uid)

    @property
    def stamp(self) -> Stamp:
        """What marks it as ours once it is written."""
        return Stamp(self.ground.policy.owner, self.sought)

    @cached_property
    def is_alike(self) -> bool:
        return says_the_same(self.held.content, self.wanted.content)

    @property
    def is_in_place(self) -> bool:
        return self.held.folder_uid == self.place.uid

    def act(self, verdict: Verdict) -> Action:
        content, held = self.wanted.content, self.held
        is_written = verdict.verb in WRITES
        return Action(
            verdict.verb,
            Kind.DASHBOARD,
            self.wanted.uid,
            self.wanted.title,
            verdict.reason,
            verdict.remedy,
            with_stamp(content, self.stamp) if is_written else {},
            held.version,
            held.content if verdict.is_saved else None,
            () if self.is_alike else changes_between(held.content, content),
        )

    def refused(self, reason: str, remedy: str) -> Action:
        return self.act(Verdict(Verb.REFUSE, reason, remedy))

    def provisioned(self) -> Action:
        """Judge what a file or a repository delivers: the same is delivered, other is not ours."""
        held = self.held
        by = _provisioner(held)
        if self.is_alike:
            return self.act(Verdict(Verb.UNCHANGED, f"{by} has delivered the same"))
        if held.manager:
            remedy = "commit the built file to what manages it, or push into another folder"
        else:
            remedy = (
                "put the built file in its place, or take it out of the provisioning and push again"
            )
        return self.refused(f"{by} provisions it, with other content", remedy)

    def obstacle(self) -> Refusal:
        """Return why nothing may be written here, whoever made what is there."""
        refusal = kept_out(self.place)
        if refusal:
            return refusal
        if not self.held.can_save:
            return "the account may not save it", "give it the right to write in its folder"
        if self.held.title != self.wanted.title or not self.is_in_place:
            return title_taken(self.wanted, self.place, self.ground)
        return ()


def is_no_longer_built(listed: Listed, wanted_uids: frozenset[str], policy: Policy) -> bool:
    """Tell whether the search tells of a dashboard that we once pushed and build no more."""
    is_ours = any(stamp.owner == policy.owner for stamp in stamps_in(listed.tags))
    return is_ours and listed.uid.startswith(policy.uid_prefix) and listed.uid not in wanted_uids


def plan_prune(held: HeldDashboard, place: Place, ground: Ground) -> Action | None:
    """Return what to do with a dashboard that may be no longer built; None if it is not ours.

    The search that named it may be behind, so all is judged anew by what is held.
    """
    policy, stamp = ground.policy, ground.stamp_on(held)
    if stamp is None or not held.uid.startswith(policy.uid_prefix):
        return None

    def act(verdict: Verdict) -> Action:
        return Action(
            verdict.verb,
            Kind.DASHBOARD,
            held.uid,
            held.title,
            verdict.reason,
            verdict.remedy,
            version=held.version,
            saved=held.content if verdict.is_saved else None,
        )

    if held.is_provisioned or held.manager:
        by = _provisioner(held)
        remedy = "take it out of the provisioning"
        return act(Verdict(Verb.REFUSE, f"{by} provisions it", remedy))
    refusal = kept_out(place)
    if refusal:
        return act(Verdict(Verb.REFUSE, *refusal))
    if not held.can_delete:
        return act(Verdict(Verb.REFUSE, "the account may not delete it", "give it the right to"))
    refresh = str(held.content.get("refresh") or "")
    return act(judged_gone(is_as_pushed(held.content, held.folder_uid, stamp, refresh), policy))


def within_share(pruned: Sequence[Action], ours: int, policy: Policy) -> tuple[Action, ...]:
    """Return prunes, refused if they are too many of ours at once and nobody has confirmed that.

    Args:
        pruned: what was planned for dashboards that are no longer built.
        ours: how many dashboards there are that we have pushed.
        policy: the share that is allowed, and whether more is.
    """
    count = sum(action.verb is Verb.PRUNE for action in pruned)
    if policy.is_confirmed or count <= policy.largest_prune * ours:
        return tuple(pruned)
    reason = f"{count} of our {ours} dashboards would be deleted, over {policy.largest_prune:.0%}"
    remedy = "see that the build is the right one, and confirm with --yes"
    return tuple(
        Action(Verb.REFUSE, each.kind, each.uid, each.title, reason, remedy)
        if each.verb is Verb.PRUNE
        else each
        for each in pruned
    )


def kept_out(place: Place) -> Refusal:
    """Return why nothing may be saved in a folder."""
    if not place.manager:
        return ()
    by = "a Git repository" if place.manager == "repo" else place.manager
    return (
        f"its folder is managed by {by}",
        "commit the built file there, or push into another folder with --folder",
    )


def title_taken(wanted: WantedDashboard, place: Place, ground: Ground) -> Refusal:
    """Return why a title cannot be used in a folder, where titles may not repeat.

    Saving would fail there, or take over the dashboard that has the title.
    """
    other = ground.namesake(wanted.title, place.uid, wanted.uid)
    if other is None or ground.server.is_at_least(LIKE_TITLES):
        return ()
    return (
        f"its folder has another dashboard of this title (uid {other})",
        "rename or remove that one, or push into another folder with --folder",
    )


def _provisioner(held: HeldDashboard) -> str:
    if held.manager:
        return "Git Sync" if held.manager == "repo" else held.manager
    return f"the file {held.file}" if held.file else "a file"
