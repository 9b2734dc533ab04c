"""A process that dies while it trains, and a disk that is full: nothing is lost or half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
RUN = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
import numpy as np
from edgewright_converters.compression.cluster.step import Cluster
from edgewright_converters.compression.cluster.step import apply as cluster
from edgewright_converters.compression.prune.step import Prune, apply as prune
from edgewright_converters.compression.training import FinetunePlan
from tests.converters.compression.small import context, net

folder, out, wait = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
plan = FinetunePlan(epochs=4, batch_size=24, learning_rate=1e-2)

def jitter(item, generator):
    time.sleep(wait)
    return item + generator.normal(0, 0.1, item.shape)

def tell(progress):
    print(progress.done, flush=True)

given = context(folder, augment=jitter, tell=tell)
step, params = {steps}[sys.argv[4]]
result = step(net(), params, given)
print("notes", *result.notes, sep="|", flush=True)
np.savez(out, *result.model.get_weights())
"""
STEPS = """{
    "prune": (prune, Prune(sparsity=0.6, finetune=plan)),
    "cluster": (cluster, Cluster(number_of_clusters=5, finetune=plan)),
}"""


def start(folder: Path, out: Path, step: str, *, wait: float = 0.0) -> subprocess.Popen[str]:
    code = RUN.format(root=str(ROOT), steps=STEPS)
    argv = [sys.executable, "-c", code, str(folder), str(out), str(wait), step]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def weights(path: Path) -> list[np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return [file[name] for name in file.files]


@pytest.mark.parametrize("step", ["prune", "cluster"])
def test_after_kill_9_it_goes_on_to_the_same_weights(tmp_path: Path, step: str) -> None:
    whole = start(tmp_path / "whole", tmp_path / "whole.npz", step)
    _, errors = whole.communicate(timeout=300)
    assert whole.returncode == 0, errors
    killed = start(tmp_path / "cut", tmp_path / "never.npz", step, wait=0.01)
    checkpoint = tmp_path / "cut" / "stage" / "fit.checkpoint.npz"
    deadline = time.monotonic() + 300
    while not checkpoint.exists() and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)  # into the next epoch, which takes 2.4 seconds and more
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "never.npz").exists()
    resumed = start(tmp_path / "cut", tmp_path / "resumed.npz", step)
    told, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, errors
    assert int(told.split()[0]) > 10, "the first epoch was not done again"
    for one, other in zip(
        weights(tmp_path / "whole.npz"), weights(tmp_path / "resumed.npz"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_full_disk_at_a_checkpoint_is_said_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on the size of a file stands in for the disk: the kernel refuses the write."""
    limit = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))\n"
        "def lift(): resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
    )
    code = RUN.format(root=str(ROOT), steps=STEPS).replace(
        "given = context", limit + "given = context"
    )
    code = code.replace("np.savez(out", "lift()\nnp.savez(out")
    argv = [sys.executable, "-c", code, str(tmp_path), str(tmp_path / "o.npz"), "0", "prune"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "|no checkpoint after epoch 1: File too large; training went on" in done.stdout
    assert list((tmp_path / "stage").iterdir()) == []
    assert weights(tmp_path / "o.npz")
