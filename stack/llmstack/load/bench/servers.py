"""The servers of a bench: what their options say, and where their counts are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from llmstack.errors import ConfigurationError
from llmstack.load.apis import Api
from llmstack.load.server_side.sources import Pages, Prometheus, Source
from llmstack.load.specification import one_of

#: Where engines have their page of metrics: vLLM and SGLang, and trtllm-serve.
_PATHS = ("/metrics", "/prometheus/metrics")
#: Triton's is on a port of its own.
_TRITON_PORT = 8002
_OPENAI = (Api.CHAT.value, Api.COMPLETIONS.value)


@dataclass(frozen=True)
class Server:
    """One of those that are compared."""

    name: str
    api: str
    url: str
    #: Pages of metrics, or one selector of Prometheus in braces; none for where they usually are.
    metrics: tuple[str, ...] = ()
    #: Numbers of its GPUs; None where nobody has said which, empty for all of them.
    gpus: frozenset[str] | None = None
    #: None for what all are asked for.
    model: str | None = None

    def sources(self, prometheus: str | None, *, verifies: bool) -> list[Source]:
        """Return where its counts may be read, in the order in which it is tried.

        Args:
            prometheus: the address of one; None to read the server's own page.
            verifies: whether certificates have to be good.
        """
        if prometheus is not None:
            told = [each.strip("{}") for each in self.metrics]
            matchers = told or [f'instance="{urlsplit(url).netloc}"' for url in self._pages()[:1]]
            return [Prometheus(prometheus, each, verifies) for each in matchers]
        if self.metrics:
            return [Pages(self.metrics, verifies)]
        return [Pages((url,), verifies) for url in self._pages()]

    def _pages(self) -> list[str]:
        parts = urlsplit(self.url)
        if self.api in _OPENAI:
            # What stands before /v1 belongs to the server too, behind a proxy of several.
            before = parts.path.rstrip("/").removesuffix("/v1")
            roots = dict.fromkeys((before, ""))
            return [f"{parts.scheme}://{parts.netloc}{root}{p}" for root in roots for p in _PATHS]
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return [f"http://{host}:{_TRITON_PORT}/metrics", f"{parts.scheme}://{parts.netloc}/metrics"]


def read_servers(
    servers: Sequence[str],
    metrics: Sequence[str] = (),
    gpus: Sequence[str] = (),
    models: Sequence[str] = (),
) -> tuple[Server, ...]:
    """Return what the options say.

    Args:
        servers: NAME=API@URL, one each.
        metrics: NAME=URL, several for a server of several processes; or NAME={SELECTOR}.
        gpus: NAME=0,1 or NAME=all.
        models: NAME=MODEL, the last of a name.

    Raises:
        ConfigurationError: one says nothing that can be.
    """
    parts = [_read_server(text) for text in servers]
    names = [name for name, _, _ in parts]
    if len(set(names)) < len(names) or any("/" in name for name in names):
        raise ConfigurationError(f"--server: expected names of their own, got {', '.join(names)}")
    pages = _by_name("--metrics", "NAME=URL", metrics, names)
    numbers = _by_name("--gpus", "NAME=0,1", gpus, names)
    named = _by_name("--models", "NAME=MODEL", models, names)
    return tuple(
        Server(
            name,
            api,
            url,
            pages.get(name, ()),
            _gpus(numbers.get(name)),
            named[name][-1] if name in named else None,
        )
        for name, api, url in parts
    )


def _read_server(text: str) -> tuple[str, str, str]:
    name, equals, rest = text.partition("=")
    api, at, url = rest.partition("@")
    if not (name and equals and at and url) or api not in list(Api):
        raise ConfigurationError(
            f"--server {text!r}: expected NAME=API@URL with one of {', '.join(Api)}"
        )
    return name, api, url


def _by_name(
    option: str, form: str, told: Iterable[str], names: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in told:
        name, equals, rest = text.partition("=")
        if not equals or not rest:
            raise ConfigurationError(f"{option} {text!r}: expected {form}")
        if name not in names:
            raise ConfigurationError(f"{option} {text!r}: expected {one_of(name, names)}")
        found[name] = (*found.get(name, ()), rest)
    return found


def _gpus(told: tuple[str, ...] | None) -> frozenset[str] | None:
    if told is None:
        return None
    numbers = frozenset(part.strip() for text in told for part in text.split(",") if part.strip())
    return frozenset() if "all" in numbers else numbers
