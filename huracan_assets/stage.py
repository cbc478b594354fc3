"""What an asset declares: its reads, its tables, what its content depends on, its checks, and one pure body.

Everything else is derived from the declaration: jobs, retention, SQL views, the rows in the database, the
graph. A declaration knows no Dagster, so that whoever only asks for tables starts fast; `running` runs it and
`wiring` hands it to Dagster. What an asset computes does not belong here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from huracan.candles.schema import Timeframe
from huracan.tables import Table, TableOwner
from huracan.verdict import Verdict
from huracan_assets import progress
from huracan_assets.code_version import code_version
from huracan_assets.finished import is_finished
from huracan_assets.reads import Inputs, Read, resolve_all
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest, Origin
from huracan_resources.settings.settings import Settings

if TYPE_CHECKING:
    from huracan_resources.resources import Resources


@dataclass(frozen=True)
class Check:
    """A quality gate of a stage. A `blocking` one that fails stops everything that reads the partition."""

    name: str
    description: str
    blocking: bool = True


@dataclass(frozen=True)
class Retry:
    """How often a step is tried again after what the network may have caused, and how long it waits."""

    times: int = 3
    delay_seconds: float = 2
    has_jitter: bool = False


DATABASE_RETRY = Retry()
"""For what a database that restarts may cause; the rows of a day are replaced whole, so again is safe."""


@dataclass(frozen=True)
class StageContext:
    """What a body may know beside its inputs."""

    asset: str
    day: date
    settings: Settings
    resources: "Resources"
    configuration_digest: str
    remakes_records: bool = False
    asks_outside: bool = True
    """whether a stage that reads outside of the lake is run although its partition stands"""

    @property
    def timeframe(self) -> Timeframe:
        """The bars that are stored."""
        return Timeframe(self.settings.universe.timeframe)

    @property
    def decision_timeframe(self) -> Timeframe:
        """The bars at whose close the policy decides."""
        return self.settings.decision_timeframe

    def steps(self, done: int, total: int) -> None:
        """Progress in steps; the last of the stage is reported when its partition is written."""
        self.progress(min(0.99, done / total), f"{done:,} of {total:,} steps")

    def count_symbols(self, done: int, symbol: str) -> None:
        """Progress by the symbols of the universe."""
        self.progress(done / len(self.settings.universe.symbols), symbol)

    def progress(self, fraction: float, text: str = "", why: str = "") -> None:
        """`why`: what made the stage run again."""
        progress.report(progress.Progress(self.asset, self.day, fraction, text, why))


@dataclass(frozen=True)
class Outcome:
    """What a body made. `note` says why a partition is empty when it cannot exist yet.

    `metadata` is shown beside the partition: plain values, and the pictures and tables of `plots`. `publish`
    is what is done outside the lake, once it is sure that the partition will be written; what it returns is
    shown too.
    """

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    is_simulated: bool | None = None
    source: str = ""
    publish: Callable[[], Mapping[str, Any]] | None = None


Body = Callable[[Inputs, StageContext], Outcome]
BringBack = Callable[[Manifest, StageContext], None]


@dataclass(frozen=True, kw_only=True)
class Stage(TableOwner):
    """A declared asset; see `stage` for what each part says."""

    body: Body
    job: str
    kinds: frozenset[str]
    reads: Sequence[Read]
    settings: Sequence[str]
    checks: Sequence[Check]
    searches: Sequence[str]
    retry: Retry | None
    expected_minutes: float
    reads_outside: bool
    is_record: bool
    bring_back: BringBack | None

    @property
    def group(self) -> str:
        """The folder that its file lies in."""
        return self.body.__module__.rpartition(".")[0].rpartition(".")[2] or "assets"

    @cached_property
    def code_version(self) -> str:
        """Changes with any line that the body's file reaches, and with no other."""
        return code_version(self.body.__module__)

    @cached_property
    def database(self) -> dict[str, str]:
        """Table of PostgreSQL -> key of the table of the partition whose rows it holds too."""
        names = self.view_names()
        return {names[key]: key for key, table in self.tables.items() if table.in_database}

    def configuration_digest(self, settings: Settings) -> str:
        return settings.digest(*self.settings) if self.settings else ""

    def inputs(self, lake: Lake, day: date, settings: Settings) -> Inputs:
        """What the stage reads for `day`; `InputRefused` where a day is missing or was judged bad."""
        return resolve_all(lake, self.reads, day, settings)

    def record(self, lake: Lake, day: date) -> Manifest | None:
        """The partition of a finished night that stays as it was made; None where there is none such.

        One that is empty or was judged bad records nothing.
        """
        manifest = lake.manifest(self.name, day) if self.is_record else None
        is_made = manifest is not None and manifest.is_good
        return manifest if is_made and is_finished(lake, day) else None

    def is_of_now(self, manifest: Manifest, settings: Settings) -> bool:
        """Whether the partition was made by the code and the settings of now, whatever its inputs."""
        made_by = (manifest.code_version, manifest.configuration_digest)
        return made_by == (self.code_version, self.configuration_digest(settings))

    def changes(self, lake: Lake, day: date, settings: Settings, inputs: Inputs) -> str:
        """Why the day's partition is not as it would be made now; empty where it is, and where none is."""
        manifest = lake.manifest(self.name, day)
        now = Origin(inputs.hashes(), self.code_version, self.configuration_digest(settings))
        return lake.changes(manifest, now) if manifest is not None else ""

    def current(
        self, lake: Lake, day: date, settings: Settings, inputs: Inputs, *, may_be_aged_out: bool = False
    ) -> Manifest | None:
        """The day's manifest, if the partition is good and was made from just these inputs by this code."""
        digest, made_from = self.configuration_digest(settings), inputs.hashes()
        return lake.is_current(
            self.name, day, made_from, self.code_version, digest, may_be_aged_out=may_be_aged_out
        )


def stage(
    *,
    job: str,
    kinds: set[str],
    reads: Sequence[Read],
    tables: Mapping[str, Table] | None = None,
    settings: Sequence[str] = (),
    checks: Sequence[Check] = (),
    searches: Sequence[str] = (),
    retry: Retry | None = None,
    expected_minutes: float = 0.02,
    reads_outside: bool = False,
    is_record: bool = False,
    bring_back: BringBack | None = None,
) -> Callable[[Body], Stage]:
    """Declare an asset, in a file of its name and in the folder of its group.

    `job` makes it. `tables` are what its partitions hold, by key. `settings` names the sections, or by dotted
    key the single settings, that its content depends on; what code it depends on is found from its file.
    `searches` names assets whose earlier days the body looks for in the database; days that were lost there
    are loaded before. What `reads_outside` of the lake (an exchange, the registry) runs every time, because
    no manifest can tell that it is unchanged, unless the run takes what stands (`asks_outside`). What
    `is_record` of a finished night stays as it was made, whatever changes later; `bring_back` then does what
    the body does outside the lake, where that was lost.
    The asset's name is the body's, its description the docstring."""

    def declare(body: Body) -> Stage:
        return Stage(
            name=body.__name__,
            body=body,
            job=job,
            kinds=frozenset(kinds),
            reads=reads,
            tables=tables or {},
            settings=settings,
            checks=checks,
            searches=searches,
            retry=retry,
            expected_minutes=expected_minutes,
            reads_outside=reads_outside,
            is_record=is_record,
            bring_back=bring_back,
        )

    return declare
