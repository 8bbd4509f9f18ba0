"""Dashboards of the fake Grafana: how they are saved, given, searched and deleted."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llmdash.errors import PromqlError
from llmdash.promql.windows import Duration
from llmdash.testing.grafana.folders import Folders
from llmdash.testing.grafana.profiles import Profile
from llmdash.testing.grafana.replies import Asked, Reply, refused

_UID = re.compile(r"[a-zA-Z0-9\-_]*")
_LONGEST_UID, _LONGEST_TITLE, _LONGEST_MESSAGE = 40, 5000, 500
_NOT_FOUND = "Dashboard not found"


@dataclass
class Stored:
    """A dashboard as it lies in the database."""

    number: int
    content: dict[str, Any]
    folder_uid: str = ""
    version: int = 1
    #: The file that provisions it, if any.
    file: str = ""
    plugin: str = ""
    #: What manages it (`repo`), if not people.
    manager: str = ""
    #: Whether it is stored in the v2 schema.
    is_v2: bool = False
    can_save: bool = True
    #: The messages of its versions, oldest first.
    messages: list[str] = field(default_factory=list)
    #: After so many requests the search tells of it as it is.
    seen_at: int = 0


@dataclass
class Dashboards:
    """All dashboards of an organisation."""

    profile: Profile
    folders: Folders
    by_uid: dict[str, Stored] = field(default_factory=dict)
    #: What the search tells of, which may be behind.
    index: dict[str, tuple[str, str, list[str]]] = field(default_factory=dict)
    numbers: int = 0
    requests: int = 0
    #: What the server makes of a dashboard before it keeps it.
    on_save: Callable[[dict[str, Any]], dict[str, Any]] = lambda content: content

    def put(self, content: dict[str, Any], folder_uid: str = "", **more: Any) -> Stored:
        """Store a dashboard as somebody else would, past all checks; the search tells at once."""
        self.numbers += 1
        uid = content.get("uid") or f"made{self.numbers:08d}"
        kept = {**copy.deepcopy(content), "uid": uid}
        kept.pop("id", None)
        kept.pop("version", None)
        there = self.by_uid.get(uid)
        version = 1 if there is None else there.version + 1
        number = self.numbers if there is None else there.number
        found = Stored(number, kept, folder_uid, version, **more)
        self.by_uid[uid] = found
        self._tell(found)
        return found

    def save(self, asked: Asked) -> Reply:
        """Answer POST /api/dashboards/db."""
        body = asked.body or {}
        content, overwrite = body.get("dashboard"), bool(body.get("overwrite"))
        if not isinstance(content, dict):
            return refused(422, "bad request data")
        problem = self._problem(content, str(body.get("message") or ""))
        if problem is not None:
            return problem
        folder_uid = str(body.get("folderUid") or "")
        if folder_uid and folder_uid not in self.folders.by_uid:
            return refused(self.profile.unknown_folder, "folder not found")
        if folder_uid and self.folders.by_uid[folder_uid].manager:
            text = "folder is managed by a repository, but the dashboard is not managed"
            return refused(403, text)
        there = self._there(content, folder_uid, overwrite)
        if isinstance(there, Reply):
            return there
        return self._stored(content, folder_uid, there, body)

    def _problem(self, content: dict[str, Any], message: str) -> Reply | None:
        title, uid = str(content.get("title") or ""), str(content.get("uid") or "")
        if not title.strip():
            return refused(400, "Dashboard title cannot be empty", "empty-name")
        if len(title) > _LONGEST_TITLE:
            return refused(400, "Dashboard title cannot contain more than 5000 characters")
        if _UID.fullmatch(uid) is None:
            return refused(400, "uid contains illegal characters")
        if len(uid) > _LONGEST_UID:
            return refused(400, "uid too long, max 40 characters")
        if len(message) > _LONGEST_MESSAGE:
            return refused(400, "Dashboard message cannot contain more than 500 characters")
        return None

    def _there(
        self, content: dict[str, Any], folder_uid: str, overwrite: bool
    ) -> Stored | Reply | None:
        """Return what is saved over, None for nothing, or why it may not be."""
        number = int(content.get("id") or 0)
        there = self.by_uid.get(str(content.get("uid") or ""))
        if number > 0:
            by_number = [each for each in self.by_uid.values() if each.number == number]
            if not by_number:
                return refused(404, _NOT_FOUND, "not-found")
            if there is not None and by_number[0] is not there:
                return refused(400, "dashboard ID and UID differ")
            there = by_number[0]
        if there is None:
            return self._namesake(content, folder_uid, overwrite)
        if there.file or there.manager:
            return refused(400, "Cannot save provisioned dashboard")
        if not there.can_save:
            return refused(403, "Access denied to save dashboard")
        if not overwrite:
            if int(content.get("version") or 0) != there.version:
                text = "The dashboard has been changed by someone else"
                return refused(412, text, "version-mismatch")
            if there.plugin:
                text = f"The dashboard belongs to plugin {there.plugin}."
                return refused(412, text, "plugin-dashboard")
        other = self._namesake(content, folder_uid, overwrite, there)
        return other if isinstance(other, Reply) else there

    def _namesake(
        self,
        content: dict[str, Any],
        folder_uid: str,
        overwrite: bool,
        itself: Stored | None = None,
    ) -> Stored | Reply | None:
        if self.profile.has_like_titles:
            return None
        for each in self.by_uid.values():
            is_other = each is not itself and each.folder_uid == folder_uid
            if is_other and each.content["title"] == content["title"]:
                if overwrite:
                    return each
                text = "A dashboard with the same name in the folder already exists"
                return refused(412, text, "name-exists")
        return None

    def _stored(
        self, content: dict[str, Any], folder_uid: str, there: Stored | None, body: dict[str, Any]
    ) -> Reply:
        if there is None:
            self.numbers += 1
            there = Stored(self.numbers, {}, version=0)
        # A dashboard that is taken over keeps its own uid.
        uid = there.content.get("uid") or content.get("uid") or f"made{self.numbers:08d}"
        kept = {**copy.deepcopy(content), "uid": uid}
        kept.pop("id", None)
        kept.pop("version", None)
        if _is_shorter(str(kept.get("refresh") or ""), self.profile.min_refresh):
            kept["refresh"] = self.profile.min_refresh
        there.content, there.folder_uid, there.is_v2 = self.on_save(kept), folder_uid, False
        there.version += 1
        there.messages.append(str(body.get("message") or ""))
        there.seen_at = self.requests + self.profile.search_lag
        self.by_uid[uid] = there
        slug = re.sub(r"[^a-z0-9]+", "-", kept["title"].lower()).strip("-")
        said = {
            "id": there.number,
            "uid": uid,
            "url": f"/d/{uid}/{slug}",
            "status": "success",
            "version": there.version,
            "slug": slug,
        }
        return Reply(200, {**said, "folderUid": folder_uid} if folder_uid else said)

    def give(self, uid: str) -> Reply:
        """Answer GET /api/dashboards/uid/:uid."""
        found = self.by_uid.get(uid)
        if found is None:
            return refused(404, _NOT_FOUND)
        if found.is_v2 and self.profile.has_406:
            text = "dashboard is stored in v2, which cannot be given as asked for"
            return refused(406, text)
        content = {**found.content, "id": found.number, "version": found.version}
        schema = "v2beta1" if found.is_v2 else self.profile.classic_schema
        folder = self.folders.by_uid.get(found.folder_uid)
        meta = {
            "type": "db",
            "canSave": found.can_save,
            "canEdit": found.can_save,
            "canAdmin": found.can_save,
            "canStar": True,
            "canDelete": found.can_save,
            "slug": "",
            "url": f"/d/{uid}",
            "version": found.version,
            "isFolder": False,
            "folderId": 0 if folder is None else folder.number,
            "folderUid": found.folder_uid,
            "folderTitle": "General" if folder is None else folder.title,
            "folderUrl": "",
            "provisioned": bool(found.file),
            "provisionedExternalId": found.file,
        }
        if schema:
            meta["apiVersion"] = schema
        if found.manager:
            meta["managedBy"] = found.manager
        return Reply(200, {"dashboard": content, "meta": meta})

    def delete(self, uid: str) -> Reply:
        """Answer DELETE /api/dashboards/uid/:uid."""
        found = self.by_uid.get(uid)
        if found is None:
            return refused(404, _NOT_FOUND)
        if found.file or found.manager:
            return refused(400, "provisioned dashboard cannot be deleted")
        del self.by_uid[uid]
        self.index.pop(uid, None)
        title = found.content["title"]
        said = {"title": title, "message": f"Dashboard {title} deleted", "id": found.number}
        return Reply(200, said)

    def hits(self) -> Iterator[dict[str, Any]]:
        """Yield what the search tells of."""
        for each in self.by_uid.values():
            if each.seen_at <= self.requests:
                self._tell(each)
        for uid, (title, folder_uid, tags) in sorted(self.index.items(), key=lambda kept: kept[1]):
            folder = self.folders.by_uid.get(folder_uid)
            hit = {
                "id": self.by_uid[uid].number if uid in self.by_uid else 0,
                "uid": uid,
                "title": title,
                "uri": f"db/{uid}",
                "url": f"/d/{uid}",
                "slug": "",
                "type": "dash-db",
                "tags": tags,
                "isStarred": False,
                "sortMeta": 0,
            }
            if folder is not None:
                hit |= {
                    "folderId": folder.number,
                    "folderUid": folder.uid,
                    "folderTitle": folder.title,
                    "folderUrl": "",
                }
            yield hit

    def _tell(self, each: Stored) -> None:
        tags = list(each.content.get("tags") or ())
        self.index[each.content["uid"]] = (each.content["title"], each.folder_uid, tags)


def _is_shorter(text: str, than: str) -> bool:
    try:
        return Duration.parse(text) < Duration.parse(than)
    except PromqlError:
        return False
