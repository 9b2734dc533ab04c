"""Whole numbers stay exact from outputs to scores, and a user's function gets outputs on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgewright.accuracy import drawing
from edgewright.accuracy.columns import Columns, read_columns
from edgewright.accuracy.metrics import metric_named
from edgewright.accuracy.output_file import OutputReader, OutputWriter
from edgewright.accuracy.scores import Scorer
from edgewright.accuracy.task import find_task
from edgewright_runtimes.errors import BadInput

BIG = 2**24 + 1  # float32 has no such number
Values = np.ndarray


def _write(path: Path, outputs: Values) -> OutputReader:
    writer = OutputWriter(path.parent)
    for piece in np.array_split(outputs, 3):
        writer.append({"ids": piece})
    writer.finish(path)
    writer.close()
    return OutputReader(path)


def _columns(folder: Path, source: Values, artifact: Values, y: Values | None = None) -> Columns:
    left, right = _write(folder / "s.npz", source), _write(folder / "a.npz", artifact)
    return read_columns(left, right, find_task(source.shape[1:], y))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_whole_numbers_keep_their_dtype_and_the_rest_is_float32(tmp_path: Path, dtype) -> None:  # type: ignore[no-untyped-def]
    ids = np.arange(40).reshape(-1, 1).astype(dtype)
    assert _write(tmp_path / "o.npz", ids).mapped("ids").dtype == dtype
    for other in (np.float64, np.float16, np.bool_):
        stored = _write(tmp_path / "f.npz", ids.astype(other)).mapped("ids")
        assert stored.dtype == np.float32


@pytest.mark.parametrize("base", [BIG, 2**53 + 1, -(2**62)])
def test_ids_that_float32_cannot_tell_apart_differ(tmp_path: Path, base: int) -> None:
    source = np.full((40, 1), base, np.int64)
    artifact = source.copy()
    artifact[7] += 1
    (gap,) = _columns(tmp_path, source, artifact).differences
    assert gap.largest == 1.0 and gap.mean == pytest.approx(1 / 40)


def test_the_farthest_ids_are_as_far_as_they_are(tmp_path: Path) -> None:
    ends = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    source = np.tile(ends, 20).reshape(-1, 1)
    (gap,) = _columns(tmp_path, source, source[::-1].copy()).differences
    assert gap.largest == 2.0**64 == gap.mean


def test_ids_against_a_side_that_has_floats_are_compared_as_floats(tmp_path: Path) -> None:
    ids = np.arange(BIG, BIG + 40).reshape(-1, 1)
    (gap,) = _columns(tmp_path, ids, ids.astype(np.float32)).differences
    assert gap.largest == 0.0


def test_errors_of_regression_on_whole_numbers_are_exact(tmp_path: Path) -> None:
    y = np.arange(BIG, BIG + 80, 2)
    columns = _columns(tmp_path, y[:, None], y[:, None] + 1, y + 0 * y)
    assert find_task((1,), y).task == "regression"
    assert columns.source.absolute.max() == 0.0
    assert (columns.artifact.absolute == 1.0).all()


def test_scores_of_unsigned_bytes_do_not_wrap(tmp_path: Path) -> None:
    rows = np.tile(np.array([[200, 10], [10, 200]], np.uint8), (20, 1))
    columns = _columns(tmp_path, rows, rows, np.tile([0, 1], 20))
    assert list(columns.source.score[:2]) == [-190, 190]


def test_an_output_is_mapped_where_it_lies(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(90, 2, 3)).astype(np.float32)
    mapped = _write(tmp_path / "o.npz", values).mapped("ids")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, values)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0
    np.savez_compressed(tmp_path / "c.npz", **{"output/ids": values})
    with pytest.raises(BadInput, match="is compressed"):
        OutputReader(tmp_path / "c.npz").mapped("ids")


@pytest.mark.parametrize("in_memory_bytes", [1 << 20, 100])
def test_drawn_items_are_those_asked_for(
    monkeypatch: pytest.MonkeyPatch, in_memory_bytes: int
) -> None:
    monkeypatch.setattr(drawing, "IN_MEMORY_BYTES", in_memory_bytes)
    monkeypatch.setattr(drawing, "PIECE_BYTES", 64)
    values = np.random.default_rng(0).normal(size=(50, 2, 3)).astype(np.float32)
    items = np.random.default_rng(1).integers(0, 50, 50)
    first, second = drawing.draw(values, items), drawing.draw(values, items[::-1].copy())
    np.testing.assert_array_equal(first, values[items])  # the second one did not overwrite it
    np.testing.assert_array_equal(second, values[items][::-1])
    assert isinstance(first, np.memmap) == (in_memory_bytes == 100)
    assert drawing.draw(values, np.arange(50)) is values


def test_a_function_sees_both_sides_at_the_same_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "IN_MEMORY_BYTES", 100)
    monkeypatch.chdir(tmp_path)
    words = "import numpy as np\ndef worst(y, outputs):\n    return float(np.abs(outputs).mean())\n"
    (tmp_path / "metric_on_disk.py").write_text(words)
    source = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    left, right = _write(tmp_path / "s.npz", source), _write(tmp_path / "a.npz", source * 2)
    labelled = find_task((4,), None)
    scorer = Scorer(
        columns=read_columns(left, right, labelled),
        labelled=labelled,
        class_names=(),
        outputs=(left.mapped("ids"), right.mapped("ids")),
    )
    score = scorer.score(metric_named("metric_on_disk:worst")).score
    assert score.source == pytest.approx(np.abs(source).mean())
    assert score.low == score.high == pytest.approx(1.0)  # twice as much, whatever is drawn


FUNCTION_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from edgewright.accuracy.metrics import metric_named
from edgewright.accuracy.output_file import OutputReader, OutputWriter
from edgewright.accuracy.statistic import function_statistic

work, items = Path(sys.argv[1]), int(sys.argv[2])
(work / "flat_metric.py").write_text("def first(y, o): return float(o[:, 0].mean())")
sys.path.insert(0, str(work))
writer = OutputWriter(work)
for start in range(0, items, 1000):
    writer.append({"o": np.full((1000, 1000), start, np.float32)})
writer.finish(work / "o.npz")
writer.close()
used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + (150 << 20),) * 2)  # what is mapped is not data
outputs = OutputReader(work / "o.npz").mapped("o")
value = function_statistic(metric_named("flat_metric:first"), None, outputs)
rows = np.stack([np.arange(items), np.random.default_rng(0).integers(0, items, items)])
print(*value(rows))
"""


@pytest.mark.slow
def test_a_function_on_400_mb_of_outputs_needs_no_such_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FUNCTION_IN_LITTLE_MEMORY, str(tmp_path), "100000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    whole, drawn = map(float, done.stdout.split())
    assert [whole, drawn] == pytest.approx([49_500, 49_500], rel=0.01)
