"""A champion whose settings were changed goes on trading on paper, frozen, by its own rules."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from huracan.brain.bundle import build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.market.actions import mask_rules
from huracan.promotion.champion import PROMOTE, Act, row_of
from huracan.promotion.trial_rows import DECISION, NIGHT
from huracan_assets.inputs.champion import CHAMPION_FILE
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.shadow.champion_trades import champion_trades
from huracan_resources.brains import bundle_key, write_bundle
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.conftest import NewHome
from tests.huracan.brain.conftest import ACTIONS, make_parts, make_policy
from tests.huracan_assets.shadow.paper_home import BEFORE, DAY, FIRST, HOURS, SYMBOLS, Paper, checkpoint

pytestmark = pytest.mark.server
CHAMPION, CHALLENGER = "1" * 64, "2" * 64
PRIVATE, _ = generate_key_pair()
NIGHT_OF_BRAIN = FIRST - timedelta(days=1)


@pytest.fixture
def paper(new_home: NewHome) -> Iterator[Paper]:
    """The champion's brain is of the night before FIRST; the nights from then on are of other settings."""
    with new_home() as home:
        own = {"HURACAN_HOME": str(home), "HURACAN_SIGNING_KEY": PRIVATE}
        made = Paper(Resources(load_settings(HOURS, own)))
        made.market(*(DAY - timedelta(days=back) for back in range(4, -1, -1)))
        made.train(*(DAY - timedelta(days=back) for back in (4, 3, 2, 1)))
        _bring_into_force(made.resources)
        yield made


def _bring_into_force(resources: Resources) -> None:
    settings = resources.settings
    recipe, rules = recipe_for(settings), replace(settings.market.rules, notional_usd=400.0)
    parts = replace(
        make_parts(make_policy(ACTIONS, None)),
        day=NIGHT_OF_BRAIN,
        checkpoint=checkpoint(recipe.names, 77),
        timeframe="1h",
        symbols=tuple(SYMBOLS),
        recipe=recipe.published(),
        mask_rules=mask_rules(False),
        costs=asdict(settings.market.costs),
        trading_rules=asdict(rules),
    )
    files = build_bundle(parts, PRIVATE)
    brain_id = json.loads(files["manifest.json"])["brain_id"]
    write_bundle(resources.brains, NIGHT_OF_BRAIN, brain_id, files)
    key = bundle_key(NIGHT_OF_BRAIN, brain_id)
    act = Act(PROMOTE, CHAMPION, "It earns.", brain_id=brain_id, bundle=key, brain_day=NIGHT_OF_BRAIN)
    resources.trials.append(DECISION, "promote", row_of(act, NIGHT_OF_BRAIN, "", "the night", None))
    for night, whose in ((NIGHT_OF_BRAIN, CHAMPION), (FIRST, CHALLENGER), (BEFORE, CHALLENGER)):
        resources.trials.append(NIGHT, str(night), {"day": night.isoformat(), "procedure": whose})


def test_the_frozen_champion_trades_by_its_own_rules_and_carries_its_accounts(paper: Paper) -> None:
    itself = paper.trade(FIRST, stage=champion_trades)
    assert "trades the day by itself" in itself.note and not itself.tables
    first, second = (paper.trade(day, stage=champion_trades) for day in (BEFORE, DAY))
    facts = json.loads(first.files[CHAMPION_FILE])
    assert facts["rules"]["notional_usd"] == 400.0 and "why_not" not in facts
    opened = first.tables["data"].to_pylist() + [
        row for row in first.tables["open_positions"].to_pylist() if row["side"] is not None
    ]
    assert opened, "it trades something"
    values = {row.get("notional_usd") or row["opened_reference_usd"] for row in opened}
    assert min(values) < 400.0 and max(values) <= 3.0 * 400.0 * 1.001, "of the home's rules none is below 500"
    assert {row["model_id"] for row in first.tables["data"].to_pylist()} <= {facts["brain_id"]}
    handed_on = {row["symbol"]: row["equity_usd"] for row in first.tables["open_positions"].to_pylist()}
    bars = second.tables["session"].to_pylist()
    begins = {symbol: next(row for row in bars if row["symbol"] == symbol) for symbol in SYMBOLS}
    for symbol, row in begins.items():
        assert row["equity_usd"] - row["result_usd"] == pytest.approx(handed_on[symbol])
    assert {verdict.check for verdict in second.verdicts} == {"ledger_conservation", "replay_equals_ledger"}


def test_a_champion_whose_bundle_is_damaged_says_so_and_challengers_stand_on_their_own(paper: Paper) -> None:
    key = next(key for key in paper.resources.brains.list("") if key.endswith("policy.safetensors"))
    whole = paper.resources.brains.get(key)
    paper.resources.brains.put(key, whole[:-1] + bytes([whole[-1] ^ 1]))
    outcome = paper.trade(BEFORE, stage=champion_trades)
    assert not outcome.tables
    why = json.loads(outcome.files[CHAMPION_FILE])["why_not"]
    assert "policy.safetensors" in why and outcome.note == f"The champion cannot be traded any more: {why}"
