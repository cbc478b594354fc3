"""A group of commands one of which runs where none is named: `huracan trials` is `huracan trials show`."""

import click

DEFAULT = "show"
_HELP = ("-h", "--help")


class GroupWithDefault(click.Group):
    """Its command `show` runs where the first word is no command."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments or (arguments[0].startswith("-") and arguments[0] not in _HELP):
            arguments = [DEFAULT, *arguments]
        return super().parse_args(context, arguments)
