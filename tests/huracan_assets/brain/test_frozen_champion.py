"""A champion that cannot be traded any more must not read as if there were none."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest

from huracan.agent.bias_config import BiasConfig
from huracan.brain.bundle import build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.errors import InputRefused, InvalidInput
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.promotion.champion import InForce
from huracan_assets.inputs.champion import frozen_brain, rules_of
from huracan_assets.stage import StageContext
from huracan_resources.brains import bundle_key, write_bundle
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.brain.conftest import ACTIONS, make_parts, make_policy

DAY, NEXT_DAY = date(2025, 6, 30), date(2025, 7, 1)
PRIVATE, _ = generate_key_pair()
Damage = Callable[[Path], object]


def _context(home: Path, private_key: str = PRIVATE) -> StageContext:
    settings = load_settings(environ={"HURACAN_HOME": str(home), "HURACAN_SIGNING_KEY": private_key})
    return StageContext("champion_trades", NEXT_DAY, settings, Resources(settings), "")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Of a brain that was promoted on DAY: of another recipe than today's, as after an upgrade."""
    files = build_bundle(make_parts(make_policy(ACTIONS, BiasConfig())), PRIVATE)
    resources, brain_id = _context(tmp_path).resources, json.loads(files["manifest.json"])["brain_id"]
    url = write_bundle(resources.brains, DAY, brain_id, files)
    return Path(url)


def _champion(bundle: Path) -> InForce:
    brain_id = bundle.name.removeprefix("baseline_")
    return InForce("p", brain_id, bundle_key(DAY, brain_id), DAY, DAY)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda _: None, "is of an older feature recipe"),
        (shutil.rmtree, "There is no brain at"),
        (lambda bundle: (bundle / "policy.safetensors").unlink(), "lacks the file policy.safetensors"),
        (lambda bundle: (bundle / "golden.json").write_bytes(b"{}\n"), "golden.json is cut short"),
        (lambda bundle: (bundle / "manifest.sig").write_bytes(b""), "signature of manifest.json is damaged"),
    ],
)
def test_a_brain_that_is_lost_or_damaged_is_named_with_what_ails_it(
    bundle: Path, tmp_path: Path, damage: Damage, why: str
) -> None:
    damage(bundle)
    found = frozen_brain(_champion(bundle), _context(tmp_path))
    assert isinstance(found, str) and why in found


def test_rules_and_costs_are_read_back_from_the_bundle_and_those_of_another_version_are_named() -> None:
    own = TradingRules(), CostAssumptions()
    facts = {"brain_id": "b1", "rules": asdict(own[0]), "costs": asdict(own[1])}
    plain = json.loads(json.dumps(facts))
    assert rules_of(plain) == own
    for changed in (
        {"rules": plain["rules"] | {"unheard_of": 1}},
        {"rules": {}},
        {"costs": plain["costs"] | {"unheard_of_bps": 1.0}},
    ):
        with pytest.raises(InputRefused, match="b1 are of another version"):
            rules_of(plain | changed)


def test_a_brain_of_another_key_is_named(bundle: Path, tmp_path: Path) -> None:
    found = frozen_brain(_champion(bundle), _context(tmp_path, generate_key_pair()[0]))
    assert isinstance(found, str) and "was not signed by the given key" in found


def test_a_key_that_is_none_is_not_taken_for_a_damaged_brain(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="private key"):
        frozen_brain(_champion(bundle), _context(tmp_path, "no key"))
