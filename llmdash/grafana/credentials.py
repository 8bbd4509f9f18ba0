"""Who we are to a Grafana: a service account's token, or a user and a password; never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from llmdash.errors import GrafanaError

TOKEN, USER, PASSWORD = "GRAFANA_TOKEN", "GRAFANA_USER", "GRAFANA_PASSWORD"

#: What to do without any, or with some that are refused.
REMEDY = (
    f"give a service account's token in {TOKEN} or --token-file, "
    f"or a user in {USER} and a password in {PASSWORD} or --password-file"
)


@dataclass(frozen=True)
class Credentials:
    """A token, or a user with a password, or none of them for a Grafana that lets anybody in."""

    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse half of a pair, and both at once."""
        if self.token and (self.user or self.password):
            raise GrafanaError(
                "both a token and a user or password are given; keep one of them "
                f"(they come from {TOKEN}, {USER}, {PASSWORD} and the files that are named)"
            )
        if bool(self.user) != bool(self.password):
            missing = PASSWORD if self.user else USER
            raise GrafanaError(f"a user and a password belong together; {missing} is missing")
        for name, secret in (("token", self.token), ("password", self.password)):
            # A line break would end the header that it is sent in.
            if not secret.isprintable():
                raise GrafanaError(f"the {name} has characters that no header may hold")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that no message may repeat."""
        return tuple(secret for secret in (self.token, self.password) if secret)

    def hidden(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            for spelling in (secret, quote(secret), quote_plus(secret)):
                text = text.replace(spelling, "***")
        return text


def credentials_of(
    environment: Mapping[str, str], token_text: str | None = None, password_text: str | None = None
) -> Credentials:
    """Return the credentials of an environment, of which files may say more.

    Args:
        environment: the variables of the process.
        token_text: what a file holds that was named for the token; only its first line counts.
        password_text: the same for the password.

    Raises:
        GrafanaError: two ways are given at once, or half of one.
    """
    token = _first_line(token_text, "--token-file", environment.get(TOKEN, ""))
    password = _first_line(password_text, "--password-file", environment.get(PASSWORD, ""))
    return Credentials(token, environment.get(USER, ""), password)


def _first_line(text: str | None, option: str, otherwise: str) -> str:
    if text is None:
        return otherwise
    line = text.strip().partition("\n")[0].strip()
    if not line:
        raise GrafanaError(f"the file of {option} is empty")
    return line
