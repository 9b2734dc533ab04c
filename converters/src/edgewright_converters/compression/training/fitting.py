"""``fit``: the one training loop of all steps.

The same seed gives the same weights, bit for bit, on a CPU: op determinism is on while it trains,
each epoch's order and each item's augmentation are drawn from (seed, epoch, index), and the state
of dropout is part of the model. A run that was killed goes on from its last whole epoch.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.context import Context, Progress
from edgewright_converters.compression.fields import as_table
from edgewright_converters.compression.training.batches import Batches, sorted_by_class
from edgewright_converters.compression.training.board import Board
from edgewright_converters.compression.training.checkpoint import load_checkpoint, save_checkpoint
from edgewright_converters.compression.training.feeding import check_items, input_dtypes
from edgewright_converters.compression.training.objective import make_objective
from edgewright_converters.compression.training.optimizers import make_optimizer
from edgewright_converters.compression.training.stepping import Stepper
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Items
    from edgewright_converters.compression.training.constraint import Constraint
    from edgewright_converters.compression.training.plan import FinetunePlan

    Array = np.ndarray[Any, Any]
    OnStep = Callable[[int, int], None]
    Numbers = Callable[[], Mapping[str, float]]

TELL_SECONDS = 0.2


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while training: the message says what is kept, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """``history`` has one table per epoch: loss, accuracy, val_loss, val_accuracy, sparsity, ...

    ``best_epoch`` counts from 1; 0 are the weights as they came.
    """

    model: Any
    history: tuple[Mapping[str, float], ...]
    best_epoch: int
    notes: tuple[str, ...]


def fit(
    model: Any,
    plan: FinetunePlan,
    context: Context,
    *,
    constraints: Sequence[Constraint] = (),
    on_step: OnStep | None = None,
    numbers: Numbers | None = None,
    name: str = "fit",
) -> FitResult:
    """Train ``model`` in place on ``context.train`` and give it back with its best weights.

    ``on_step(step, total)`` is called before each step; what it changes must follow from the step
    alone or lie in the model's variables, or a resumed run will differ. ``numbers`` adds to each
    epoch's. ``name`` tells several trainings of one step apart: each has its own checkpoint.

    Raises ``BadInput`` where the data does not fit, ``Interrupted`` on Ctrl-C.
    """
    items = _checked(model, context)
    notes: list[str] = []
    plan = replace(plan, seed=context.seed if plan.seed is None else plan.seed)
    if sorted_by_class(items.labels):
        plan = replace(plan, shuffle=True)
        notes.append("the training data is sorted by class; it was shuffled")
    with deterministic():
        training = _Training(model, plan, context, constraints, name)
        notes += training.notes
        training.run(on_step, numbers)
    return FitResult(
        model=model,
        history=tuple(training.state.history),
        best_epoch=training.state.best_epoch,
        notes=tuple(notes + training.state.notes),
    )


def _scorable(context: Context, plan: FinetunePlan) -> Items | None:
    """Held-back items, where they have what the loss wants."""
    items = context.held_back
    assert context.train is not None
    unread = plan.teacher in ("original", "before")
    learns_labels = not unread and context.train.labels is not None
    return None if items is None or (learns_labels and items.labels is None) else items


@contextmanager
def deterministic() -> Iterator[None]:
    """Ops give the same bits every time; not on a GPU, where some have no such kernel."""
    from edgewright_converters.sources.frameworks import import_keras

    import_keras()  # raises where Keras runs on another backend
    import tensorflow as tf
    from tensorflow.python.framework import config

    if config.is_op_determinism_enabled() or tf.config.list_physical_devices("GPU"):
        yield
        return
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        config.disable_op_determinism()  # the public interface has no way back


def _checked(model: Any, context: Context) -> Items:
    if context.train is None:
        raise BadInput("training needs data, and there is none", hint="give --data")
    check_items(model, context.train)
    if context.held_back is not None:
        check_items(model, context.held_back, what="held-back")
    if context.augment is not None and len(context.train.inputs) > 1:
        raise BadInput("augmentation takes models with one input only")
    if not model.trainable_variables:
        raise BadInput("every weight of the model is frozen: there is nothing to train")
    return context.train


@dataclass(kw_only=True)
class _State:
    """Where training stands, besides what lies in variables."""

    epoch: int = 0  # done
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_score: tuple[float, float] | None = None  # higher is better
    stopped: bool = False
    notes: list[str] = field(default_factory=list)


class _Training:
    def __init__(
        self,
        model: Any,
        plan: FinetunePlan,
        context: Context,
        constraints: Sequence[Constraint],
        name: str,
    ) -> None:
        assert context.train is not None and plan.seed is not None
        self.model, self.plan, self.context = model, plan, context
        self.constraints, self.state = constraints, _State()
        self._held_back = _scorable(context, plan)
        self._batches = Batches(
            items=context.train,
            dtypes=input_dtypes(model, context.train),
            size=plan.batch_size,
            seed=plan.seed,
            shuffle=plan.shuffle,
            augment=context.augment,
        )
        self.total = plan.epochs * self._batches.per_epoch
        loss, self.notes = make_objective(
            model, plan, context.train, original=context.original, before=context.before
        )
        self._optimizer = make_optimizer(plan, self.total)
        self._optimizer.build(model.trainable_variables)
        self._stepper = Stepper(model, self._optimizer, loss, constraints)
        self._seed_layers(plan.seed)
        self._identity = self._fingerprint()
        self._path = context.folder / f"{name}.checkpoint.npz"
        self._board = context.tensorboard / name if context.tensorboard else None
        self._best = self._weights()

    def run(self, on_step: OnStep | None, numbers: Numbers | None) -> None:
        """To the last epoch, or as far as it goes; then the best weights, in their final form."""
        if not self._resume():
            self._consider(0, self._score())
        try:
            with Board(self._board) as board:
                while self.state.epoch < self.plan.epochs and not self.state.stopped:
                    self._epoch(board, on_step, numbers)
        except KeyboardInterrupt:
            self._finish()
            raise Interrupted(self._interrupted()) from None
        self._finish()

    def _epoch(self, board: Board, on_step: OnStep | None, numbers: Numbers | None) -> None:
        state, number = self.state, self.state.epoch
        self._stepper.reset()
        told = time.monotonic()
        step = number * self._batches.per_epoch
        for inputs, labels in self._batches.epoch(number):
            for constraint in self.constraints:
                constraint.before_step(step, self.total)
            if on_step is not None:
                on_step(step, self.total)
            self._stepper.train(inputs, labels)
            step += 1
            if time.monotonic() - told > TELL_SECONDS:
                found = self._stepper.numbers()
                if not math.isfinite(found["loss"]):
                    break
                board.step(step, found)
                self._tell(step, found)
                told = time.monotonic()
        found = self._stepper.numbers()
        if not math.isfinite(found["loss"]):
            self._diverged(number + 1)
            return
        found |= self._score()
        found |= self._numbers(numbers)
        state.epoch = number + 1
        state.history.append({"epoch": float(state.epoch), **found})
        self._consider(step, found)
        board.epoch(step, found, self.model)
        self._tell(step, found)
        self._save()

    def _score(self) -> dict[str, float]:
        """Loss and accuracy of the held-back items, in Keras' words."""
        if self._held_back is None:
            return {}
        found = self._stepper.score(self._held_back, self._batches)
        return {f"val_{name}": value for name, value in found.items()}

    def _numbers(self, numbers: Numbers | None) -> dict[str, float]:
        rate = float(self._optimizer.learning_rate.numpy())
        found = {"learning_rate": rate, **(numbers() if numbers is not None else {})}
        for constraint in self.constraints:
            found |= constraint.numbers()
        return found

    def _consider(self, step: int, found: Mapping[str, float]) -> None:
        """Keep the weights where they are the best in their final form; else the last ones."""
        state = self.state
        final = all(c.settled(step) for c in self.constraints)
        choose = self.plan.keep_best and "val_loss" in found
        if not (choose and final):
            if state.best_score is None:
                state.best_epoch, self._best = state.epoch, self._weights()
            return
        score = (found.get("val_accuracy", 0.0), -found["val_loss"])
        if state.best_score is None or score > state.best_score:
            state.best_score, state.best_epoch = score, state.epoch
            self._best = self._weights()
        elif 0 < self.plan.early_stop <= state.epoch - state.best_epoch:
            state.stopped = True
            state.notes.append(
                f"stopped after epoch {state.epoch}: no better one for {self.plan.early_stop}"
            )

    def _diverged(self, epoch: int) -> None:
        kept = f"epoch {self.state.best_epoch}" if self.state.best_epoch else "before training"
        self.state.stopped = True
        self.state.notes.append(
            f"the loss was not a number in epoch {epoch}: training stopped, the weights of {kept}"
            " are kept; a lower learning_rate may help"
        )

    def _finish(self) -> None:
        for variable, value in zip(self._kept(), self._best, strict=True):
            variable.assign(value)
        for constraint in self.constraints:
            constraint.finish()

    def _interrupted(self) -> str:
        done, best = self.state.epoch, self.state.best_epoch
        if not self._path.exists():
            return f"interrupted in epoch {done + 1} of {self.plan.epochs}: none was done"
        return (
            f"interrupted in epoch {done + 1} of {self.plan.epochs}: the best so far (epoch {best})"
            f" is kept in {self._path}; the same command goes on from epoch {done}"
        )

    def _tell(self, step: int, found: Mapping[str, float]) -> None:
        number = math.ceil(step / self._batches.per_epoch)
        words = f"epoch {number} of {self.plan.epochs}"
        self.context.tell(Progress(done=step, total=self.total, words=words, numbers=found))

    def _kept(self) -> list[Any]:
        return [*self.model.variables, *(v for c in self.constraints for v in c.variables())]

    def _weights(self) -> list[Array]:
        return [_array(variable) for variable in self._kept()]

    def _save(self) -> None:
        state = self.state
        groups = {
            "weights": self._weights(),
            "optimizer": [_array(variable) for variable in self._optimizer.variables],
            "best": self._best,
        }
        header = {
            "identity": self._identity,
            **{name: getattr(state, name) for name in _State.__dataclass_fields__},
        }
        try:
            save_checkpoint(self._path, groups, header)
        except OSError as e:
            state.notes.append(
                f"no checkpoint after epoch {state.epoch}: {e.strerror or e}; training went on"
            )

    def _resume(self) -> bool:
        """From a checkpoint of this very training, if there is one."""
        found = load_checkpoint(self._path)
        if found is None or found[1].get("identity") != self._identity:
            return False
        groups, header = found
        variables = [*self._kept(), *self._optimizer.variables]
        values = [*groups["weights"], *groups["optimizer"]]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self._best = groups["best"]
        self.state = _State(**{name: header[name] for name in _State.__dataclass_fields__})
        score = self.state.best_score
        self.state.best_score = None if score is None else (score[0], score[1])
        return True

    def _seed_layers(self, seed: int) -> None:
        """Dropout and the like draw from states of their own, random when a layer is made."""
        for place, variable in enumerate(self.model.variables):
            if variable.name == "seed_generator_state":
                variable.assign([seed % 2**32, place])

    def _fingerprint(self) -> str:
        """Names this training: its settings, its data's size, and the weights it starts from."""
        digest = hashlib.sha256(repr(sorted(as_table(self.plan).items())).encode())
        train = self._batches.items
        digest.update(repr([(n, a.shape, str(a.dtype)) for n, a in train.inputs.items()]).encode())
        for value in self._weights():
            digest.update(repr((value.shape, str(value.dtype))).encode())
            digest.update(value.tobytes())
        return digest.hexdigest()


def _array(variable: Any) -> Array:
    import numpy as np

    return np.array(variable.numpy())
