"""Every measurement behind a claim, one after the other, into ``benchmarks/RESULTS.md``.

    python benchmarks/run_all.py [NAME ...] [-- OPTION ...]

Each script prints its own table with the machine and the date; this one only collects them. With
names, only those are run again and the other sections stay. One that fails is said in its section.
Nothing else should run on the machine meanwhile. Options after ``--`` go to the one script named.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
SCRIPTS = (
    "cli_startup",
    "convert_speed",
    "convert_memory",
    "sdk_startup",
    "sdk_overhead",
    "bench_accuracy",
    "tfjs_oracle",
    "real_models",
    "statistics_truth",
    "tails_printed",
    "compress_qat",
    "compress_equalize",
    "compress_mixed",
    "compress_prune",
    "compress_cluster",
    "compress_channels",
    "compress_slack_net",
    "compress_vww",
    "compress_recurrent",
    "compress_step_time",
    "browser_overhead",
    "browser_loop",
    "browser_pairs",
    "browser_models",
    "browser_threads",
)
HEAD = """# Results

Each section is what a script of this folder printed; `python benchmarks/run_all.py NAME` runs it
again. A missed target is a missed target: it stands here with its number.
"""


def sections() -> dict[str, str]:
    if not RESULTS.exists():
        return {}
    parts = re.split(r"(?m)^<!-- (\w+) -->\n", RESULTS.read_text())
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))


def run(name: str, options: Sequence[str]) -> str:
    start = time.perf_counter()
    print(f"{name} ...", end=" ", flush=True)
    argv = [sys.executable, str(HERE / f"{name}.py"), *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    print(f"{time.perf_counter() - start:.0f} s, exit {done.returncode}", flush=True)
    text = done.stdout.strip()
    if done.returncode not in (0, 1) or not text:  # 1: ran, and missed a target
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        text += f"\n\nNot measured: `{name}.py` ended with {done.returncode}: {last}"
    heading = "" if text.lstrip().startswith("#") else f"## {name.replace('_', ' ')}\n\n"
    command = " ".join([f"benchmarks/{name}.py", *options])
    return f"{heading}{text}\n\n(`{command}`)"


def main() -> None:
    words, options = sys.argv[1:], []
    if "--" in words:
        words, options = words[: words.index("--")], words[words.index("--") + 1 :]
    if options and len(words) != 1:
        raise SystemExit("options after -- are for one script: name it")
    chosen = words or list(SCRIPTS)
    found = sections()
    for name in chosen:
        if name not in SCRIPTS:
            raise SystemExit(f"no benchmark named {name!r}; known: {', '.join(SCRIPTS)}")
        found[name] = run(name, options)
        parts = [f"<!-- {n} -->\n{found[n]}\n" for n in SCRIPTS if n in found]
        RESULTS.write_text("\n".join([HEAD, *parts]))


if __name__ == "__main__":
    main()
