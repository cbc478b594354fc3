"""Installs what Huracan's learner is measured beside, stable-baselines3 and PufferLib, and cosmic-ray, which
changes code to see whether a test fails. Into this environment; none of them is a dependency.

    python benchmarks/install_peers.py

stable-baselines3 installs as it is. PufferLib 3.0.0 asks for NumPy 1 and for its games' libraries from the
network, though its trainer needs neither; it is built without them, for the processor, and without its
declared dependencies. What its trainer imports is installed by name. A C++ compiler is needed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
STABLE_BASELINES = ("stable-baselines3==2.9.2", "gymnasium==1.4.0")
COSMIC_RAY = ("cosmic-ray==8.7.0",)
"""MIT, but a report that it can write brings yattag, which is LGPL: so it stays outside of the extras."""
PUFFERLIB_IMPORTS = ("psutil", "rich", "rich-argparse==1.8.0", "pyro-ppl==1.9.2", "setuptools", "wheel")
PUFFERLIB = ("gym==0.26.2", "gym-notices==0.1.0", "pufferlib==3.0.0")

BEFORE_ITS_SETUP = """\
import builtins, shutil

builtins.c_extension_paths = []  # its setup reads this name even where NO_OCEAN leaves it out
found = shutil.which
shutil.which = lambda command, *more, **named: None if command == "nvcc" else found(command, *more, **named)
"""
"""Run by the interpreter that builds it, before its setup.py. With a CUDA compiler in reach it would build
for CUDA only."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    pip("-c", str(CONSTRAINTS), *STABLE_BASELINES, *PUFFERLIB_IMPORTS, *COSMIC_RAY)
    with tempfile.TemporaryDirectory(prefix="huracan-peers-") as directory:
        (Path(directory) / "sitecustomize.py").write_text(BEFORE_ITS_SETUP)
        path = os.pathsep.join([directory, os.environ.get("PYTHONPATH", "")])
        pip("--no-deps", "--no-build-isolation", *PUFFERLIB, PYTHONPATH=path, NO_OCEAN="1")


def pip(*arguments: str, **variables: str) -> None:
    command = [sys.executable, "-m", "pip", "install", *arguments]
    subprocess.run(command, env=os.environ | variables, check=True)


if __name__ == "__main__":
    main()
