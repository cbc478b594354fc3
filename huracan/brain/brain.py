"""A published brain, loaded and proven: every file as signed, every golden answer reproduced.

NumPy only; nothing that a bundle holds is ever executed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from huracan.brain.binding_gates import AloneFrom, binding_of, read_guard, read_patterns
from huracan.brain.golden import check_golden
from huracan.brain.manifest import MANIFEST, PUBLIC_KEY, REMEDY, SIGNATURE, check_files, refuse_converted
from huracan.brain.policy_weights import (
    PolicyWeights,
    answer,
    read_policy_weights,
    run_value,
    scale_observations,
)
from huracan.brain.signature import verify
from huracan.errors import InputRefused, InvalidInput
from huracan.market.policy import Decision
from huracan.models.canonical import read_json_object

if TYPE_CHECKING:
    from huracan.analysis.patterns.nearest import NamedPatterns
    from huracan.features.specification import FeatureRecipe
    from huracan.market.guard import Guard, Guarded
    from huracan.market.surroundings import Surroundings


@dataclass(frozen=True)
class Brain:
    """A verified brain. Its `policy` can trade a session as it is, with its `guard` as a consumer does."""

    manifest: dict[str, Any]
    weights: PolicyWeights
    files: Mapping[str, bytes]

    @property
    def brain_id(self) -> str:
        """The day and 12 hex digits over the rest of its manifest."""
        return str(self.manifest["brain_id"])

    @property
    def is_live_eligible(self) -> bool:
        """The verdict allowed it, and it was trained on real candles."""
        return bool(self.manifest["live_eligible"]) and not bool(self.manifest["is_simulated"])

    def reads_otherwise(self, recipe: "FeatureRecipe") -> str:
        """In a sentence why rows of `recipe` are not what the brain was trained on; empty where they are.

        It decides all the same on rows of its own recipe, whose columns and formulas lie in `recipe.json`.
        """
        own = read_json_object(self.files["recipe.json"], "recipe.json")["features"]
        if own["digest"] == recipe.digest:
            return ""
        decided = own.get("decision_timeframe", self.manifest["timeframe"])
        kind = "an older" if int(own["version"]) < int(recipe.version) else "another"
        return (
            f"{self.brain_id} is of {kind} feature recipe, {own['version']} for decisions at {decided};"
            f" that of now is {recipe.version} for decisions at {recipe.decision.name}."
        )

    def is_expired(self, at: datetime) -> bool:
        """Whether `at` (with time zone) lies outside the time that the brain was made for."""
        if at.tzinfo is None:
            raise InvalidInput(f"The time {at} has no time zone.", "Give it in UTC.")
        first, last = (datetime.fromisoformat(self.manifest[key]) for key in ("valid_from", "valid_until"))
        return not first <= at < last

    @cached_property
    def binding(self) -> tuple[str, ...]:
        """The gates that bind, in the order in which they judge."""
        return binding_of(self.files)

    @property
    def policy(self) -> "AloneFrom":
        """What decides before any gate: a `market.policy.Policy`."""
        return AloneFrom(self.decide_alone)

    @cached_property
    def patterns(self) -> "NamedPatterns | None":
        """The patterns that it knows by name; None where there are none."""
        return read_patterns(self.files)

    @cached_property
    def guard(self) -> "Guard | None":
        """The gates that bind, as they were fitted; None where none does."""
        return read_guard(self.files) if self.binding else None

    def decide(
        self,
        observations: NDArray[np.float32],
        masks: NDArray[np.bool_],
        known: "Surroundings | None" = None,
    ) -> Decision:
        """The action per row, by `market.choice`, with logits, bias, probabilities and values.

        `observations` [rows, width] raw, NaN where a feature is not defined; `masks` bool [rows, actions].
        Lists and frames are taken too; InvalidInput where a frame has other columns, or in another order.
        InputRefused where a value is infinite or a column of state is not known.

        The gates that bind decide too, by what is `known` beside the observations of the same rows: then the
        actions are what is left to do, and `terms` says what entries are sent as. InvalidInput where gates
        bind and nothing is known.
        """
        if known is None:
            if self.binding:
                raise InvalidInput(
                    f"Gates of this brain bind ({', '.join(self.binding)}), and what they ask was not given.",
                    "Give `known`: see huracan.market.surroundings.Surroundings.",
                )
            return self.decide_alone(observations, masks)
        if self.guard is None:
            return self.decide_alone(observations, masks)
        guarded = self.guarded(observations, masks, known)
        return replace(guarded.decision, actions=guarded.actions, terms=guarded.terms)

    def guarded(
        self, observations: NDArray[np.float32], masks: NDArray[np.bool_], known: "Surroundings"
    ) -> "Guarded":
        """The same with what each gate changed, and why; InvalidInput where no gate binds."""
        if self.guard is None:
            raise InvalidInput("No gate of this brain binds.", "Ask `decide`.")
        seen = _as_array(observations, self.weights.observation_names, np.float32, "observations")
        legal = _as_array(masks, self.weights.action_names, np.bool_, "masks")
        if len(known.symbols) != len(seen):
            raise InvalidInput(
                f"{len(seen)} observations were given, and what is known of {len(known.symbols)} rows.",
                "Give both of the same rows.",
            )
        own = known if known.patterns is not None else replace(known, patterns=self.patterns)
        names = self.weights.observation_names
        return self.guard.decide(self.policy, seen, legal.astype(np.bool_), names, own)

    def decide_alone(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        """What the policy decides without any gate; errors as `decide`."""
        observations = _as_array(observations, self.weights.observation_names, np.float32, "observations")
        masks = _as_array(masks, self.weights.action_names, np.bool_, "masks")
        width = len(self.weights.observation_names)
        if observations.ndim != 2 or observations.shape[1] != width:
            raise InvalidInput(
                f"Observations of shape {observations.shape} were given to a brain of {width} columns.",
                "Build them with the brain's own recipe, which lies in its recipe.json.",
            )
        _refuse_unknown(self.weights, observations)
        said = answer(self.weights, observations, masks)
        values = run_value(self.weights, scale_observations(self.weights, observations))
        return Decision(
            actions=said.actions,
            logits=said.logits,
            bias=said.bias,
            bias_terms=said.bias_terms,
            probabilities=said.probabilities,
            values=values,
            kinds=self.weights.action_kinds,
        )


def _refuse_unknown(weights: PolicyWeights, observations: NDArray[np.float32]) -> None:
    wrong = np.isinf(observations) | (np.isnan(observations) & ~weights.is_scaled)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InputRefused(
            f"{weights.observation_names[column]} of observation {row} is {observations[row, column]}.",
            "Look for the feature or price that made it.",
        )


def load_brain(source: Mapping[str, bytes] | Path | str, public_key: str) -> Brain:
    """Load from a mapping of files or a directory; `public_key` is the one that the reader trusts.

    Raises InputRefused, naming the file, where the signature, a hash, a size, the set of files or a golden
    answer is not as it was made. Hidden files, as desktops leave them in folders, are passed over.
    """
    files = source if isinstance(source, Mapping) else _read_directory(source)
    files = {name: content for name, content in files.items() if not name.startswith(".")}
    refuse_converted(files)
    for name in (MANIFEST, SIGNATURE):
        if name not in files:
            raise InputRefused(f"The brain lacks the file {name}.", REMEDY)
    verify(public_key, files[MANIFEST], files[SIGNATURE], MANIFEST)
    manifest = check_files(files)
    if files.get(PUBLIC_KEY, b"").decode(errors="replace").strip() != public_key.strip():
        raise InputRefused(f"{PUBLIC_KEY} is another key than the trusted one.", REMEDY)
    weights = read_policy_weights(files["policy.safetensors"])
    check_golden(weights, read_json_object(files["golden.json"], "golden.json"))
    return Brain(manifest, weights, files)


def _read_directory(source: Path | str) -> dict[str, bytes]:
    if not isinstance(source, Path | str):
        raise InvalidInput(
            f"A brain was asked for by a {type(source).__name__}.",
            "Give its directory, or its files by name.",
        )
    if "://" in str(source):
        raise InvalidInput(
            "A brain was asked for by an address.", "Fetch it, and give the folder or its files."
        )
    directory = Path(source).expanduser()
    if not directory.is_dir():
        raise InputRefused(f"There is no brain at {directory}.", "Give the directory of a published brain.")
    files = {}
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            continue
        if not path.is_file() or path.is_symlink():
            raise InputRefused(f"The brain holds {path.name}, which is no plain file.", REMEDY)
        try:
            files[path.name] = path.read_bytes()
        except OSError as error:
            raise InvalidInput(
                f"{path} could not be read ({error.strerror}).", "Check its rights."
            ) from error
    return files


def _as_array(values: Any, names: Sequence[str], kind: type[np.generic], what: str) -> NDArray[Any]:
    """Arrays as they are, lists as rows, and a frame as those where its columns are `names`."""
    if hasattr(values, "columns"):
        for index, (found, own) in enumerate(zip_longest(values.columns, names), 1):
            if found != own:
                raise InvalidInput(
                    f"Column {index} of the {what} is {found!r}, and that of the brain is {own!r}.",
                    "Give the columns of the brain in their order: see brain.weights.",
                )
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O" and kind is np.float32:
            array = array.astype(kind)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"The {what} are no numbers in rows of one length ({error}).", "Give an array [rows, columns]."
        ) from error
    # Neither text nor NaN is a truth, though NumPy takes both for true.
    if array.dtype.kind not in ("fiu" if kind is np.float32 else "biu"):
        raise InvalidInput(f"The {what} are of the type {array.dtype}.", f"Give {kind.__name__}.")
    return array
