"""What a Grafana holds, read over the client into plain values; nothing here writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from llmdash.errors import GrafanaError, RefusedError
from llmdash.grafana.client import Client
from llmdash.grafana.content import Json, Stamp, stamps_in

#: The most that a page of the search may hold.
PAGE = 5000
_VERSION = re.compile(r"(\d+)\.(\d+)")
#: A dashboard that is stored in a form that a classic client cannot be given.
_NOT_ACCEPTABLE = 406


@dataclass(frozen=True, order=True)
class Release:
    """A release of Grafana, as far as it matters."""

    major: int
    minor: int

    def __str__(self) -> str:
        """Say it as people do."""
        return f"{self.major}.{self.minor}"


#: Folders stand in folders without a feature flag.
NESTING = Release(11, 0)
#: Two dashboards of one folder may have the same title.
LIKE_TITLES = Release(11, 6)
#: Grafana's own rules know `keep_firing_for`.
KEEP_FIRING = Release(12, 0)


@dataclass(frozen=True)
class Server:
    """Which Grafana answers, and in which organisation we are."""

    org_id: int
    org_name: str
    #: None where it is hidden.
    release: Release | None = None

    def is_at_least(self, release: Release) -> bool:
        """Tell whether it surely is of some release or a later one."""
        return self.release is not None and self.release >= release


@dataclass(frozen=True)
class HeldFolder:
    """A folder."""

    uid: str
    title: str
    parent: str = ""
    #: What it is managed by (`repo` for Git Sync), if not by people.
    manager: str = ""


@dataclass(frozen=True)
class Listed:
    """A dashboard as the search tells of it, which may be a while behind."""

    uid: str
    title: str
    folder_uid: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeldDashboard:
    """A dashboard as it is stored."""

    uid: str
    content: Json
    folder_uid: str = ""
    version: int = 0
    #: The file that it is provisioned from, or "" where it is not.
    file: str = ""
    is_provisioned: bool = False
    manager: str = ""
    #: The schema that it is stored in (`v1beta1`, `v2beta1`), where the server says so.
    schema: str = ""
    can_save: bool = True
    can_delete: bool = True

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.content.get("title", ""))

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """The stamps that it carries."""
        return stamps_in(self.content.get("tags"))

    @property
    def is_of_a_later_schema(self) -> bool:
        """Whether writing our form would flatten what it holds."""
        return self.schema.startswith("v2")


@dataclass(frozen=True)
class HeldDatasource:
    """A datasource, without the secrets that nobody is given."""

    uid: str
    name: str
    kind: str
    content: Json = field(default_factory=dict)

    @property
    def is_read_only(self) -> bool:
        """Whether a file provisions it."""
        return bool(self.content.get("readOnly"))


def read_server(client: Client, org_id: int | None) -> Server:
    """Return who answers, once it is seen to be a Grafana that lets us into our organisation.

    Raises:
        GrafanaError: it is none, refuses us, or works in another organisation than was asked for.
    """
    health = _object(client.get("/api/health"), "/api/health")
    if "database" not in health:
        raise GrafanaError(f"{client.url}/api/health: it answers, but as no Grafana does")
    org = _object(client.get("/api/org"), "/api/org")
    found = int(org.get("id", 0))
    if org_id is not None and found != org_id:
        raise GrafanaError(
            f"{client.url}: expected organisation {org_id}, got {found} ({org.get('name')}); "
            "a token works in its own organisation only: use one of the organisation that is meant"
        )
    return Server(found, str(org.get("name", "")), _release(health))


def _release(health: Mapping[str, Any]) -> Release | None:
    match = _VERSION.match(str(health.get("version", "")))
    return Release(int(match[1]), int(match[2])) if match else None


def read_folders(client: Client) -> tuple[HeldFolder, ...]:
    """Return all folders that the search tells of; managers are known of single folders only."""
    return tuple(
        HeldFolder(hit["uid"], hit["title"], hit.get("folderUid") or "")
        for hit in _hits(client, "dash-folder")
    )


def read_folder(client: Client, uid: str) -> HeldFolder | None:
    """Return a folder, or None where there is none of this uid."""
    answer = client.get(f"/api/folders/{quote(uid, safe='')}", expected=(200, 404))
    if answer.status == 404:
        return None
    found = _object(answer, f"/api/folders/{uid}")
    return HeldFolder(
        found["uid"], found["title"], found.get("parentUid") or "", found.get("managedBy") or ""
    )


def read_listing(client: Client) -> tuple[Listed, ...]:
    """Return all dashboards that the search tells of."""
    return tuple(
        Listed(hit["uid"], hit["title"], hit.get("folderUid") or "", tuple(hit.get("tags") or ()))
        for hit in _hits(client, "dash-db")
    )


def _hits(client: Client, kind: str) -> Iterator[Json]:
    page = 1
    while True:
        params = {"type": kind, "limit": str(PAGE), "page": str(page)}
        found = client.get("/api/search", params).body
        if not isinstance(found, list):
            raise GrafanaError(f"{client.url}/api/search: expected a list, got {found!r:.80}")
        yield from found
        if len(found) < PAGE:
            return
        page += 1


def read_dashboard(client: Client, uid: str) -> HeldDashboard | None:
    """Return a dashboard, or None where there is none of this uid.

    One that is stored in a schema that we cannot be given has no content.
    """
    path = f"/api/dashboards/uid/{quote(uid, safe='')}"
    answer = client.get(path, expected=(200, 404, _NOT_ACCEPTABLE))
    if answer.status == 404:
        return None
    if answer.status == _NOT_ACCEPTABLE:
        return HeldDashboard(uid, {}, schema="v2")
    found = _object(answer, path)
    content, meta = found.get("dashboard"), found.get("meta") or {}
    if not isinstance(content, dict):
        raise GrafanaError(f"{client.url}{path}: expected a dashboard, got {content!r:.80}")
    manager = meta.get("managedBy") or ""
    return HeldDashboard(
        uid,
        content,
        meta.get("folderUid") or "",
        int(meta.get("version") or content.get("version") or 0),
        str(meta.get("provisionedExternalId") or ""),
        bool(meta.get("provisioned")) and not manager,
        str(manager),
        str(meta.get("apiVersion") or ""),
        bool(meta.get("canSave", True)),
        bool(meta.get("canDelete", True)),
    )


def read_datasources(client: Client) -> tuple[HeldDatasource, ...] | None:
    """Return the datasources, or None where the account may not see them."""
    try:
        found = client.get("/api/datasources").body
    except RefusedError as error:
        if error.status == 403:
            return None
        raise
    return tuple(
        HeldDatasource(each["uid"], each["name"], each["type"], each) for each in found or ()
    )


def _object(answer: Any, path: str) -> Json:
    if not isinstance(answer.body, dict):
        raise GrafanaError(f"GET {path}: expected an object, got {answer.body!r:.80}")
    found: Json = answer.body
    return found
