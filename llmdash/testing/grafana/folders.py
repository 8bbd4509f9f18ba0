"""Folders of the fake Grafana."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llmdash.testing.grafana.profiles import Profile
from llmdash.testing.grafana.replies import Asked, Reply, refused


@dataclass
class Folder:
    """A folder as it lies in the database."""

    number: int
    uid: str
    title: str
    parent: str = ""
    #: What manages it (`repo`), if not people.
    manager: str = ""


@dataclass
class Folders:
    """All folders of an organisation."""

    profile: Profile
    by_uid: dict[str, Folder] = field(default_factory=dict)

    def put(self, uid: str, title: str, parent: str = "", manager: str = "") -> Folder:
        """Make a folder as somebody else would."""
        self.by_uid[uid] = Folder(len(self.by_uid) + 1, uid, title, parent, manager)
        return self.by_uid[uid]

    def make(self, asked: Asked) -> Reply:
        """Answer POST /api/folders."""
        body = asked.body or {}
        title, uid = str(body.get("title") or ""), str(body.get("uid") or "")
        parent = str(body.get("parentUid") or "") if self.profile.has_nested_folders else ""
        if not title:
            return refused(400, "folder title cannot be empty")
        if title == "General" and not parent:
            return refused(400, "folder title cannot be General")
        if len(uid) > 40:
            return refused(400, "uid too long, max 40 characters")
        if parent and parent not in self.by_uid:
            return refused(400, "parent folder not found")
        if uid in self.by_uid:
            return refused(409, "A folder with the same UID already exists")
        is_taken = any(
            each.title == title and each.parent == parent for each in self.by_uid.values()
        )
        if is_taken and not self.profile.has_like_titles:
            return refused(
                409, "A folder with the same name already exists in the current location"
            )
        return Reply(200, self._told(self.put(uid or f"folder{len(self.by_uid)}", title, parent)))

    def give(self, uid: str) -> Reply:
        """Answer GET /api/folders/:uid."""
        found = self.by_uid.get(uid)
        return refused(404, "folder not found") if found is None else Reply(200, self._told(found))

    def _told(self, folder: Folder) -> dict[str, Any]:
        said = {
            "id": folder.number,
            "uid": folder.uid,
            "title": folder.title,
            "url": f"/dashboards/f/{folder.uid}/",
            "version": 1,
            "canSave": not folder.manager,
        }
        if self.profile.has_nested_folders and folder.parent:
            said["parentUid"] = folder.parent
        return {**said, "managedBy": folder.manager} if folder.manager else said

    def hits(self) -> Iterator[dict[str, Any]]:
        """Yield what the search tells of."""
        for folder in self.by_uid.values():
            hit = {
                "id": folder.number,
                "uid": folder.uid,
                "title": folder.title,
                "uri": f"db/{folder.uid}",
                "url": f"/dashboards/f/{folder.uid}/",
                "slug": "",
                "type": "dash-folder",
                "tags": [],
                "isStarred": False,
                "sortMeta": 0,
            }
            above = self.by_uid.get(folder.parent)
            yield (
                hit
                if above is None
                else {
                    **hit,
                    "folderUid": above.uid,
                    "folderTitle": above.title,
                }
            )
