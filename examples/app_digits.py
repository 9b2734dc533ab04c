"""An app that loads an artifact: handwritten digits, read from 8 x 8 pixels.

    edgewright demo                                    # makes a bundle of digit models
    python examples/app_digits.py ARTIFACT [--runtime litert]

ARTIFACT is a ``.tflite`` or ``.onnx`` file, or an artifact's folder. On the target nothing but
``edgewright-runtimes[litert]`` (or ``[onnx]``) has to be installed: the three digits are from
scikit-learn's set (pixels of 0 to 16, one letter each), written out here.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

import numpy as np

from edgewright_runtimes import load
from edgewright_runtimes.errors import EdgewrightError

PIXELS = "0123456789abcdefg"
DIGITS = {
    0: "005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000",
    1: "000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00",
    2: "0004fc00003gfe00008d8g000016fb00018df10009gg500003dggb500003bg90",
}


def image_of(digit: int) -> np.ndarray:
    """Raw pixels, float32 [8, 8], 0 to 16."""
    return np.array([PIXELS.index(c) for c in DIGITS[digit]], np.float32).reshape(8, 8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact")
    parser.add_argument("--runtime")
    asked = parser.parse_args()
    try:
        with load(asked.artifact, runtime=asked.runtime) as model:
            item = model.inputs[0].shape[1:]
            names = model.labels
            for digit in DIGITS:
                start = perf_counter()
                scores = model.predict(image_of(digit).reshape(item))
                took_us = (perf_counter() - start) * 1e6
                best = int(scores.argmax())
                said = names[best] if names else best
                print(f"a {digit}: read as {said} ({scores[best]:.1%}) in {took_us:.0f} us")
    except EdgewrightError as e:
        print(e, file=sys.stderr)
        return e.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
