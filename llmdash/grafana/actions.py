"""The words of a plan: what is done with which kind of thing, why, and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from llmdash.errors import PushError
from llmdash.grafana.changes import Change
from llmdash.grafana.content import Json, is_owner


class Verb(Enum):
    """What is done with a thing."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"
    PRUNE = "prune"


class Kind(Enum):
    """What a thing is."""

    FOLDER = "folder"
    DATASOURCE = "datasource"
    DASHBOARD = "dashboard"
    RULE = "alert rule"
    RULE_GROUP = "rule group"


#: What changes a server.
WRITES = frozenset({Verb.CREATE, Verb.UPDATE, Verb.PRUNE})


@dataclass(frozen=True)
class Policy:
    """What whoever pushes allows."""

    #: The name in the stamps: two packs in one Grafana have two.
    owner: str = "llmdash"
    #: What the uids of everything of ours begin with.
    uid_prefix: str = "llm-"
    #: Whether what was edited in Grafana is saved to a file and overwritten.
    overwrite_edits: bool = False
    #: Dashboards that carry no stamp and are taken over all the same, after they were saved.
    adopted: frozenset[str] = frozenset()
    #: Whether what is no longer built is deleted.
    prune: bool = False
    #: The share of our dashboards that may be deleted in one push, unless more is confirmed.
    largest_prune: float = 0.2
    is_confirmed: bool = False

    def __post_init__(self) -> None:
        """Refuse a name that no stamp can hold, and a prefix that everything begins with."""
        if not is_owner(self.owner):
            raise PushError(
                f"expected --owner of letters, digits, dots, dashes or _, got {self.owner!r}"
            )
        if not self.uid_prefix:
            raise PushError("expected --uid-prefix of a character at least, got none")


@dataclass(frozen=True)
class Action:
    """What is to be done with one thing, why, and what it takes."""

    verb: Verb
    kind: Kind
    uid: str
    title: str
    #: Why, where that is no matter of course.
    reason: str = ""
    #: What a person can do about a refusal.
    remedy: str = ""
    #: What is sent.
    payload: Json = field(default_factory=dict)
    #: The version that was judged: no other one is overwritten.
    version: int = 0
    #: What somebody made, to be saved to a file before it is overwritten or deleted.
    saved: Json | None = None
    changes: tuple[Change, ...] = ()
