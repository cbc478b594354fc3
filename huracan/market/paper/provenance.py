"""Where a session's candles, settings and decisions came from."""

from dataclasses import dataclass

from huracan.candles.redenominations import Redenomination


@dataclass(frozen=True)
class Provenance:
    """Written on every trade that is entered in the session."""

    model_id: str
    """Of the policy, where a single one decides; those of a handover say their own."""
    data_hash: str
    configuration_digest: str
    is_simulated: bool
    feature_names: tuple[str, ...] | None = None
    """The columns that the model was trained on; where given they must be the block's."""
    declared: tuple[Redenomination, ...] = ()
    """In whose units the candles are: those that were declared by the session's end."""
