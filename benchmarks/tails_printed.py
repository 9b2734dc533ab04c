"""How often p90, p95 and p99 get their bound, by how far apart the rounds of a machine lie.

    python benchmarks/tails_printed.py

Simulated runs of 8 rounds: log-normal samples of 1 % about a round's own level, levels that differ
by the given standard deviation. 17 samples a round are what `quick` asks of a slow model, 128 of
`standard`, 1,250 what `quick` takes of a model of 1 ms. It does not depend on the machine.
"""

from __future__ import annotations

import numpy as np

from edgewright_runtimes.statistics import summarize

ROUNDS, RUNS, WITHIN = 8, 200, 0.01
SAMPLES = (17, 128, 1250)
BETWEEN = (0.0, 0.002, 0.005, 0.01, 0.02)


def shares(samples: int, between: float) -> dict[float, float]:
    """The share of runs whose bound is printed, by quantile."""
    rng = np.random.default_rng([samples, int(between * 1e4)])
    printed: dict[float, int] = {}
    for _ in range(RUNS):
        levels = rng.normal(0, between, (ROUNDS, 1))
        times = 1e6 * np.exp(levels + rng.normal(0, WITHIN, (ROUNDS, samples)))
        for tail in summarize(list(times.astype(np.int64)), calls_per_sample=1).tails:
            printed[tail.p] = printed.get(tail.p, 0) + (tail.bound_ns is not None)
    return {p: count / RUNS for p, count in printed.items()}


def main() -> None:
    print(f"{RUNS} runs of {ROUNDS} rounds each\n")
    print("| samples a round | between rounds | p90 | p95 | p99 |\n|---|---|---|---|---|")
    for samples in SAMPLES:
        for between in BETWEEN:
            found = " | ".join(f"{share:.0%}" for share in shares(samples, between).values())
            print(f"| {samples:,} | {between:.1%} | {found} |", flush=True)


if __name__ == "__main__":
    main()
