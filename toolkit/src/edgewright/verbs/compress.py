"""``compress``: one trained model and a recipe to a smaller model and its artifacts."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgewright.atomic import WriteFailed, atomic_file
from edgewright.bundle import Bundle
from edgewright.compression.options import CompressOptions, CompressResult
from edgewright.compression.recipe_file import Recipe, read_recipe
from edgewright.compression.variants import compressed_variants
from edgewright.conversion.options import ConvertOptions
from edgewright.conversion.variants import NEEDS_CALIBRATION
from edgewright.settings import load_settings
from edgewright.targets.target import open_target, parse_targets
from edgewright.verbs.convert import positive, read_preprocess, refuse_another, source_file
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import FORMATS, Format, Step, Try

if TYPE_CHECKING:
    from edgewright.compression.auto import AutoResult
    from edgewright.compression.training_data import Split
    from edgewright.conversion.builder import Tell

Hear = Callable[[Mapping[str, Any]], None]
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


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
    step that was cut short goes on where it was. A bundle of another model is refused, but with
    ``settings.force``. ``tell`` gets each artifact or failure as it comes, ``hear`` the rows of
    the process that trains.

    Raises ``UsageError`` for bad input, ``BundleBusy`` where another run holds ``out``.
    """
    read = read_recipe(str(recipe))
    settings = settings or Settings()
    _check_calibration(read, settings)
    if any(step.params.get("objective") == "latency" for step in read.steps):
        _refuse_emulated(settings.target, 'objective "latency"')
    bundle = Bundle.create(Path(out))
    with _writing(bundle):
        from edgewright.compression.process import Refused
        from edgewright.compression.running import Run

        options = _options(model, bundle, settings, read.steps)
        run = Run(bundle=bundle, options=options, split=_split(options), tell=tell, hear=hear)
        try:
            return run.whole()
        except Refused as e:
            raise read.error(e, e.number, e.field) if e.number is not None else e from e


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
    if min_speedup is not None:
        _refuse_emulated(settings.target, "min-speedup")
    bundle = Bundle.create(Path(out))
    with _writing(bundle):
        options = _options(model, bundle, settings, ())
        split = _split(options)
        data = settings.check or _write_held_back(bundle, split)
    goal = Goal(gates=tuple(gates), data=data, min_speedup=min_speedup, bench_seconds=bench_seconds)
    search = Search(
        bundle=bundle, options=options, split=split, goal=goal, hear=hear, tell_try=tell_try
    )
    return search.run()


@contextmanager
def _writing(bundle: Bundle) -> Iterator[None]:
    """The lock; a disk that fills up meanwhile is one line, wherever it was met."""
    with bundle.lock():
        try:
            yield
        except OSError as e:
            if e.errno not in DISK:
                raise
            words = f"cannot write {bundle.path}: {e.strerror}"
            raise WriteFailed(
                words, hint="make room, and run it again: what is done is kept"
            ) from e


def _options(
    model: object, bundle: Bundle, settings: Settings, steps: tuple[Step, ...]
) -> CompressOptions:
    path, sha256 = source_file(model, bundle, None)
    if not settings.force:
        refuse_another(bundle, path, sha256)
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
        augment=_augment(settings),
        formats=_formats(settings.formats),
        target=_target(settings.target),
        tensorboard=settings.tensorboard,
        resume=settings.resume,
    )


def _augment(settings: Settings) -> str:
    if settings.augment and not settings.data:
        raise BadInput(
            f"augment is {settings.augment!r}, and there are no items to learn from",
            hint="add --data TRAIN, or leave --augment out",
        )
    return settings.augment


def _check_calibration(recipe: Recipe, settings: Settings) -> None:
    """A recipe of which nothing could be made without data is not begun without."""
    variants = compressed_variants(recipe.steps, _formats(settings.formats))
    if not settings.data and all(v.scheme in NEEDS_CALIBRATION for v in variants):
        raise BadInput(
            f"{variants[0].scheme} is calibrated on data, and none was given",
            hint="add --data TRAIN, of which labels are not needed for that",
        )


def _target(word: str) -> str:
    """Refused before anything is trained, though it is opened only where something is measured."""
    names = parse_targets(word)
    if len(names) > 1:
        raise BadInput(
            f"target {word!r} is {len(names)} targets; one was expected",
            hint="name the one where the artifacts are to run",
        )
    with closing(open_target(names[0], load_settings())):
        return str(names[0])


def _refuse_emulated(target: str, what: str) -> None:
    """No model is chosen by the times of an emulator."""
    if any(name.kind == "emulated" for name in parse_targets(target)):
        raise BadInput(
            f"{what} needs latencies, and times on {target} are none",
            hint="name a real one: --target local or ssh:NAME",
        )


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
