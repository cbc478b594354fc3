"""The registry of brains after the database was lost: rows come back from the bundles that the lake names."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from huracan.promotion.champion import PROMOTE, Act, row_of
from huracan_assets.brain.baseline_brain import baseline_brain
from huracan_assets.stage import StageContext
from huracan_resources.brains import LATEST, bundle_key, read_latest, write_bundle
from huracan_resources.database.database import Database
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 10)
KEY = bundle_key(DAY, "b1")
MANIFEST = {"brain_id": "b1", "day": DAY.isoformat(), "code_version": "c1", "symbols": ["BTC/USDT"]}
VERDICT = {"promoted": True, "live_eligible": False, "is_simulated": True}
BUNDLE = {
    "manifest.json": json.dumps(MANIFEST | VERDICT).encode(),
    "evaluation.json": json.dumps({"reasons": ["It is good."], "numbers": {"net_usd": 3.0}}).encode(),
    "policy.safetensors": b"weights",
}


@pytest.fixture
def resources(tmp_path: Path, database: Database) -> Iterator[Resources]:
    made = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    made.__dict__["database"] = database
    facts = json.dumps({"verdict": "promoted", "bundle": KEY}).encode()
    made.lake.write("baseline_brain", DAY, {"brain.json": facts})
    yield made
    with database.connect() as connection:
        connection.execute("DELETE FROM brain_registry WHERE day = %s", (DAY,))
        connection.execute("DELETE FROM trials")


def _brought_back(resources: Resources) -> list[tuple[object, ...]]:
    assert baseline_brain.bring_back is not None
    context = StageContext("baseline_brain", DAY, resources.settings, resources, "")
    baseline_brain.bring_back(resources.lake.require("baseline_brain", DAY), context)
    columns = "brain_id, verdict, is_simulated, reasons, bundle_url, configuration_digest"
    with resources.database.connect() as connection:
        asked = f"SELECT {columns} FROM brain_registry WHERE day = %s"
        return connection.execute(asked.encode(), (DAY,)).fetchall()


def test_a_brain_that_the_database_lost_is_registered_from_its_bundle(resources: Resources) -> None:
    url = write_bundle(resources.brains, DAY, "b1", BUNDLE)
    assert _brought_back(resources) == [("b1", "promoted", True, ["It is good."], url, "")]


def test_a_row_that_is_there_stays_as_its_night_wrote_it(resources: Resources) -> None:
    write_bundle(resources.brains, DAY, "b1", BUNDLE)
    _brought_back(resources)
    with resources.database.connect() as connection:
        connection.execute("UPDATE brain_registry SET configuration_digest = 'then' WHERE day = %s", (DAY,))
    ((*_, digest),) = _brought_back(resources)
    assert digest == "then"


def test_a_brain_whose_bundle_is_gone_is_not_registered(resources: Resources) -> None:
    assert _brought_back(resources) == []


def test_a_lost_latest_is_put_back_by_a_night_that_stands(resources: Resources) -> None:
    write_bundle(resources.brains, DAY, "b1", BUNDLE)
    act = Act(PROMOTE, "p", "It earns.", True, "b1", KEY, DAY)
    resources.trials.append("decision", "k", row_of(act, DAY, "", "", None))
    resources.brains.put(LATEST, b"{")
    _brought_back(resources)
    latest = read_latest(resources.brains)
    assert latest is not None and latest["brain_id"] == "b1"
