"""What the nights of a home knew of their signals: memory by book, models fitted, gates that abstained.

    HURACAN_HOME=DIRECTORY huracan backfill --from 2023-06-01 --to 2023-06-30 --jobs all
    python benchmarks/judgement.py --home DIRECTORY

Reads the lake of the home and prints a line for each night; makes nothing.
"""

import argparse
import os
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huracan_resources.lake.lake import Lake

MODELS = ("confidence_model", "meta_label_model", "conformal_model")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="where the nights were made")
    arguments = parser.parse_args()
    os.environ["HURACAN_HOME"] = str(arguments.home)
    from huracan_console.configuring.given import read_settings
    from huracan_resources.resources import Resources

    lake = Resources(read_settings(())).lake
    print("night      policy  drawn expected memory  fitted; gates that only abstain")
    remembered = 0
    for day in lake.days("trade_memory"):
        if lake.manifest("shadow_trades", day) is None:
            continue
        remembered += _rows(lake, "trade_memory", day)
        print(_line(lake, day, remembered))


def _rows(lake: "Lake", asset: str, day: date) -> int:
    manifest = lake.manifest(asset, day)
    if manifest is None or "data.parquet" not in manifest.files:
        return 0
    return int(lake.read_manifests([manifest], ["trade_id"]).num_rows)


def _line(lake: "Lake", day: date, remembered: int) -> str:
    explored = lake.manifest("explored_trades", day)
    drawn, expected = 0, 0.0
    if explored is not None and "moments.parquet" in explored.files:
        moments = lake.read_manifests([explored], ["action", "moment_propensity"], "moments")
        drawn = moments.num_rows - moments["action"].null_count
        expected = float(moments["moment_propensity"].to_numpy().sum())
    fitted = [name.removesuffix("_model") for name in MODELS if _is_fitted(lake, name, day)]
    silent = _silent_gates(lake, day)
    counts = f"{_rows(lake, 'shadow_trades', day):6} {drawn:6} {expected:8.1f} {remembered:6}"
    return f"{day} {counts}  {', '.join(fitted) or 'none'}; {', '.join(silent) or 'none'}"


def _is_fitted(lake: "Lake", asset: str, day: date) -> bool:
    manifest = lake.manifest(asset, day)
    return manifest is not None and "model.json" in manifest.files


def _silent_gates(lake: "Lake", day: date) -> list[str]:
    """The gates that judged signals on the day and had an opinion of none."""
    manifest = lake.manifest("gate_decisions", day)
    if manifest is None or "data.parquet" not in manifest.files:
        return []
    decisions = lake.read_manifests([manifest], ["gate", "verdict"])
    asked = Counter(decisions["gate"].to_pylist())
    pairs = zip(decisions["gate"].to_pylist(), decisions["verdict"].to_pylist(), strict=True)
    silent = Counter(gate for gate, verdict in pairs if verdict == "abstain")
    return sorted(gate for gate, count in asked.items() if silent[gate] == count)


if __name__ == "__main__":
    main()
