"""The only place that speaks HTTP: requests to a Grafana, what is tried again, and what went wrong.

What only reads is tried again whenever it may help. What writes is tried again only when it has
surely not happened; else whoever asked has to look first (`UnansweredError`).
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from llmdash.errors import GrafanaError, RefusedError, UnansweredError
from llmdash.grafana.credentials import REMEDY, Credentials

#: Seconds between two tries, doubled each time; so many tries in all.
FIRST_WAIT, LONGEST_WAIT, TRIES = 0.5, 8.0, 6
#: A server that asks for more patience than this (seconds) is given up.
LONGEST_RETRY_AFTER = 60.0
_BUSY = 429
#: What a proxy says for a server that is away or slow.
_AWAY = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """What a server said: the status, and the JSON of its body."""

    status: int
    body: Any = None

    @property
    def message(self) -> str:
        """The words of an error."""
        if isinstance(self.body, Mapping):
            return str(self.body.get("message") or self.body.get("error") or "")
        return ""

    @property
    def reason(self) -> str:
        """The word by which an error of a dashboard names its kind (`version-mismatch`)."""
        return str(self.body.get("status") or "") if isinstance(self.body, Mapping) else ""


class _Bearer(AuthBase):
    """Puts the token in itself: what stands in ~/.netrc would replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Basic(AuthBase):
    """Sends a user and a password in UTF-8, as browsers do; requests would send Latin-1."""

    def __init__(self, user: str, password: str) -> None:
        self._pair = b64encode(f"{user}:{password}".encode()).decode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Basic {self._pair}"
        return request


class _Anonymous(AuthBase):
    """Keeps ~/.netrc out of it where no credentials are given."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _ReadOnly(HTTPAdapter):
    """Lets nothing through that could change a server."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "GET":
            raise GrafanaError(f"a dry run sends nothing but GET; {request.method} was held back")
        return super().send(request, *args, **kwargs)


