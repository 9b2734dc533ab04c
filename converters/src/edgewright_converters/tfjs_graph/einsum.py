"""``Einsum`` as transposes, reshapes and one matrix product.

The wasm backend has no kernel for it, and the others multiply everything with everything before
they sum (tfjs-backend-cpu, kernels/Einsum.ts): attention is faster without it too. What stays as
it is: a letter twice in one term, more than two terms, integers, and sizes that can't be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.graph import Graph, attributes
from edgewright_converters.tfjs_graph.shapes import Shape, Shapes

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_SPARE = "αβγδεζηθ"  # letters for the axes behind an ellipsis
_INT32 = 3  # types.proto


@dataclass(frozen=True, slots=True)
class _Term:
    """A tensor and the letter of each of its axes."""

    tensor: str
    letters: str

    def less(self, gone: str) -> str:
        return "".join(c for c in self.letters if c not in gone)


def rewrite_einsums(graph: Graph, shapes: Shapes) -> None:
    for node in graph:
        if node.op == "Einsum":
            _Rewriter(graph, node).rewrite(shapes)


class _Rewriter:
    """One node at a time: the names and types of what is added come from it."""

    def __init__(self, graph: Graph, node: NodeDef) -> None:
        self._graph, self._node = graph, node
        self._type = node.attr["T"].type
        self._sizes: Mapping[str, int | None] = {}
        self._axes: Mapping[str, tuple[str, int]] = {}

    def rewrite(self, shapes: Shapes) -> None:
        read = _read(self._node, [shapes.of(name) for name in self._node.input])
        if read is None or not _is_float(self._type):
            return
        terms, out, self._sizes = read
        self._axes = {c: (t.tensor, i) for t in terms for i, c in enumerate(t.letters)}
        made = (
            self._single(terms[0], out) if len(terms) == 1 else self._pair(terms[0], terms[1], out)
        )
        if made is not None and made.tensor != terms[0].tensor:
            self._graph.take_over(self._node, made.tensor)

    def _single(self, term: _Term, out: str) -> _Term:
        return self._transposed(self._summed(term, out), out)

    def _pair(self, left: _Term, right: _Term, out: str) -> _Term | None:
        both = "".join(c for c in left.letters if c in right.letters)
        batch = "".join(c for c in out if c in both)
        inner = "".join(c for c in both if c not in out)
        rows = "".join(c for c in out if c in left.letters and c not in both)
        columns = "".join(c for c in out if c in right.letters and c not in both)
        result = _Term("", batch + rows + columns)
        shaped = ([*batch, rows, inner], [*batch, inner, columns], [*result.letters])
        if not (len(rows) == len(columns) == len(inner) == 1 or all(map(self._shapable, shaped))):
            return None
        left, right = (self._summed(term, out + both) for term in (left, right))
        turned = (left.letters == batch + inner + rows, right.letters == batch + columns + inner)
        operands = [
            self._matrix(left, batch, inner if turned[0] else rows, rows if turned[0] else inner),
            self._matrix(
                right, batch, columns if turned[1] else inner, inner if turned[1] else columns
            ),
        ]
        like = attributes(T=self._type, adj_x=turned[0], adj_y=turned[1])
        tensor = self._add("MatMul", "BatchMatMulV2", operands, like)
        if not len(rows) == len(columns) == 1:
            tensor = self._reshaped(tensor, list(result.letters))
        return self._transposed(replace(result, tensor=tensor), out)

    def _matrix(self, term: _Term, batch: str, rows: str, columns: str) -> str:
        """The operand as matrices: every letter of a side in one axis."""
        ordered = self._transposed(term, batch + rows + columns)
        if len(rows) == len(columns) == 1:
            return ordered.tensor
        return self._reshaped(ordered.tensor, [*batch, rows, columns])

    def _summed(self, term: _Term, kept: str) -> _Term:
        """Without the letters that only this term has."""
        axes = [i for i, c in enumerate(term.letters) if c not in kept]
        if not axes:
            return term
        inputs = [term.tensor, self._constant("axes", axes)]
        like = attributes(T=self._type, Tidx=_INT32, keep_dims=False)
        left = "".join(c for c in term.letters if c in kept)
        return _Term(self._add("Sum", "Sum", inputs, like), left)

    def _transposed(self, term: _Term, wanted: str) -> _Term:
        if term.letters == wanted:
            return term
        order = self._constant("perm", [term.letters.index(c) for c in wanted])
        like = attributes(T=self._type, Tperm=_INT32)
        return _Term(self._add("transpose", "Transpose", [term.tensor, order], like), wanted)

    def _reshaped(self, tensor: str, groups: Sequence[str]) -> str:
        sizes = [self._size(group) for group in groups]
        free = self._free(groups)
        plain = [-1 if group == free else size for group, size in zip(groups, sizes, strict=True)]
        known = [size for size in plain if size is not None]
        if len(known) == len(plain):
            shape = self._constant("shape", known)
        else:
            shape = self._measured(groups, plain)
        like = attributes(T=self._type, Tshape=_INT32)
        return self._add("Reshape", "Reshape", [tensor, shape], like)

    def _free(self, groups: Sequence[str]) -> str:
        """The group whose size is left to the rest: of those unknown, one of several letters."""
        unknown = [group for group in groups if self._size(group) is None]
        return max(reversed(unknown), key=len, default="none")

    def _measured(self, groups: Sequence[str], sizes: Sequence[int | None]) -> str:
        """The shape, with sizes that only the run knows: those of the operands' own axes."""
        entries = []
        for group, size in zip(groups, sizes, strict=True):
            if size is not None:
                entries.append(self._constant("size", size))
                continue
            tensor, axis = self._axes[group]
            like = attributes(T=self._type)
            like.attr["out_type"].type = _INT32
            shape = self._add("Shape", "Shape", [tensor], like)
            limits = [self._constant("axis", [n]) for n in (axis, axis + 1, 1)]
            like = attributes(T=_INT32, shrink_axis_mask=1)
            like.attr["Index"].type = _INT32
            entries.append(self._add("size", "StridedSlice", [shape, *limits], like))
        return self._add("shape", "Pack", entries, attributes(T=_INT32, N=len(entries), axis=0))

    def _shapable(self, groups: Sequence[str]) -> bool:
        """One size may be left to the rest; what else is unknown must be an axis of its own."""
        free = self._free(groups)
        return all(len(g) == 1 or g == free or self._size(g) is not None for g in groups)

    def _size(self, group: str) -> int | None:
        sizes = [self._sizes[letter] for letter in group]
        known = [size for size in sizes if size is not None]
        return prod(known) if len(known) == len(sizes) else None

    def _add(self, name: str, op: str, inputs: Sequence[str], like: NodeDef) -> str:
        return self._graph.add_node(f"{self._node.name}/{name}", op, inputs, attrs_of=like)

    def _constant(self, name: str, values: int | Sequence[int]) -> str:
        return self._graph.add_constant(f"{self._node.name}/{name}", np.array(values, np.int32))


def _read(
    node: NodeDef, shapes: Sequence[Shape | None]
) -> tuple[list[_Term], str, dict[str, int | None]] | None:
    """The terms, the letters of the result and the size of each; ``None`` where it can't be."""
    given, _, out = node.attr["equation"].s.decode().replace(" ", "").partition("->")
    terms: list[_Term] = []
    sizes: dict[str, int | None] = {}
    ellipsis = ""
    for tensor, written, shape in zip(node.input, given.split(","), shapes, strict=True):
        if shape is None or len(terms) == 2:
            return None
        spare = _SPARE[len(_SPARE) - (len(shape) - len(written.replace("...", ""))) :]
        letters = written.replace("...", spare)
        ellipsis = max(ellipsis, spare if "..." in written else "", key=len)
        if len(letters) != len(shape) or len(set(letters)) < len(letters):
            return None
        for letter, size in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, size) not in (None, size) and size is not None:
                return None  # broadcast within the equation
            sizes[letter] = sizes[letter] or size
        terms.append(_Term(tensor, letters))
    return terms, out.replace("...", ellipsis), sizes


def _is_float(dtype: int) -> bool:
    from tensorflow.python.framework import dtypes

    return bool(dtypes.as_dtype(dtype).is_floating)
