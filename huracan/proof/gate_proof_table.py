"""What a proof of the gates found: a row per market, and the bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from huracan.proof.gate_proof_settings import GateProofSettings
from huracan.proof.proof_table import Bar, Proof, at_least


@dataclass(frozen=True)
class GateRow:
    """The judged days of one market."""

    case: str
    seed: int
    gate: str
    """That is made for the harm; of a market without one the gate, cost aside, that refused most."""
    signals: int
    planted: int
    """Of them, those that the oracle refuses."""
    winners: int
    """Signals whose trade made money after all costs."""
    oracle_auc: float
    """The chance that the oracle ranks a random winner above a random loser, an even draw counted half."""
    oracle_winners: float | None
    """Share of the winners that the oracle refuses; None without a winner."""
    refused_of_oracle: float | None
    """Share of the oracle's signals that the gate refuses; None where the oracle refuses none."""
    refused_winners: float | None
    """Share of all winners that the gate refuses."""
    refused: float
    """Share of all signals that the gate refuses."""
    refused_but_cost: float
    """Share of all signals that any gate but cost refuses."""
    abstained: float
    """Share of all signals that the gate has no opinion of."""

    def is_met(self, settings: GateProofSettings) -> bool:
        """Whether the market meets what its case demands of it. Where the oracle refuses nothing, or nothing
        wins, nothing is shown, and it does not."""
        if self.case == "none":
            return self.refused_but_cost <= settings.maximum_without
        if self.refused_of_oracle is None or self.refused_winners is None:
            return False
        is_enough = self.refused_of_oracle >= settings.minimum_refused
        return is_enough and self.refused_winners <= settings.maximum_winners


GateProof = Proof[GateRow]


def bar_of(case: str, rows: Sequence[GateRow], settings: GateProofSettings) -> Bar:
    """The share of the case's markets on which the gate does what it is for, and refuses few winners; of
    those without a plant, on which little is refused."""
    share = sum(row.is_met(settings) for row in rows) / len(rows)
    if case == "none":
        what = f"share of markets with at most {settings.maximum_without:.0%} refused by any gate but cost"
    else:
        what = (
            f"share of markets in which {rows[0].gate} refuses at least {settings.minimum_refused:.0%} of"
            f" what the oracle does, and at most {settings.maximum_winners:.0%} of the winners"
        )
    return at_least(case, what, share, settings.minimum_share)
