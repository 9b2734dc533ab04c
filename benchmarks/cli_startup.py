"""How long a person waits for ``--help``, and for a second run of a finished bundle.

    python benchmarks/cli_startup.py [ROUNDS]

To reach: 0.08 s for the help of each verb and no numpy; 0.5 s for a second identical run with a
source of 100 MB, and no framework. ``wheels``: the three wheels in an environment of their own, as
users have them; ``tree``: this repository's environment, where the packages are editable.
Interleaved with ``python -c pass`` of the same environment; minimum and median, the processor's
time, and the median of the rounds' ratios of it to ``pass``, which a busy machine moves least.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from convert_memory import MODEL
from machine import describe_machine

from edgewright.cli import VERBS

ROOT = Path(__file__).parents[1]
TREE = Path(sys.executable).parent
# as installed for a user: compiled files are kept
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def run(argv: list[str]) -> tuple[float, float]:
    """Seconds on the wall, and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def install_wheels(folder: str) -> Path:
    """The folder of commands of a fresh environment with the wheels alone: help needs no more."""
    uv, python = str(TREE / "uv"), f"{folder}/bin/python"
    packages = [str(ROOT / name) for name in ("runtimes", "converters", "toolkit")]
    for argv in (
        [uv, "venv", "--quiet", "--python", sys.executable, folder],
        [uv, "pip", "install", "--quiet", "--python", python, "--no-deps", *packages],
    ):
        subprocess.run(argv, check=True)
    return Path(folder) / "bin"


def commands(bin_folder: Path) -> dict[str, list[str]]:
    edgewright = str(bin_folder / "edgewright")
    found = {"python -c pass": [str(bin_folder / "python"), "-c", "pass"]}
    found["edgewright --help"] = [edgewright, "--help"]
    return found | {f"edgewright {verb} --help": [edgewright, verb, "--help"] for verb in VERBS}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as temporary:
        model = f"{temporary}/model.keras"
        subprocess.run([sys.executable, "-c", MODEL, model], check=True, capture_output=True)
        convert = [str(TREE / "edgewright"), "convert", model, "--out", f"{temporary}/b"]
        convert += ["--variants", "float32"]
        run(convert)
        places = {"wheels": install_wheels(f"{temporary}/wheels"), "tree": TREE}
        each = {(w, name): argv for w, p in places.items() for name, argv in commands(p).items()}
        each["tree", "second convert, 100 MB"] = convert
        taken: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in each}
        for argv in each.values():
            run(argv)  # compiled files are written
        for _ in range(rounds):
            for key, argv in each.items():
                taken[key].append(run(argv))
    print("## Start-up\n")
    print(f"{describe_machine()}; {rounds} rounds, interleaved\n")
    print("| installed as | command | least s | median s | CPU s | CPU, times pass | to reach s |")
    print("|---|---|---|---|---|---|---|")
    for (where, name), times in taken.items():
        reach = "" if name.startswith("python") else "0.5" if name.startswith("second") else "0.08"
        wall, cpu = [w for w, _ in times], [c for _, c in times]
        empty = [c for _, c in taken[where, "python -c pass"]]
        ratio = statistics.median(c / e for c, e in zip(cpu, empty, strict=True))
        print(
            f"| {where} | {name} | {min(wall):.3f} | {statistics.median(wall):.3f} "
            f"| {statistics.median(cpu):.3f} | {ratio:.1f} | {reach} |"
        )


if __name__ == "__main__":
    main()
