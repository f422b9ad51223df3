"""The command `vigil`. A subcommand's module is imported when it is called, so that `vigil --help` answers at once."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "up": ("webhook.cli.up:up", "Start everything: web, worker, clock and, without REDIS_URL, the embedded server."),
    "simulate": (
        "webhook.cli.simulate:simulate",
        "Play Agora: signed sessions, then a comparison with the status API.",
    ),
    "send": ("webhook.cli.send:send", "Sign and post a notification."),
    "verify": ("webhook.cli.verify:verify", "Say whether a signature fits a body, and if not, why most likely."),
    "check-start": ("webhook.cli.check_start:check_start", "Check a start request against the rules for snapshots."),
    "dead-letters": ("webhook.cli.dead_letters:dead_letters", "List what could not be processed, or discard one."),
    "replay": ("webhook.cli.dead_letters:replay", "Have dead letters processed again."),
    "rebuild": ("webhook.cli.rebuild:rebuild", "Fold sessions again from their logs, and say what differs."),
    "alerts": ("webhook.cli.alerts:alerts", "List what is wrong, or tell everything about one alert."),
    "ack": ("webhook.cli.alerts:ack", "Say that you have an alert, or that nobody has it any more."),
    "silence": ("webhook.cli.silence:silence", "Have nobody told of some alerts for a while."),
    "sinks": ("webhook.cli.sinks:sinks", "Show who is told of alerts, try one out, or deliver what was given up."),
    "status": ("webhook.cli.status:status", "Show the sessions, or one of them."),
}


class LazyGroup(click.Group):
    """A group whose commands stand in COMMANDS, each with its place and its line in the help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup)
def main() -> None:
    """Vigil keeps watch over Agora sessions."""
