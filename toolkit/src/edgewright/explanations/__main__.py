"""``python -m edgewright.explanations FILE THREADS OUT``: the profile as JSON, in a process of its
own: a runtime that crashes on a file ends this one alone.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    path, threads, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    if path.suffix == ".onnx":
        from edgewright.explanations.onnx import profile
    else:
        from edgewright.explanations.tflite import profile
    out.write_text(json.dumps(asdict(profile(path, threads))), encoding="utf-8")


if __name__ == "__main__":
    main()