class Client:
    """Requests to one Grafana, under one name."""

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        ca_file: str = "",
        timeout: float = 30.0,
        org_id: int | None = None,
        read_only: bool = False,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Remember how to ask; nothing is asked yet.

        Args:
            url: where a browser finds Grafana, with the sub-path that it is served under.
            credentials: who asks; nobody if left out.
            ca_file: certificates (PEM) to trust instead of the usual ones.
            timeout: seconds to wait for a connection, and for each part of an answer.
            org_id: the organisation to work in; a token is bound to one of its own.
            read_only: whether all but GET is held back.
            wait: what passes the seconds between two tries.

        Raises:
            GrafanaError: the address is none, or holds a password.
        """
        self.url = _checked(url)
        self._credentials = credentials or Credentials()
        self._ca_file, self._timeout, self._org_id = ca_file, timeout, org_id
        self._read_only = read_only
        self.wait = wait
        # A session is for one thread at a time.
        self._sessions = threading.local()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> Answer:
        """Return the answer of a question, tried again while it may help.

        Raises:
            GrafanaError: no answer came, or none that Grafana gives.
            RefusedError: the status is not one of those that are expected.
        """
        return self._asked("GET", path, expected, params=params)

    def write(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> Answer:
        """Return the answer of what changes something; only one refused for rate is tried again.

        Raises:
            UnansweredError: no answer came, so that nobody knows whether it happened.
            GrafanaError: the answer is none that Grafana gives.
            RefusedError: the status is not one of those that are expected.
        """
        return self._asked(method, path, expected, body=body, headers=headers)

    def _asked(
        self,
        method: str,
        path: str,
        expected: tuple[int, ...],
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        for wait in (*waits(), None):
            try:
                response = self._send(method, path, params=params, body=body, headers=headers)
            except (requests.ConnectionError, requests.Timeout) as error:
                failure = UnansweredError(f"{self._place(method, path)}: {self._words(error)}")
                if (
                    method != "GET"
                    or wait is None
                    or isinstance(error, requests.exceptions.SSLError)
                ):
                    raise failure from error
                self.wait(wait)
                continue
            except (requests.RequestException, UnicodeError) as error:
                text = f"{self._place(method, path)}: {self._words(error)}"
                raise GrafanaError(text) from error
            status = response.status_code
            if status in _AWAY and status not in expected:
                if method != "GET" or wait is None:
                    raise UnansweredError(f"{self._place(method, path)}: it answers with {status}")
                self.wait(_asked_for(response) or wait)
                continue
            if status == _BUSY and wait is not None:
                self.wait(_asked_for(response) or wait)
                continue
            return self._read(method, path, response, expected)
        raise AssertionError("the last try returns or raises")

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> requests.Response:
        sent = {"Accept": "application/json", **(headers or {})}
        if self._org_id is not None:
            sent["X-Grafana-Org-Id"] = str(self._org_id)
        return self._session().request(
            method,
            f"{self.url}{path}",
            json=body,
            headers=sent,
            timeout=(self._timeout, self._timeout),
            # A followed redirect turns POST into GET, and shows the credentials to another server.
            allow_redirects=False,
            # Said each time: what the environment says would win over the session.
            verify=self._ca_file or None,
            params=params,
        )

    def _session(self) -> requests.Session:
        found: requests.Session | None = getattr(self._sessions, "session", None)
        if found is None:
            found = requests.Session()
            found.headers["User-Agent"] = f"llmdash/{version('llmdash')}"
            who = self._credentials
            if who.token:
                found.auth = _Bearer(who.token)
            elif who.user:
                found.auth = _Basic(who.user, who.password)
            else:
                found.auth = _Anonymous()
            if self._read_only:
                for scheme in ("http://", "https://"):
                    found.mount(scheme, _ReadOnly())
            self._sessions.session = found
        return found

    def _read(
        self, method: str, path: str, response: requests.Response, expected: tuple[int, ...]
    ) -> Answer:
        place = self._place(method, path)
        status = response.status_code
        if 300 <= status < 400 and status not in expected:
            target = response.headers.get("Location", "elsewhere")
            raise GrafanaError(self._credentials.hidden(_redirected(place, target)))
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        # Grafana says nothing at all when something was deleted.
        if response.content and not _is_json(kind):
            raise GrafanaError(
                f"{place}: it answers {status} with a page ({kind or 'no content type'}) where "
                "JSON belongs: a login page, or Grafana is served under another path; "
                f"--grafana-url must end where Grafana's own root_url ends, got {self.url}"
            )
        try:
            body = response.json() if response.content else None
        except ValueError as error:
            raise GrafanaError(f"{place}: it answers {status} with half a JSON document") from error
        answer = Answer(status, body)
        if status not in expected:
            said = self._credentials.hidden(answer.message) or response.reason or "no reason given"
            raise RefusedError(f"{place}: {status} {said}{_remedy(status)}", status, answer)
        return answer

    def _place(self, method: str, path: str) -> str:
        return f"{method} {self.url}{path}"

    def _words(self, error: Exception) -> str:
        return self._credentials.hidden(_failure(error))


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise GrafanaError(f"expected --grafana-url http(s)://host[:port][/path], got {url!r}")
    if parts.username or parts.password:
        # The message must not repeat it.
        raise GrafanaError(
            f"--grafana-url holds a user or password, which others can read; {REMEDY}"
        )
    if parts.query or parts.fragment:
        raise GrafanaError(f"expected --grafana-url without ? and #, got {url!r}")
    return url.rstrip("/")


def waits() -> tuple[float, ...]:
    """Return the pauses (seconds) between tries."""
    return tuple(min(FIRST_WAIT * 2**number, LONGEST_WAIT) for number in range(TRIES - 1))


def _asked_for(response: requests.Response) -> float:
    """Return how many seconds a server asks to wait: 0 where it asks for none.

    Raises:
        GrafanaError: it asks for more than anybody waits.
    """
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError):
            return 0.0
    if seconds > LONGEST_RETRY_AFTER:
        raise GrafanaError(f"{response.url}: it asks to wait {seconds:.0f} s; try again then")
    return max(0.0, seconds)


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _redirected(place: str, target: str) -> str:
    if "/login" in urlsplit(target).path:
        return f"{place}: it redirects to a login page; {REMEDY}"
    return f"{place}: it redirects to {target}; give the address that it leads to as --grafana-url"


def _remedy(status: int) -> str:
    if status == 401:
        return f"; {REMEDY}"
    if status == 403:
        return (
            "; the account lacks a right: it needs the role Editor, or to read, create and write "
            "folders and dashboards"
        )
    return ""


def _failure(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return f"its certificate is not trusted ({_innermost(error)}); name yours with --ca-file"
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time; see --timeout"
    if isinstance(error, requests.Timeout):
        return "no answer in time; see --timeout"
    return f"no answer ({_innermost(error)})"


def _innermost(error: BaseException) -> str:
    """Return the words of the cause, without the objects that libraries wrap it in."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            reason = getattr(error, "reason", None)
            inner = reason if isinstance(reason, BaseException) else None
        if inner is None:
            return str(getattr(error, "strerror", None) or error)
        error = inner
