"""``load`` and ``Model``: what an app needs of a model, in two lines.

    model = load("digits.tflite")
    scores = model.predict(image)

``predict`` takes real values (raw ones where the contract declares a preprocessing), one item or
a batch; ``predict_raw`` takes what the file takes, and adds a lock and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from edgewright_runtimes.errors import ArtifactError, BadInput
from edgewright_runtimes.feeds import InputReader, by_name
from edgewright_runtimes.locate import SUFFIXES, choose_runtime, find_model
from edgewright_runtimes.results import OutputReader
from edgewright_runtimes.runtime import SessionOptions, open_session
from edgewright_runtimes.turn import make_turn

if TYPE_CHECKING:
    from edgewright_runtimes.raw_items import RawReader
    from edgewright_runtimes.records import Contract, TensorSpec
    from edgewright_runtimes.runtime import Array, Arrays, Session

    Shape = tuple[int | None, ...]
    Short = tuple[str, Shape, Shape, Callable[[Array], Array], str, Callable[[Array, bool], Array]]

CHUNK = 256  # items in one run at most: memory follows the chunk, not the batch
NO_BATCH = 0  # the first axes of the inputs are no common batch: shapes are taken as they stand


def load(path: str | Path, runtime: str | None = None, threads: int | None = None) -> Model:
    """Open a model: a ``.tflite`` or ``.onnx`` file, an artifact's folder, or a bundle of one.

    ``runtime`` is a name of ``RUNTIMES``; without it, the first that is installed and runs the
    format. ``threads`` is 1 where it is not given, as in every measurement.
    Raises ``BadInput`` for a path that is no model, ``UnknownName``, ``MissingExtra``, and
    ``ArtifactError`` with the runtime's reason where it refuses the file.
    """
    file, kind = find_model(Path(path))
    options = SessionOptions(threads=1 if threads is None else threads)
    session = open_session(file, choose_runtime(kind, runtime), options=options)
    try:
        return Model(file, session, _read_contract(file))
    except BaseException:
        session.close()
        raise


class Model:
    """A model ready for use, from any number of threads: calls wait for each other.

    Each item that is predicted meets a stateful model fresh; ``predict_raw`` carries the state
    on until ``reset``.
    """

    def __init__(self, path: Path, session: Session, contract: Contract | None) -> None:
        self.path = path
        self.inputs: tuple[TensorSpec, ...] = tuple(session.inputs)
        self.outputs: tuple[TensorSpec, ...] = tuple(session.outputs)
        self.contract = contract
        self._session = session
        self._reset = session.reset
        self._turn: AbstractContextManager[object, None] = make_turn()
        self._batch = _batch_of(self.inputs, contract)
        self._chunk = CHUNK if self._batch is None else self._batch
        self._readers = [InputReader(spec) for spec in self.inputs]
        self._writers = [OutputReader(spec, self._batch) for spec in self.outputs]
        self._raw = _raw_reader(contract, self.inputs)
        self._short = self._find_short()

    def _find_short(self) -> Short | None:
        """What the short way of ``predict`` needs: one input and output, and no preprocessing."""
        one_each = len(self._readers) == len(self._writers) == 1
        if not one_each or self._raw is not None or self._batch not in (None, 1):
            return None
        into, out = self._readers[0], self._writers[0]
        return into.name, into.item, into.batch_of_one, into.convert, out.name, out.finish

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the output; empty where none are stored."""
        return self.contract.labels if self.contract else ()

    def predict(self, x: object) -> Any:  # a union would make every app write a cast
        """Real values in, real values out, whatever the file computes in.

        ``x`` is one item (the input's shape without its first axis) or a batch of them; a dict
        by name where there are several inputs. Where the contract declares a preprocessing, ``x``
        is raw: pixels, say. Integer inputs (ids) stay integers; quantized ones take real numbers.
        Returns one array, or a dict by name where there are several outputs; for one item
        without the batch axis. Raises ``BadInput`` for a wrong name, shape or dtype and for NaN.
        """
        if self._short is None or type(x) is not np.ndarray:
            return self._predict(x)
        name, item, batch_of_one, convert, out_name, finish = self._short
        shape = x.shape  # the short way of most calls, two microseconds faster
        single = shape == item
        if not single and shape != batch_of_one:
            return self._predict(x)
        feeds = {name: convert(x[None] if single else x)}
        with self._turn:
            self._reset()
            result = self._session.run(feeds)[out_name]
        return finish(result, single)

    def _predict(self, x: object) -> Any:
        """Any input that ``predict`` takes."""
        readers = self._readers
        values = by_name(readers, x)
        if self._raw is not None:
            values = self._raw.read(values)
        if self._batch == NO_BATCH:
            exact = [r.read_exact(v) for r, v in zip(readers, values, strict=True)]
            return self._finish(self._once(self._named(exact)), single=False)
        if len(readers) == 1:
            feed, single = readers[0].read(values[0])
            feeds, count = {readers[0].name: feed}, len(feed)
        else:
            feeds, count, single = self._together(values)
        if count == self._batch or (count == 1 and self._batch is None):
            return self._finish(self._once(feeds), single)
        return self._finish(self._many(feeds, count), single)

    def predict_raw(self, feeds: Arrays) -> Arrays:
        """Arrays by name in the file's own dtypes and shapes, both ways; no item is reset.

        At most a microsecond over the bare runtime. Raises as ``Session.run`` does.
        """
        with self._turn:
            return self._session.run(feeds)

    def reset(self) -> None:
        """Forget what a stateful model carries from one ``predict_raw`` to the next."""
        with self._turn:
            self._reset()

    def in_force(self) -> Mapping[str, str]:
        """What really runs it: the runtime and its version, threads, delegate."""
        with self._turn:
            return self._session.in_force()

    def close(self) -> None:
        """Give the runtime's memory back; every later call raises ``ArtifactError``."""
        if isinstance(self._turn, _Closed):
            return
        with self._turn:
            self._session.close()
            self._turn = _Closed(self.path)

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _named(self, values: Sequence[Array]) -> dict[str, Array]:
        return {r.name: v for r, v in zip(self._readers, values, strict=True)}

    def _together(self, values: Sequence[object]) -> tuple[dict[str, Array], int, bool]:
        """Several inputs: all single items, or batches of one length."""
        read = [r.read(v) for r, v in zip(self._readers, values, strict=True)]
        sizes = {
            r.name: None if single else len(v)
            for r, (v, single) in zip(self._readers, read, strict=True)
        }
        if len(set(sizes.values())) > 1:
            given = ", ".join(f"{n!r} {'one item' if k is None else k}" for n, k in sizes.items())
            raise BadInput(f"inputs of different lengths: {given}; expected as many items in each")
        return self._named([v for v, _ in read]), len(read[0][0]), read[0][1]

    def _once(self, feeds: Arrays) -> Arrays:
        with self._turn:
            self._reset()
            return self._session.run(feeds)

    def _many(self, feeds: Arrays, count: int) -> Arrays:
        """A batch in as few runs as the file allows, each output put together again."""
        if count == 0:
            raise BadInput("a batch of 0 items; expected at least one")
        if self._batch is not None and count % self._batch:
            raise BadInput(f"a batch of {count} items; this file takes {self._batch} at a time")
        parts = []
        start = 0
        while start < count:
            stop = min(start + self._chunk, count)
            part = self._try_chunk({n: v[start:stop] for n, v in feeds.items()}, stop - start)
            if part is not None:
                parts.append(part)
                start = stop
        return {w.name: w.join([part[w.name] for part in parts]) for w in self._writers}

    def _try_chunk(self, feeds: Arrays, count: int) -> Arrays | None:
        """One run. None: the graph has a batch of 1 built in, from now on it gets one by one."""
        follows = self._batch is not None or count == 1
        try:
            results = self._once(feeds)
        except ArtifactError:
            if follows:
                raise
        else:
            if follows or all(w.follows(results[w.name], count) for w in self._writers):
                return results
        self._chunk = 1
        return None

    def _finish(self, results: Arrays, single: bool) -> Array | dict[str, Array]:
        if len(self._writers) == 1:
            return self._writers[0].finish(results[self._writers[0].name], single)
        return {w.name: w.finish(results[w.name], single) for w in self._writers}


