"""The command `llmdash push`: its options, what it prints, and what its exit code means."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from llmdash.cli.pack_option import chosen_pack, pack_option
from llmdash.errors import PushError

if TYPE_CHECKING:
    from llmdash.grafana.delivery import Outcome
    from llmdash.grafana.push import Options
    from llmdash.grafana.wanted import Wanted

#: What something is left to a person for; what a dry run would change. Mistakes in the options are
#: the former, since 2, which is usual for them, means drift here.
FAILED, DRIFT = 1, 2


class _Misused(click.UsageError):
    exit_code = FAILED


class _Command(click.Command):
    """Ends with 1 where options are wrong."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _Misused(error.format_message(), ctx) from error


def _grouped(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_SERVER = _grouped(
    click.option(
        "--grafana-url",
        required=True,
        envvar="GRAFANA_URL",
        show_envvar=True,
        metavar="URL",
        help="Where a browser finds Grafana, with its sub-path.",
    ),
    click.option(
        "--token-file",
        type=click.File("r", encoding="utf-8"),
        help="A file that holds a service account's token; else GRAFANA_TOKEN.",
    ),
    click.option(
        "--password-file",
        type=click.File("r", encoding="utf-8"),
        help="A file that holds the password of GRAFANA_USER; else GRAFANA_PASSWORD.",
    ),
    click.option("--org-id", type=click.IntRange(1), help="The organisation that must be meant."),
    click.option(
        "--ca-file",
        type=click.Path(exists=True, dir_okay=False),
        help="Certificates (PEM) to trust instead of the usual ones.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for an answer.",
    ),
)
_WANTED = _grouped(
    pack_option,
    click.option(
        "--from",
        "built",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="Push what llmdash build wrote here, instead of building in memory.",
    ),
    click.option(
        "--folder",
        default="",
        metavar="UID|TITLE/TITLE",
        help="Put all dashboards into this folder instead of the build's own.",
    ),
    click.option(
        "--create-datasource", is_flag=True, help="Make the Prometheus if it is not there."
    ),
    click.option(
        "--alerts",
        type=click.Choice(["none", "grafana"]),
        default="none",
        show_default=True,
        help="Also deliver the alerts, as rules of Grafana's own.",
    ),
    click.option("--editable-alerts", is_flag=True, help="Let people edit those rules in Grafana."),
    click.option(
        "--datasource",
        "datasource_uid",
        default="",
        metavar="UID",
        help="The Prometheus that those rules ask, instead of the build's own.",
    ),
)
_ALLOWED = _grouped(
    click.option(
        "--overwrite-edits",
        is_flag=True,
        help="Overwrite what was edited in Grafana, after saving it to a file.",
    ),
    click.option(
        "--adopt",
        "adopted",
        multiple=True,
        metavar="UID",
        help="Take over what carries no stamp of ours, after saving it to a file.",
    ),
    click.option(
        "--backup-folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("grafana-backup"),
        show_default=True,
        help="Where those files go.",
    ),
    click.option("--prune", is_flag=True, help="Delete what we once pushed and build no more."),
    click.option("--yes", is_flag=True, help="Prune more than a fifth of what is ours."),
    click.option(
        "--owner",
        default="llmdash",
        show_default=True,
        metavar="NAME",
        help="The name in our stamps; two packs in one Grafana need two.",
    ),
    click.option(
        "--uid-prefix",
        default="llm-",
        show_default=True,
        metavar="TEXT",
        help="What uids of ours begin with; nothing else is ever pruned.",
    ),
)
_SHOWN = _grouped(
    click.option(
        "--dry-run", is_flag=True, help="Write nothing; exit 2 if something would be changed."
    ),
    click.option(
        "--diff",
        type=click.Choice(["text", "markdown"]),
        help="Show what changes, panel by panel.",
    ),
    click.option(
        "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
    ),
)


@click.command(cls=_Command)
@_SERVER
@_WANTED
@_ALLOWED
@_SHOWN
def push(
    *,
    grafana_url: str,
    token_file: IO[str] | None,
    password_file: IO[str] | None,
    org_id: int | None,
    ca_file: str | None,
    timeout: float,
    reference: str | None,
    built: Path | None,
    dry_run: bool,
    diff: str | None,
    output: str,
    backup_folder: Path,
    **chosen: Any,
) -> None:
    """Deliver dashboards to a Grafana, and never overwrite anybody's work.

    Exit codes: 0, all is as wanted; 1, something failed or is left to a person; 2, a dry run would
    change something.
    """
    from llmdash.cli.push_output import Shown
    from llmdash.grafana.client import Client
    from llmdash.grafana.credentials import credentials_of
    from llmdash.grafana.delivery import Delivery, is_delivered
    from llmdash.grafana.push import plan_push

    options = _options(org_id, **chosen)
    wanted = _wanted(reference, built)
    credentials = credentials_of(os.environ, _text(token_file), _text(password_file))
    client = Client(
        grafana_url,
        credentials,
        ca_file=ca_file or "",
        timeout=timeout,
        org_id=org_id,
        read_only=dry_run,
    )
    planned = plan_push(client, wanted, options)
    shown = Shown(grafana_url, planned, as_json=output == "json", diff=diff)
    shown.begin()
    if dry_run:
        shown.end(None)
        raise SystemExit(FAILED if planned.refusals else DRIFT if planned.changes else 0)
    outcomes: list[Outcome] = []
    try:
        with shown.progress() as told:
            for outcome in Delivery(client, planned, backup_folder).carry_out():
                outcomes.append(outcome)
                told(outcome)
    except KeyboardInterrupt:
        shown.end(outcomes)
        raise click.ClickException("interrupted; the next push completes it") from None
    shown.end(outcomes)
    raise SystemExit(0 if all(is_delivered(outcome) for outcome in outcomes) else FAILED)


def _text(file: IO[str] | None) -> str | None:
    return None if file is None else file.read()


def _wanted(reference: str | None, built: Path | None) -> Wanted:
    from llmdash import artifacts
    from llmdash.checks import checked
    from llmdash.compiler import compile_pack
    from llmdash.grafana.wanted import wanted_of

    if built is None:
        made = checked(compile_pack(chosen_pack(reference)))
        return wanted_of(made.artifacts, "the build")
    if reference is not None:
        raise PushError("--pack and --from exclude each other: a folder is built already")
    return wanted_of(artifacts.read(built), str(built))


def _options(
    org_id: int | None,
    *,
    folder: str,
    create_datasource: bool,
    alerts: str,
    editable_alerts: bool,
    datasource_uid: str,
    overwrite_edits: bool,
    adopted: tuple[str, ...],
    prune: bool,
    yes: bool,
    owner: str,
    uid_prefix: str,
) -> Options:
    from llmdash.grafana.actions import Policy
    from llmdash.grafana.push import Options

    policy = Policy(
        owner=owner,
        uid_prefix=uid_prefix,
        overwrite_edits=overwrite_edits,
        adopted=frozenset(adopted),
        prune=prune,
        is_confirmed=yes,
    )
    return Options(
        policy,
        org_id,
        folder,
        create_datasource,
        alerts == "grafana",
        editable_alerts,
        datasource_uid,
    )
