"""`autorun command`: do what a new `/autorun …` comment asks for, if whoever wrote it may."""

import click

from autorun.adapters.tasks.github.commander import Commander
from autorun.commands.common import effective, options, out
from autorun.core.errors import ConfigurationError
from autorun.core.ledger.record import Record
from autorun.core.model import TaskId
from autorun.effects.place import Place
from autorun.on_github import rules, site
from autorun.shop import secrets, shop

_EVENT = "issue_comment"


@click.command("command")
@options("state_provider.label")
def command(overrides: dict[str, object]) -> int:
    """Handle the `issue_comment` event that started this workflow."""
    place, found = effective(overrides)
    event = place.event
    if event.name != _EVENT:
        raise ConfigurationError(
            f"`autorun command` handles the event {_EVENT}, and this is {event.name or 'none'}",
            hint="run it in a workflow with `on: issue_comment: types: [created]`",
        )

    def record(task: TaskId) -> Record | None:
        with shop(place, found) as open_shop:
            seen = open_shop.ledger.history().seen.get(task)
        return seen.record if seen else None

    with site(place, found.config) as there:
        commander = Commander(
            hub=there.hub,
            repository=event.repository or there.repository,
            label=found.config.state_provider.label,
            workflow=found.config.run.workflow,
            branch=event.default_branch or _checked_out(place),
            record=record,
            rules=rules(found.config.trust),
            secrets=secrets(place, found.config),
        )
        out(commander.handle(event))
    return 0


def _checked_out(place: Place) -> str:
    return place.environ.get("GITHUB_REF_NAME") or "main"
