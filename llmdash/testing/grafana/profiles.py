"""How releases of Grafana differ, as far as whoever pushes to them can tell.

Sources: Grafana's source and issues for each row (https://github.com/grafana/grafana), and its
OpenAPI specification of 9.4 and 13.0.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """What one release does."""

    release: str
    #: Folders in folders; before, `parentUid` is ignored.
    has_nested_folders: bool = False
    #: From 11.6 on titles may repeat in a folder (grafana #105077); before, saving fails or, with
    #: `overwrite`, takes over the dashboard that has the title (#89698).
    has_like_titles: bool = False
    #: The status for a folder that is not there.
    unknown_folder: int = 400
    #: Unified storage: the search tells of a write only after some more requests.
    search_lag: int = 0
    #: `keep_firing_for` of Grafana's own rules (#100750).
    has_keep_firing: bool = False
    #: Answers 406 for what is stored in the v2 schema; before, flattens it.
    has_406: bool = False
    #: What `meta` says of the schema that a dashboard is stored in; "" where it says nothing.
    classic_schema: str = ""
    #: The shortest refresh that is kept; a shorter one is replaced without a word.
    min_refresh: str = "5s"


GRAFANA_9 = Profile("9.5.21")
GRAFANA_10 = Profile("10.4.19")
GRAFANA_11 = Profile("11.6.14", has_nested_folders=True, has_like_titles=True)
GRAFANA_12 = Profile(
    "12.2.8",
    has_nested_folders=True,
    has_like_titles=True,
    unknown_folder=404,
    search_lag=3,
    has_keep_firing=True,
    classic_schema="v1beta1",
)
GRAFANA_13 = Profile(
    "13.0.2",
    has_nested_folders=True,
    has_like_titles=True,
    unknown_folder=404,
    search_lag=6,
    has_keep_firing=True,
    has_406=True,
    classic_schema="v1",
)

PROFILES = (GRAFANA_9, GRAFANA_10, GRAFANA_11, GRAFANA_12, GRAFANA_13)
