"""The median of several seeds, by hand."""

import pytest

from huracan.agent.night.seed_choice import dispersion, median_seed


@pytest.mark.parametrize(
    ("net_usd", "index"),
    [
        ([5.0], 0),
        ([1.0, 9.0, 4.0], 2),
        ([9.0, -2.0, 4.0, 1.0, 7.0], 2),
        ([9.0, 1.0], 1),  # of an even number the lower middle
        ([1.0, 2.0, 3.0, 4.0], 1),
        ([0.0, 0.0, 0.0], 1),  # of equals in their order: the middle of (0, 1, 2)
        ([3.0, 3.0, 8.0], 1),
        ([3.0, 8.0, 3.0], 2),
    ],
)
def test_the_median_is_published_and_never_the_best(net_usd: list[float], index: int) -> None:
    assert median_seed(net_usd) == index


def test_the_dispersion_tells_every_seed_and_their_spread() -> None:
    held_out = [
        {
            "net_usd": net,
            "net_bps_per_trade": net / 2,
            "trades": trades,
            "win_rate": 0.5,
            "median_holding_minutes": 9,
            "more": [1],
        }
        for net, trades in ((1.0, 4), (4.0, 6), (10.0, 5))
    ]
    found = dispersion(held_out, 1)
    assert (found["count"], found["published"]) == (3, 1)
    assert found["net_usd_mean"] == pytest.approx(5.0)
    assert found["net_usd_std"] == pytest.approx(21.0**0.5)
    assert (found["net_usd_lowest"], found["net_usd_highest"]) == (1.0, 10.0)
    assert (found["trades_lowest"], found["trades_highest"]) == (4, 6)
    assert [row["trades"] for row in found["by_seed"]] == [4, 6, 5]
    assert "more" not in found["by_seed"][0]
    assert dispersion(held_out[:1], 0)["net_usd_std"] == 0.0
