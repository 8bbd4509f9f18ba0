"""Where series are read: a server's own pages of metrics, or a Prometheus that scrapes them."""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from time import time
from typing import Any, Protocol

from llmstack.scraping.samples import Sample, samples_of

#: Seconds that a page may take.
_WITHIN = 10.0


class UnreadableError(Exception):
    """A page cannot be read; the text says which, and why."""


@dataclass(frozen=True)
class Look:
    """What was seen at one time."""

    samples: Sequence[Sample]
    #: Seconds since 1970 at which the oldest of them was taken.
    taken: float


class Source(Protocol):
    """Somebody who can be asked for series."""

    def look(self, names: Collection[str]) -> Look:
        """Return the samples of series by their names.

        Raises:
            UnreadableError: they cannot be had.
        """

    def __str__(self) -> str:
        """Say who it is."""


@dataclass(frozen=True)
class Pages:
    """Pages of one server: several where it is several processes behind one address."""

    urls: Sequence[str]
    verifies: bool = True

    def look(self, names: Collection[str]) -> Look:
        """Read all pages.

        Raises:
            UnreadableError: one cannot be read.
        """
        taken = time()
        samples: list[Sample] = []
        for url in self.urls:
            page = _asked(url, self.verifies).decode("utf-8", "replace")
            samples.extend(samples_of(page, names))
        return Look(samples, taken)

    def __str__(self) -> str:
        """Name the pages."""
        return ", ".join(self.urls)


@dataclass(frozen=True)
class Prometheus:
    """Series of one server as a Prometheus has scraped them."""

    url: str
    #: As PromQL has them, without braces: `instance="inn:8000"`.
    matchers: str
    verifies: bool = True

    def look(self, names: Collection[str]) -> Look:
        """Ask for the newest samples, and for when they were scraped.

        Raises:
            UnreadableError: it does not answer, or refuses the question.
        """
        among = "|".join(sorted(names))
        selector = f'{{__name__=~"{among}",{self.matchers}}}'
        found = self._asked(selector)
        samples = []
        for each in found:
            labels = dict(each["metric"])
            samples.append(Sample(labels.pop("__name__", ""), labels, float(each["value"][1])))
        if not samples:
            return Look((), 0.0)
        # All come from one scrape; timestamp() takes names away, so that two would be the same.
        one = f'min(timestamp({{__name__="{samples[0].name}",{self.matchers}}}))'
        return Look(samples, float(self._asked(one)[0]["value"][1]))

    def __str__(self) -> str:
        """Name the server and what is asked."""
        return f"{self.url} {{{self.matchers}}}"

    def _asked(self, query: str) -> list[dict[str, Any]]:
        url = f"{self.url.rstrip('/')}/api/v1/query"
        body = urllib.parse.urlencode({"query": query}).encode()
        try:
            found = json.loads(_asked(url, self.verifies, body))
            return list(found["data"]["result"])
        except (ValueError, LookupError, TypeError) as error:
            raise UnreadableError(f"{url}: expected samples: {error}") from error


@cache
def _opener(verifies: bool) -> urllib.request.OpenerDirector:
    """Return what opens pages; it reads certificates once, which takes longer than a token."""
    context = ssl.create_default_context() if verifies else ssl._create_unverified_context()
    # As the client that sends the load: directly, whatever the environment says of proxies.
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )


def _asked(url: str, verifies: bool, body: bytes | None = None) -> bytes:
    headers = {"Accept": "text/plain, application/json"}
    try:
        request = urllib.request.Request(url, body, headers)
        with _opener(verifies).open(request, timeout=_WITHIN) as answer:
            found: bytes = answer.read()
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{url}: {getattr(error, 'reason', None) or error}") from error
    return found
