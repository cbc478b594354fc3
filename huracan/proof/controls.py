"""A sample of what must never happen, small enough for a night: policies without skill, and planted leaks."""

from dataclasses import asdict, replace
from functools import cache
from typing import Any

from huracan.import_closure import closure, digest_of
from huracan.promotion.settings import PromotionConfig
from huracan.proof.leaks.zoo import LeakSettings, run_zoo
from huracan.proof.promotion.control_columns import CONTROLS_COLUMNS
from huracan.proof.promotion.nulls import NullSettings, prove_nulls

SAMPLE = NullSettings(markets=2, days=120, procedures=2, first_seed=50_001)
LEAKS = LeakSettings(clean_nights=2, leaking_nights=1)


def run_controls(limits: PromotionConfig) -> list[dict[str, Any]]:
    """Rows of CONTROLS_COLUMNS; the same code and limits give the same."""
    found = prove_nulls(replace(SAMPLE, limits=limits))
    return [{each.name: getattr(row, each.name) for each in CONTROLS_COLUMNS} for row in found]


def run_leaks() -> list[dict[str, Any]]:
    """Rows of LEAK_COLUMNS; the same code gives the same."""
    return [asdict(row) for row in run_zoo(LEAKS)]


@cache
def controls_version() -> str:
    """Of all code that the sample reaches."""
    return digest_of(closure(__name__))
