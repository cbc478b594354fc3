"""Every stage that there is, found by its file, in the order in which a night makes them."""

from collections.abc import Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter

from huracan.errors import InvalidInput
from huracan_assets.jobs import NEEDS
from huracan_assets.stage import Stage
from huracan_resources.catalogue import ASSETS


@cache
def stages() -> Sequence[Stage]:
    """Of this package and of every package registered under `huracan.assets`.

    `InvalidInput` for two stages of a name, a stage whose file has another name, and an unknown job.
    """
    found: dict[str, Stage] = {}
    for each in ASSETS.parts(Stage):
        module = each.body.__module__
        if module.rpartition(".")[2] != each.name:
            raise InvalidInput(f"{module} declares the asset {each.name}.", f"Name its file {each.name}.py.")
        if each.name in found:
            other = found[each.name].body.__module__
            raise InvalidInput(f"{module} and {other} both declare {each.name}.", "Rename one of them.")
        if each.job not in NEEDS:
            raise InvalidInput(f"{module} declares the job {each.job!r}.", f"Use {', '.join(NEEDS)}.")
        found[each.name] = each
    return [found[name] for name in _in_order(found)]


@cache
def assets_by_job() -> dict[str, list[str]]:
    """Job -> the assets that it makes, each after those that it reads."""
    return {job: [each.name for each in stages() if each.job == job] for job in NEEDS}


def _in_order(found: dict[str, Stage]) -> list[str]:
    before = {
        name: sorted({read.asset for read in each.reads if read.ends == 0 and read.asset in found} - {name})
        for name, each in sorted(found.items())
    }
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise InvalidInput(f"These assets read each other: {error.args[1]}.", "Break the circle.") from error
