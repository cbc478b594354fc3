"""What can be known of a planted market's latent imbalance: the optimal filter of its visible measurements.

A Kalman filter of one state in its steady state (Kalman 1960). No trading happens here.
"""

from dataclasses import dataclass

import numpy as np

from huracan.proof.planted_market import Floats, PlantedMarket, PlantedMarketConfig
from huracan.units import WHOLE_BPS


@dataclass(frozen=True)
class SignalModel:
    """How a trader's signal m and the price move together, per bar; xi and eta are standard normal.

    return = edge_bps x m + return_std_bps x xi;  m' = persistence x m + return_gain x xi + noise_std x eta.
    """

    edge_bps: float
    persistence: float
    return_std_bps: float
    """Of the next return, given the signal."""
    return_gain: float
    """How far one standard deviation of the return moves the signal: returns measure the flow too."""
    noise_std: float
    """What the new measurement of the flow adds."""
    signal_std: float
    """Of the signal in the long run; 1 where the latent imbalance itself is known."""
    gain: float = 1.0
    """Of the newest measurement of the flow."""


def latent_signal(config: PlantedMarketConfig) -> SignalModel:
    """The model of somebody who knows the latent imbalance itself."""
    noise = float(np.sqrt(1.0 - config.persistence**2))
    return SignalModel(config.edge_bps, config.persistence, config.volatility_bps, 0.0, noise, signal_std=1.0)


def filtered_signal(config: PlantedMarketConfig) -> SignalModel:
    """The model of somebody who has the measured flow and the returns, and filters both optimally."""
    persistence, edge = config.persistence, config.edge_bps
    noise, volatility = config.measurement_noise**2, config.volatility_bps**2
    spread, gain, ahead = 1.0, 1.0, 1.0
    # The Riccati recursion forgets where it began at least as fast as the imbalance does.
    for _ in range(10_000):
        after_return = spread - (edge * spread) ** 2 / (edge**2 * spread + volatility)
        ahead = persistence**2 * after_return + 1.0 - persistence**2
        gain = ahead / (ahead + noise)
        if abs(spread - (updated := (1.0 - gain) * ahead)) < 1e-15:
            break
        spread = updated
    return_std = float(np.sqrt(edge**2 * spread + volatility))
    return SignalModel(
        edge_bps=edge,
        persistence=persistence,
        return_std_bps=return_std,
        return_gain=(1.0 - gain) * persistence * edge * spread / return_std,
        noise_std=gain * float(np.sqrt(ahead + noise)),
        signal_std=float(np.sqrt(1.0 - spread)),
        gain=gain,
    )


def filter_imbalance(market: PlantedMarket) -> Floats:
    """[S, T] the filtered imbalance at every close, from that bar and those before it; it starts from 0.

    It knows which flow is in force and with which sign, as the measurements of `market` do.
    """
    from scipy.signal import lfilter

    model, close = filtered_signal(market.config), np.log(market.block.close) * WHOLE_BPS
    returns = np.diff(close, axis=1, prepend=np.log(market.block.open[:, :1]) * WHOLE_BPS)
    # The return of a bar measures the imbalance of the bar before it.
    from_return = model.return_gain / model.return_std_bps
    kept = (1.0 - model.gain) * model.persistence - from_return * model.edge_bps
    driven = model.gain * market.measured + from_return * returns
    return np.asarray(lfilter([1.0], [1.0, -kept], driven, axis=1), dtype=np.float64)
