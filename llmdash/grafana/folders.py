"""Where dashboards go: folders found by uid or title, else made under a uid that never changes.

What is found is used as it is, whoever made it: a dashboard more in a folder destroys nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from llmdash.errors import PushError
from llmdash.grafana.actions import Action, Kind, Policy, Verb
from llmdash.grafana.held import NESTING, HeldFolder, Server
from llmdash.grafana.wanted import FolderPath

#: Grafana's root, which has no folder.
ROOT = ""
_UNSAFE = re.compile(r"[^a-z0-9]+")
#: Grafana takes 40 characters.
_LONGEST_UID = 40


@dataclass(frozen=True)
class Place:
    """A folder that dashboards go into."""

    uid: str
    #: What it is managed by (`repo` for Git Sync), if not by people.
    manager: str = ""


@dataclass(frozen=True)
class Folders:
    """The folder of each path, and what is to be made first."""

    places: Mapping[FolderPath, str]
    actions: tuple[Action, ...]


def plan_folders(
    paths: Sequence[FolderPath],
    filled: Collection[FolderPath],
    held: Sequence[HeldFolder],
    server: Server,
    policy: Policy,
) -> Folders:
    """Return where each path is, and what is to be made, outer folders first.

    Args:
        paths: every path that is needed, outer ones first.
        filled: those that dashboards go into.
        held: all folders that are there.
        server: releases before 11 get one folder for each path, named after all of it.
        policy: what uids begin with.

    Raises:
        PushError: two folders of one title stand where one is meant.
    """
    places: dict[FolderPath, str] = {(): ROOT}
    actions = []
    is_nesting = server.is_at_least(NESTING)
    by_uid = {folder.uid: folder for folder in held}
    for path in paths:
        if not is_nesting and path not in filled:
            continue
        parent = places[path[:-1]] if is_nesting else ROOT
        title = path[-1] if is_nesting else " / ".join(path)
        uid = folder_uid(path, policy.uid_prefix)
        found = [uid] if uid in by_uid else []
        found = found or [f.uid for f in held if f.title == title and f.parent == parent]
        if len(found) > 1:
            raise PushError(
                f"folder {title}: {len(found)} folders have this title (uids {', '.join(found)}); "
                "say which is meant with --folder UID"
            )
        if found:
            places[path] = found[0]
            called = by_uid[found[0]].title
            reason = "" if called == title else f"it is called {called} there"
            actions.append(Action(Verb.UNCHANGED, Kind.FOLDER, found[0], title, reason))
            continue
        places[path] = uid
        payload = {"uid": uid, "title": title}
        if parent:
            payload["parentUid"] = parent
        actions.append(Action(Verb.CREATE, Kind.FOLDER, uid, title, payload=payload))
    return Folders(places, tuple(actions))


def folder_uid(path: FolderPath, prefix: str) -> str:
    """Return the uid that a folder of ours is made under: readable, and another for each path."""
    digest = sha256("\0".join(path).encode()).hexdigest()[:8]
    words = _UNSAFE.sub("-", "-".join(path).lower()).strip("-")
    room = _LONGEST_UID - len(prefix) - len(digest) - 1
    readable = f"{words}-".removeprefix(prefix)[:room].strip("-")
    return f"{prefix}{readable}-{digest}" if readable else f"{prefix}{digest}"
