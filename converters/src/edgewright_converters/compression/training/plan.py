"""The ``finetune`` table of a recipe: how long, how fast, and what is learnt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgewright_runtimes.errors import BadInput

Teacher = Literal["auto", "labels", "original", "both", "before", "labels+before"]


@dataclass(frozen=True, kw_only=True)
class FinetunePlan:
    """The words are Keras' own where it has them.

    ``teacher`` is whom the model learns from: ``labels``, the ``original`` model (distillation: no
    label is read), or ``both``; the model as it came into the step, ``before`` (what earlier steps
    taught it is not lost), or ``labels+before``; ``auto`` is the labels where the data has them.
    ``loss`` is a Keras loss (``categorical_crossentropy``), or ``auto``: by the model's output.
    """

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine", "exponential", "polynomial"] = "cosine"
    decay_rate: float = 0.01  # exponential: the last learning rate as a share of the first
    power: float = 1.0  # polynomial
    warmup_steps: int = 0  # from nothing up to the learning rate, in a straight line
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    momentum: float = 0.9  # sgd
    weight_decay: float = 0.004  # adamw
    clipnorm: float = 0.0  # of each gradient; 0: not clipped
    teacher: Teacher = "auto"
    temperature: float = 4.0  # softens both models' classes: Hinton et al. 2015
    distillation_weight: float = 0.5  # the teaching model's share of the loss, beside labels
    loss: str = "auto"
    early_stop: int = 0  # epochs without a better one on held-back items; 0: never
    keep_best: bool = True  # of the epochs, by held-back items; without them it is the last
    seed: int | None = None  # the run's own where none is given
    shuffle: bool = True

    def __post_init__(self) -> None:
        _at_least("epochs", self.epochs, 0)
        _at_least("batch_size", self.batch_size, 1)
        _at_least("early_stop", self.early_stop, 0)
        _at_least("warmup_steps", self.warmup_steps, 0)
        for name in ("learning_rate", "temperature", "power"):
            _positive(name, getattr(self, name))
        for name in ("momentum", "distillation_weight", "decay_rate"):
            _share(name, getattr(self, name))
        for name in ("weight_decay", "clipnorm"):
            _at_least(name, getattr(self, name), 0)
        if self.schedule == "exponential" and self.decay_rate == 0:
            raise BadInput("decay_rate is 0; an exponential schedule never gets there")


def _at_least(name: str, value: float, least: int) -> None:
    if not (value >= least and math.isfinite(value)):
        raise BadInput(f"{name} is {value}; {least} or more was expected")


def _positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise BadInput(f"{name} is {value}; more than 0 was expected")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise BadInput(f"{name} is {value}; 0 to 1 was expected")
