"""``compress``: one trained model and a recipe to a smaller model and its artifacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgewright.atomic import atomic_file
from edgewright.bundle import Bundle
from edgewright.compression.options import CompressOptions, CompressResult
from edgewright.compression.recipe_file import read_recipe
from edgewright.conversion.options import ConvertOptions
from edgewright.settings import load_settings
from edgewright.targets.target import open_target, parse_targets
from edgewright.verbs.convert import positive, read_preprocess, source_file
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import FORMATS, Format, Step, Try

if TYPE_CHECKING:
    from edgewright.compression.auto import AutoResult
    from edgewright.compression.training_data import Split
    from edgewright.conversion.builder import Tell

Hear = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a compression works with, whatever its steps.

    ``data`` is learnt from and calibrated with, but for the share ``held_back``, which chooses the
    best epoch. ``check`` scores each step, or else the items held back. ``augment`` is
    ``module:function``, ``(item, generator) -> item`` on preprocessed items. ``target`` is where
    latencies that steer a step are measured. ``resume`` off: a step that was cut short begins anew.
    """

    data: str = ""
    check: str = ""
    held_back: float = 0.1
    formats: Sequence[str] = ("tflite", "onnx")
    samples: int = 256
    seed: int = 0
    preprocess: Path | Mapping[str, Any] | None = None
    labels: Sequence[str] = ()
    augment: str = ""
    target: str = "local"
    tensorboard: Path | None = None
    resume: bool = True
    force: bool = False
    unsafe: bool = False
    signature: str = ""


def compress(
    model: Path | str | object,
    *,
    recipe: Path | str,
    out: Path | str,
    settings: Settings | None = None,
    tell: Tell = lambda _: None,
    hear: Hear = lambda _: None,
) -> CompressResult:
    """Apply ``recipe`` (a TOML file or a name like ``prune50_int8``) and build its artifacts.

    ``model`` is what ``convert`` takes, of Keras 3 or brought over to it. The source's own float32
    and same scheme are built beside, to compare with. What is done is kept and not done again; a
    step that was cut short goes on where it was. ``tell`` gets each artifact or failure as it
    comes, ``hear`` the rows of the process that trains.

    Raises ``UsageError`` for bad input, ``BundleBusy`` where another run holds ``out``.
    """
    steps = read_recipe(str(recipe)).steps
    settings = settings or Settings()
    bundle = Bundle.create(Path(out))
    with bundle.lock():
        from edgewright.compression.running import Run

        options = _options(model, bundle, settings, steps)
        run = Run(bundle=bundle, options=options, split=_split(options), tell=tell, hear=hear)
        return run.whole()


def compress_auto(
    model: Path | str | object,
    *,
    out: Path | str,
    gates: Sequence[str],
    min_speedup: float | None = None,
    bench_seconds: float = 10.0,
    settings: Settings | None = None,
    hear: Hear = lambda _: None,
    tell_try: Callable[[Try], None] = lambda _: None,
) -> AutoResult:
    """Try the cheap things first, until an artifact of each format passes ``gates``.

    ``gates`` are those of ``check`` (``accuracy:0.5``), decided on ``settings.check`` or on the
    items held back. ``min_speedup`` is over the format's own float32, measured on the target, the
    sure end of its interval. Each try is kept, with its reason. Raises ``UsageError``.
    """
    from edgewright.accuracy.gates import read_gates
    from edgewright.compression.auto import Goal, Search

    settings = settings or Settings()
    read_gates(gates)  # a gate that can't be read is known before anything is built
    _check_goal(settings, min_speedup)
    bundle = Bundle.create(Path(out))
    with bundle.lock():
        options = _options(model, bundle, settings, ())
        split = _split(options)
        data = settings.check or _write_held_back(bundle, split)
    goal = Goal(gates=tuple(gates), data=data, min_speedup=min_speedup, bench_seconds=bench_seconds)
    search = Search(
        bundle=bundle, options=options, split=split, goal=goal, hear=hear, tell_try=tell_try
    )
    return search.run()


def _options(
    model: object, bundle: Bundle, settings: Settings, steps: tuple[Step, ...]
) -> CompressOptions:
    path, sha256 = source_file(model, bundle, None)
    convert = ConvertOptions(
        model=path,
        out=bundle.path,
        variants=(),
        calibrate=settings.data,
        samples=positive("samples", settings.samples),
        seed=settings.seed,
        preprocess=read_preprocess(settings.preprocess),
        labels=tuple(settings.labels),
        force=settings.force,
        unsafe=settings.unsafe,
        signature=settings.signature,
        source_sha256=sha256,
    )
    return CompressOptions(
        convert=convert,
        steps=steps,
        data=settings.data,
        check=settings.check,
        held_back=settings.held_back,
        augment=settings.augment,
        formats=_formats(settings.formats),
        target=_target(settings.target),
        tensorboard=settings.tensorboard,
        resume=settings.resume,
    )


def _target(word: str) -> str:
    """Refused before anything is trained, though it is opened only where something is measured."""
    for name in parse_targets(word):
        open_target(name, load_settings())
    return word


def _check_goal(settings: Settings, min_speedup: float | None) -> None:
    if not settings.check and not settings.data:
        raise BadInput(
            "nothing was given to decide on",
            hint="add --check DATA, or --data TRAIN, of which a share is held back",
        )
    if min_speedup is not None and min_speedup <= 0:
        raise BadInput(f"min-speedup is {min_speedup:g}", hint="2 is twice as fast as float32")


def _write_held_back(bundle: Bundle, split: Split | None) -> str:
    """The held-back items as a data set of their own, that ``check`` can read again."""
    import numpy as np

    if split is None:
        return ""
    path = bundle.path / "compressed" / "held-back.npz"
    batch = split.held_back.take(np.arange(split.held_back.items))
    labels = {} if batch.y is None else {"y": batch.y}
    with atomic_file(path) as stream:
        np.savez(stream, allow_pickle=False, **batch.x, **labels)
    return str(path)


def _split(options: CompressOptions) -> Split | None:
    if not options.data:
        return None
    from edgewright.compression.training_data import split
    from edgewright.data import open_data

    preprocess = options.convert.preprocess
    check = open_data(options.check, preprocess=preprocess) if options.check else None
    data = open_data(options.data, preprocess=preprocess)
    return split(data, check, options.held_back, options.convert.seed)


def _formats(names: Sequence[str]) -> tuple[Format, ...]:
    for name in names:
        if name not in FORMATS:
            raise UnknownName("format", name, FORMATS)
    return cast("tuple[Format, ...]", tuple(names))
