"""The forward filter beside hmmlearn's: at weight 1 the same model, written by somebody else."""

from dataclasses import replace

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM

from huracan.regimes.filter import forward_filter
from huracan.regimes.model import REGIMES, FloatArray, RegimeParameters

BARS = 150


def _parameters(random: np.random.Generator, stay: float) -> RegimeParameters:
    """Four Gaussians of five dimensions with full covariances of their own, and transitions as sticky as
    asked."""
    mixed = random.normal(size=(4, 5, 5))
    covariances = np.einsum("kij,klj->kil", mixed, mixed) / 5 + 0.3 * np.eye(5)
    transitions = (1 - stay) * random.dirichlet(np.ones(4), 4) + stay * np.eye(4)
    return RegimeParameters(
        version="1",
        first_fit_day=None,
        last_fit_day=None,
        fit_bars=0,
        usual_volatility_bps={},
        pooled_volatility_bps=1.0,
        thresholds={},
        lower=(-2.5,) * 5,
        upper=(2.5,) * 5,
        means=random.normal(size=(4, 5)),
        covariances=covariances,
        transitions=transitions,
        initial=random.dirichlet(np.ones(4)),
        emission_weight=1.0,
        fit_shares={},
    )


def _by_hmmlearn(vectors: FloatArray, parameters: RegimeParameters) -> FloatArray:
    """[bars, regimes] the filtered probabilities: smoothed by the bars up to each, of which the last one's
    are filtered."""
    model = GaussianHMM(n_components=len(REGIMES), covariance_type="full", init_params="", params="")
    # Ours is of the bar before the first.
    model.startprob_ = parameters.initial @ parameters.transitions
    model.transmat_, model.means_ = parameters.transitions, parameters.means
    model.covars_ = parameters.covariances
    clipped = np.clip(vectors, parameters.lower, parameters.upper)
    return np.stack([model.score_samples(clipped[: bar + 1])[1][-1] for bar in range(len(vectors))])


@pytest.mark.parametrize("stay", [0.0, 0.9, 0.995])
@pytest.mark.parametrize("seed", [1, 2])
def test_at_weight_1_the_filter_agrees_with_the_forward_pass_of_hmmlearn(seed: int, stay: float) -> None:
    random = np.random.default_rng(seed)
    parameters = _parameters(random, stay)
    vectors = random.normal(0.0, 1.5, (2, BARS, 5))
    found = forward_filter(vectors, parameters)
    for row in range(2):
        np.testing.assert_allclose(found[row], _by_hmmlearn(vectors[row], parameters), rtol=1e-7, atol=1e-12)
    tempered = forward_filter(vectors, replace(parameters, emission_weight=0.1))
    assert np.abs(tempered - found).max() > 0.1
