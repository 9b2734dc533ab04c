"""``sensitivity``: which tensor hurts when it alone is quantized, which layer when pruned."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgewright_runtimes.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from edgewright.sensitivities.results import SensitivityResult

FORMATS: tuple[Literal["tflite", "onnx"], ...] = ("tflite", "onnx")
WHAT = ("quantize", "prune")
RATIOS = (0.3, 0.5, 0.7, 0.9)
Tell = Callable[[str, int, int], None]


def sensitivity(
    model: Path | str,
    *,
    data: str,
    format: str = "tflite",
    what: Sequence[str] = WHAT,
    ratios: Sequence[float] = RATIOS,
    metrics: Sequence[str] = (),
    samples: int = 256,
    seed: int = 0,
    preprocess: Path | Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    unsafe: bool = False,
    signature: str = "",
    tell: Tell = lambda what, done, of: None,
) -> SensitivityResult:
    """Change one tensor of the float artifact at a time, and see what the outputs lose.

    ``what``: ``quantize`` puts each activation and each layer's weights through 8 bits alone,
    ``prune`` sets the least weights of one layer to zero, at each of ``ratios``. ``samples`` items
    of ``data`` give the ranges and are what the outputs are compared on; with labels they also
    give the task's metrics. With ``out`` each trial is kept as it ends, and not made again.
    ``tell`` gets (what, trials done, trials in all).

    Raises ``UsageError`` for bad input, ``JobFailed`` where the model can't be converted.
    """
    from edgewright.data import open_data
    from edgewright.sensitivities.trying import Options, run
    from edgewright.verbs.convert import read_preprocess
    from edgewright_converters.sources.identity import source_sha256

    _check(format, what, ratios)
    path = Path(model)
    if not path.exists():
        raise BadInput(f"{path}: no such file", hint="give a .keras, .h5 or a SavedModel folder")
    declared = read_preprocess(preprocess)
    options = Options(
        model=path,
        source_sha256=source_sha256(path),
        format="onnx" if format == "onnx" else "tflite",
        what=tuple(what),
        ratios=tuple(ratios),
        metrics=tuple(metrics),
        samples=samples,
        seed=seed,
        preprocess=declared,
        unsafe=unsafe,
        signature=signature,
    )
    opened = open_data(data, preprocess=declared)
    keep = None if out is None else Path(out)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgewright-") as work:
        result = run(options, opened, Path(work), keep, tell)
    if keep is not None:
        _write_plots(result, keep)
    return result


def _check(format_: str, what: Sequence[str], ratios: Sequence[float]) -> None:
    if format_ not in FORMATS:
        raise UnknownName("format", format_, FORMATS)
    for word in what:
        if word not in WHAT:
            raise UnknownName("kind of trial", word, WHAT)
    if not what:
        raise BadInput("nothing is to be tried", hint="--what quantize, prune or both")
    for ratio in ratios if "prune" in what else ():
        if not 0 < ratio < 1:
            raise BadInput(f"a ratio is {ratio}; between 0 and 1 is expected, as 0.5")


def _write_plots(result: SensitivityResult, folder: Path) -> None:
    from edgewright.atomic import write_text
    from edgewright.sensitivities.plot import plot_svg

    for what in WHAT:
        drawn = plot_svg(result, what=what, alone=True)
        if drawn:
            write_text(folder / f"{what}.svg", drawn + "\n")
