"""Write numpy.npz, which the tests of the reader and writer compare with: python make_numpy.py"""

from pathlib import Path

import numpy as np

real = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
np.savez(
    Path(__file__).with_name("numpy.npz"),
    real=real,
    turned=np.asfortranarray(real),
    ids=np.array([1, -(2**40)], np.int64),
    bytes=np.array([[255, 0]], np.uint8),
    flags=np.array([True, False, True]),
    one=np.float64(0.5),
)
