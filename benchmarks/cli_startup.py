"""How long a person waits for ``--help``, and for a second run of a finished bundle.

    python benchmarks/cli_startup.py [ROUNDS]

To reach: 0.08 s for the help of each verb and no numpy; 0.5 s for a second identical run with a
source of 100 MB, and no framework. Interleaved with ``python -c pass``; minimum and median.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from convert_memory import MODEL
from machine import describe_machine

from edgewright.cli import VERBS

EDGEWRIGHT = str(Path(sys.executable).parent / "edgewright")
# as installed for a user: compiled files are kept
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds_of(argv: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
    return time.perf_counter() - start


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as temporary:
        model = f"{temporary}/model.keras"
        subprocess.run([sys.executable, "-c", MODEL, model], check=True, capture_output=True)
        convert = [EDGEWRIGHT, "convert", model, "--out", f"{temporary}/b", "--variants", "float32"]
        seconds_of(convert)
        commands = {"python -c pass": [sys.executable, "-c", "pass"]}
        commands |= {"edgewright --help": [EDGEWRIGHT, "--help"]}
        commands |= {f"edgewright {verb} --help": [EDGEWRIGHT, verb, "--help"] for verb in VERBS}
        commands |= {"second convert, 100 MB": convert}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, argv in commands.items():
                taken[name].append(seconds_of(argv))
    print("## Start-up\n")
    print(f"{describe_machine()}; {rounds} rounds, interleaved\n")
    print("| command | least s | median s | to reach s |\n|---|---|---|---|")
    for name, times in taken.items():
        reach = "" if name.startswith("python") else "0.5" if name.startswith("second") else "0.08"
        print(f"| {name} | {min(times):.3f} | {statistics.median(times):.3f} | {reach} |")


if __name__ == "__main__":
    main()
