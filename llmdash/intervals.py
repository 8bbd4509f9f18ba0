"""The lengths of time that all else derives from: scrapes, evaluations, windows, retention."""

from __future__ import annotations

from dataclasses import dataclass

from llmdash.promql.windows import Duration

#: A busy vLLM answers /metrics slowly; below the interval, as Prometheus demands.
TIMEOUT_SHARE = (2, 3)


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """A pack's constants of time."""

    #: Between two scrapes of a server; also the least step that Grafana asks for.
    scrape: Duration = Duration.parse("15s")
    #: GPUs change faster than servers.
    gpu_scrape: Duration = Duration.parse("5s")
    recordings: Duration = Duration.parse("30s")
    alerts: Duration = Duration.parse("15s")
    #: What recorded rates look back on: long enough for steady quantiles, short enough to act on.
    rate_window: Duration = Duration.parse("5m")
    #: How long Prometheus keeps samples: a month's error budget and some days besides.
    retention: Duration = Duration.parse("35d")
    #: A window with fewer scrapes than this gives no rate when one of them fails.
    least_scrapes_in_a_window: int = 4

    @staticmethod
    def timeout(scrape: Duration) -> Duration:
        """How long a scrape of some interval may take."""
        part, whole = TIMEOUT_SHARE
        return Duration(scrape.milliseconds * part // whole)

    @property
    def least_window(self) -> Duration:
        """The shortest window that holds enough scrapes."""
        return Duration(self.scrape.milliseconds * self.least_scrapes_in_a_window)

    def problems(self) -> tuple[str, ...]:
        """Return what cannot hold together, in words."""
        found = []
        least = self.least_window
        if self.rate_window < least:
            found.append(
                f"rate_window {self.rate_window} is under {self.least_scrapes_in_a_window} "
                f"scrapes of {self.scrape}: use {least} or more"
            )
        if self.recordings > self.rate_window:
            found.append(
                f"recordings every {self.recordings} leave gaps "
                f"between windows of {self.rate_window}"
            )
        five_minutes = Duration.parse("5m")
        for name in ("scrape", "gpu_scrape", "recordings", "alerts"):
            interval: Duration = getattr(self, name)
            if interval > five_minutes:
                # Prometheus looks back five minutes for the newest sample of a series.
                found.append(
                    f"{name} {interval} is over 5m, after which Prometheus calls a series gone"
                )
        if self.retention < self.rate_window:
            found.append(f"retention {self.retention} is under the window {self.rate_window}")
        return tuple(found)
