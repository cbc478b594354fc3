"""What a night's course depends on, as one digest: a state of another course is of no use to it."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from typing import Any

from huracan.agent.config import TrainingConfig
from huracan.agent.night.window import digest_block
from huracan.import_closure import closure, digest_of
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.lane import LANE
from huracan.market.rules import TradingRules

_LIBRARIES = ("numba", "numpy", "torch")


def training_identity(
    window: MarketBlock, config: TrainingConfig, rules: TradingRules, costs: CostAssumptions, device: str
) -> str:
    """64 hex digits over the window, the settings, the device, the code and the layout of a lane's state."""
    facts = {
        "block": digest_block(window),
        "config": settings_of(config),
        "rules": asdict(rules),
        "costs": asdict(costs),
        "device": [device, config.mixed_precision],
        "code": code_digest("huracan.agent.night.train"),
        "lane": repr(LANE.descr),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def settings_of(config: TrainingConfig) -> dict[str, Any]:
    """Without what is of the machine or judges afterwards: neither may change a checkpoint."""
    changes_no_weight = ("threads", "device", "mixed_precision", "recovery_updates", "health")
    return {name: value for name, value in asdict(config).items() if name not in changes_no_weight}


@cache
def code_digest(module: str) -> str:
    """Over `module`, all of Huracan that it imports, and the libraries that count: half a training by one
    kernel and half by another would be the work of neither."""
    libraries = " ".join(version(name) for name in _LIBRARIES)
    return hashlib.sha256(f"{libraries} {digest_of(closure(module))}".encode()).hexdigest()
