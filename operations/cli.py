"""`yichuang`: the operators' command line. Every command has --help with an example; those that answer have --json.

Only puts the commands together; they are in operations/commands/.
"""

import click

from kernel import tracing
from operations.commands import (
    archive,
    catalog,
    consumers,
    dead_letters,
    department,
    log,
    messages,
    people,
    replay,
    running,
    serials,
    status,
    verify,
)
from operations.commands.common import EXIT_CODES


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="yichuang", prog_name="yichuang")
@click.pass_context
def main(context: click.Context) -> None:
    """Yichuang, the one-window government service hall.

    Settings come from the environment; .env.example lists them.

    \b
    Example:
      yichuang run
    """
    context.with_resource(tracing.joined(None))  # one command, one trace: what it appends, asks and logs


def explained(command: click.Command) -> click.Command:
    """With what exit codes mean below the --help of each command in it."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            explained(one)
    else:
        command.epilog = EXIT_CODES
    return command


for command in (
    running.run,
    running.serve,
    running.migrate,
    running.healthy,
    status.status,
    people.staff,
    archive.archive,
    catalog.catalog,
    department.department,
    log.log,
    verify.verify,
    replay.replay,
    consumers.parked,
    dead_letters.dead_letters,
    messages.messages,
    serials.serials,
):
    main.add_command(explained(command))
