"""What a command imports: each of these libraries costs a tenth of a second and more at every start."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore

DAY = date(2025, 2, 7)
NEVER = (
    *("dagster", "torch", "numba", "lightgbm", "sklearn", "scipy", "onnx", "matplotlib", "ccxt", "talib"),
    *("pandas", "boto3", "sqlalchemy", "asyncio"),
)
SETTINGS = ("huracan_resources.settings.settings", "numpy", "pyarrow")
DATABASE, LAKE = ("psycopg",), ("duckdb",)

_SCRIPT = """
import json, sys
from huracan_console.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    modules = sorted(sys.modules)
    from threadpoolctl import threadpool_info
    threads = [each["num_threads"] for each in threadpool_info() if each["internal_api"] == "openblas"]
    print(json.dumps([end.code, modules, threads]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One trade of one day, and what its report needs."""
    made = tmp_path_factory.mktemp("home")
    entered = pa.array([datetime(2025, 2, 7, 12, 1, tzinfo=UTC)], TIME)
    trades = encode_table(pa.table({"trade_id": ["a1"], "signal_time": entered, "entry_time": entered}))
    names = json.dumps({"actions": ["WAIT"], "bias_terms": []}).encode()
    files = {"data.parquet": trades, "model.json": names}
    Lake(LocalStore(made / "lake")).write("shadow_trades", DAY, files)
    return made


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (["--help"], (*NEVER, *DATABASE, *LAKE, *SETTINGS, "rich.console")),
        (["nightly", "--help"], (*NEVER, *DATABASE, *LAKE, *SETTINGS)),
        (["config", "show"], (*NEVER, *DATABASE, *LAKE)),
        (["sql"], (*NEVER, *DATABASE, *LAKE)),
        (["status"], (*NEVER, *DATABASE, *LAKE)),
        (["sql", "SELECT entry_time FROM trades"], (*NEVER, *DATABASE)),
        (["trades", "--json"], (*NEVER, *DATABASE)),
        (["trade", "a1", "--json"], tuple(set(NEVER) - {"asyncio"})),
    ],
    ids=lambda each: "-".join(each)[:20] if isinstance(each, list) else "",
)
def test_a_command_starts_without_the_libraries_that_it_does_not_need(
    home: Path, words: list[str], unneeded: tuple[str, ...]
) -> None:
    ours = ("HURACAN", "DATABASE", "OMP_", "OPENBLAS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *words],
        env=kept | {"HURACAN_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    code, loaded, threads = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    assert set(threads) <= {1}
    assert sorted(set(unneeded) & set(loaded)) == []
