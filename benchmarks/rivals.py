"""How often policies without skill pass a nominal test of 5 % against their random rivals.

python benchmarks/rivals.py [--markets 2000]
"""

import argparse

from huracan.proof.promotion.rival_test import DRAWN, rival_row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=2_000)
    markets = parser.parse_args().markets
    for name, kind in DRAWN:
        row = rival_row(name, kind, markets)
        print(f"{row.policy}: {row.passed:.2%} of {row.markets} markets pass", flush=True)


if __name__ == "__main__":
    main()
