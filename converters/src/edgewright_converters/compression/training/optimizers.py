"""Keras' optimizer and learning-rate schedule for a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgewright_converters.compression.training.plan import FinetunePlan


def make_optimizer(plan: FinetunePlan, total_steps: int) -> Any:
    """``total_steps`` is where the schedule ends."""
    import keras

    rate = _schedule(plan, total_steps)
    clipnorm = plan.clipnorm or None
    if plan.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=plan.momentum, clipnorm=clipnorm)
    if plan.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=plan.weight_decay, clipnorm=clipnorm)
    return keras.optimizers.Adam(rate, clipnorm=clipnorm)


def _schedule(plan: FinetunePlan, total_steps: int) -> Any:
    import keras

    schedules = keras.optimizers.schedules
    first, steps = plan.learning_rate, max(1, total_steps - plan.warmup_steps)
    decayed: Any = first
    if plan.schedule == "cosine":
        decayed = schedules.CosineDecay(first, steps)
    elif plan.schedule == "exponential":
        decayed = schedules.ExponentialDecay(first, steps, plan.decay_rate)
    elif plan.schedule == "polynomial":
        decayed = schedules.PolynomialDecay(first, steps, end_learning_rate=0.0, power=plan.power)
    return _warmed_up(decayed, plan) if plan.warmup_steps else decayed


def _warmed_up(decayed: Any, plan: FinetunePlan) -> Any:
    import keras

    class WarmedUp(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        """In a straight line to the learning rate, then the schedule from its beginning."""

        def __call__(self, step: Any) -> Any:
            taken = keras.ops.cast(step, "float32")
            after = taken - plan.warmup_steps
            later = decayed(after) if callable(decayed) else decayed
            rising = plan.learning_rate * (taken + 1) / plan.warmup_steps
            return keras.ops.where(after < 0, rising, later)

    return WarmedUp()
