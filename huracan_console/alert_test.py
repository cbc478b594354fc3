"""`huracan alert test`: one message to every alert address, and which of them took it."""

import json

import click

from huracan.errors import InvalidInput
from huracan_resources.notifier import Delivered
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings

_TITLE, _BODY = "Huracan: test", "This is a test: alerts of Huracan reach you here."


def send_test(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0 where every address took the message, 1 where one did not."""
    notifier = Resources(settings).notifier
    if not notifier.addresses:
        raise InvalidInput("No alert address is set.", "Set HURACAN_ALERT_URLS or alerts.urls.")
    answer = notifier.notify(_TITLE, _BODY)
    took = {
        address.shown: isinstance(answer, Delivered) or address.mark in answer.reached
        for address in notifier.addresses
    }
    if as_json:
        click.echo(json.dumps({"addresses": took}))
    else:
        for shown, is_told in took.items():
            click.echo(
                f"{'ok ' if is_told else 'BAD'} {shown}{'' if is_told else ' did not take the message.'}"
            )
    return 0 if all(took.values()) else 1
