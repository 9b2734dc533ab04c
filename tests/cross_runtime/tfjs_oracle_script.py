"""Run by the oracle's interpreter: SavedModels to TF.js with the package ``tensorflowjs``.

Usage: python tfjs_oracle_script.py JOBS.json RESULTS.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(jobs_file: str, results_file: str) -> None:
    from tensorflowjs.converters import tf_saved_model_conversion_v2 as converter

    results: list[dict[str, object]] = []
    for saved_model, out in json.loads(Path(jobs_file).read_text()):
        start = time.perf_counter()
        try:
            converter.convert_tf_saved_model(saved_model, out, control_flow_v2=True)
            results.append({"seconds": time.perf_counter() - start})
        except Exception as e:  # whatever the package raises is its answer
            results.append({"error": f"{type(e).__name__}: {e}"})
    Path(results_file).write_text(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
