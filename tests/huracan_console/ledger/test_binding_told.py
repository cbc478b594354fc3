"""What the console tells of gates that bind."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from huracan.market.paper.guarded_columns import BINDING_SCHEMA
from huracan_console.main import main
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.judged_nights import fill_night, run_gate_stats

FIRST = date(2025, 3, 1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three nights, of which gates changed two."""
    resources = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    for back, worth in enumerate((2.5, 0.0, -1.0)):
        day = FIRST + timedelta(days=back)
        trades = fill_night(resources, day)
        run_gate_stats(resources, day)
        row = {"symbol": "BTC/USDT", "trades": 2, "gated_trades": 1, "result_usd": -3.0}
        told = [row | {"gated_result_usd": -3.0 + worth, "worth_usd": worth}]
        binding = pa.Table.from_pylist(told, schema=BINDING_SCHEMA)
        files = {"data.parquet": encode_table(trades), "binding.parquet": encode_table(binding)}
        resources.lake.write("gated_trades", day, files)
    return tmp_path


def _output(home: Path, *words: str) -> str:
    answer = CliRunner().invoke(main, words, env={"HURACAN_HOME": str(home)})
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_what_binding_was_worth_is_added_up_over_the_nights(home: Path) -> None:
    told = _output(home, "gates", "--trailing", "7")
    assert "over 3 nights the policy made -9.00 USD by itself and -7.50 USD with them" in told
    assert "binding was worth +1.50 USD" in told
    assert "binding was worth" in _output(home, "gates", "--trailing", "1")


def test_the_trades_of_the_book_that_obeys_its_gates_are_listed(home: Path) -> None:
    rows = _output(home, "trades", "--book", "gated", "--csv").splitlines()
    assert (len(rows) > 1 and rows[0].startswith("day,")) or "trade_id" in rows[0]