class _Closed(AbstractContextManager[None, None]):
    """The turn that nobody gets: the model's memory is given back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> NoReturn:
        raise ArtifactError(f"{self._path}: this model is closed", hint="load it again")

    def __exit__(self, *error: object) -> None: ...


def _read_contract(file: Path) -> Contract | None:
    if file.suffix.lower() not in SUFFIXES:
        return None  # a TFLite file under another name is none of ours
    from edgewright_runtimes.contract import read_contract

    return read_contract(file)


def _raw_reader(contract: Contract | None, inputs: Sequence[TensorSpec]) -> RawReader | None:
    if contract is None or not contract.preprocess:
        return None
    from edgewright_runtimes.raw_items import RawReader

    return RawReader(contract.preprocess, inputs)


def _batch_of(inputs: Sequence[TensorSpec], contract: Contract | None) -> int | None:
    """The batch of one run: None where it is free, ``NO_BATCH`` where inputs have none in common.

    A first axis of 1 is taken for a batch; another number only where the contract says so.
    """
    first = {spec.shape[0] if spec.shape else NO_BATCH for spec in inputs}
    if len(first) != 1:
        return NO_BATCH
    batch = first.pop()
    if batch in (None, 1) or (contract is not None and contract.batch == batch):
        return batch
    return NO_BATCH
