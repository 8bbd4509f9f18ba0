"""Whose a thing in Grafana is, and what may therefore be done to it: the same for pages and rules.

The three-way comparison: what we last pushed (its stamp), what is there, and what we want.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmdash.grafana.actions import Policy, Verb
from llmdash.grafana.content import Stamp

EDITED = "it was edited in Grafana since the last push"
OVERWRITE = "build the edit in, or push with --overwrite-edits, which saves it to a file first"


@dataclass(frozen=True)
class Verdict:
    """What is done, why, what a person can do about a refusal, and whether it is saved first."""

    verb: Verb
    reason: str = ""
    remedy: str = ""
    is_saved: bool = False


@dataclass(frozen=True)
class Compared:
    """How what is there compares with what we want and with what we last pushed."""

    uid: str
    #: Whether it says what we want.
    is_alike: bool
    #: The stamps that it carries.
    stamps: tuple[Stamp, ...]
    #: The fingerprint of what we want, there.
    wanted: str
    #: Tells whether it is what the server kept of ours; asked only where that matters.
    is_as_pushed: Callable[[], bool]

    def stamp_of(self, owner: str) -> Stamp | None:
        """Return the stamp of an owner."""
        return next((stamp for stamp in self.stamps if stamp.owner == owner), None)


def judged(found: Compared, policy: Policy) -> Verdict:
    """Return what may be done to something that is there and wanted."""
    stamp = found.stamp_of(policy.owner)
    if stamp is None:
        return _unstamped(found, policy)
    is_sent = stamp.sent == found.wanted
    if found.is_alike:
        if is_sent:
            return Verdict(Verb.UNCHANGED)
        return Verdict(Verb.UPDATE, "an edit that is built in by now: only its stamp is renewed")
    if found.is_as_pushed():
        # Where what was sent is what we want, the server keeps it in its own way.
        return Verdict(Verb.UNCHANGED if is_sent and stamp.other else Verb.UPDATE)
    if policy.overwrite_edits:
        return Verdict(Verb.UPDATE, "edits made in Grafana are overwritten", is_saved=True)
    return Verdict(Verb.REFUSE, EDITED, OVERWRITE)


def _unstamped(found: Compared, policy: Policy) -> Verdict:
    adopting = f"take it over with --adopt {found.uid}, which saves it to a file first"
    if found.uid in policy.adopted:
        return Verdict(Verb.UPDATE, "it is taken over", is_saved=not found.is_alike)
    if found.stamps:
        other = found.stamps[0].owner
        return Verdict(
            Verb.REFUSE,
            f"it was pushed under the name {other}",
            f"push with --owner {other}, or {adopting}",
        )
    if found.is_alike:
        return Verdict(Verb.UPDATE, "it is the same already, but for our stamp")
    return Verdict(
        Verb.REFUSE,
        "somebody else made it: it carries no stamp of ours",
        f"give one of the two another uid, or {adopting}",
    )


def judged_gone(is_as_pushed: bool, policy: Policy) -> Verdict:
    """Return what may be done to something of ours that is no longer built."""
    if is_as_pushed:
        return Verdict(Verb.PRUNE, "it is no longer built")
    if policy.overwrite_edits:
        return Verdict(Verb.PRUNE, "it is no longer built; its edits are saved", is_saved=True)
    return Verdict(Verb.REFUSE, EDITED, OVERWRITE)
