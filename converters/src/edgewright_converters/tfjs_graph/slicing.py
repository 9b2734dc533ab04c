"""Slices and bands that TF.js 4.22 answers wrongly, in terms of what it does rightly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgewright_converters.tfjs_graph.graph import Graph, Values, attributes, scalar
from edgewright_converters.tfjs_graph.shapes import Shapes

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_BOOL = 10  # types.proto


def rewrite_slices(graph: Graph, shapes: Shapes) -> None:
    for node in graph:
        if node.op == "StridedSlice":
            _take_axes_out_later(graph, node, shapes)
        elif node.op == "MatrixBandPart":
            _band_by_mask(graph, node, shapes)


def _take_axes_out_later(graph: Graph, node: NodeDef, shapes: Shapes) -> None:
    """``x[:, ::2, 0]`` as ``x[:, ::2, 0:1]`` without its last axis.

    TF.js drops an axis that is taken out before it walks along the strides, so that the next
    axis gets its stride (tfjs-core, ops/slice_util.ts).
    """
    shrunk = node.attr["shrink_axis_mask"].i
    if not shrunk or not all(map(graph.is_constant, node.input[1:4])):
        return
    begin, end, strides = (graph.values(name).copy() for name in node.input[1:4])
    axes = _axes_taken_out(node, len(begin), shapes)
    if np.all(strides == 1) or axes is None:
        return
    masks = {name: node.attr[f"{name}_mask"].i for name in ("begin", "end")}
    for i in range(len(begin)):
        if shrunk >> i & 1:
            end[i], strides[i] = begin[i] + 1, 1
            masks["begin"] &= ~(1 << i)
            masks["end"] = masks["end"] & ~(1 << i) | (1 << i if begin[i] == -1 else 0)
    limits = [
        graph.add_constant(f"{node.name}/{name}", values)
        for name, values in (("begin", begin), ("end", end), ("strides", strides))
    ]
    whole = graph.add_node(f"{node.name}/slice", "StridedSlice", [node.input[0], *limits], node)
    made = graph.nodes[whole]
    made.attr["shrink_axis_mask"].i = 0
    for name, mask in masks.items():
        made.attr[f"{name}_mask"].i = mask
    like = attributes(T=node.attr["T"].type)
    like.attr["squeeze_dims"].list.i.extend(axes)
    graph.replace(node, "Squeeze", [whole], attrs_of=like)


def _axes_taken_out(node: NodeDef, count: int, shapes: Shapes) -> list[int] | None:
    """Where the axes that are taken out are in the slice before; ``None`` where it can't be told.

    An entry of the specification is an axis of the result; an ellipsis is all that are left.
    """
    ellipsis, new = node.attr["ellipsis_mask"].i, node.attr["new_axis_mask"].i
    shape = shapes.of(node.input[0])
    if ellipsis and shape is None:
        return None
    rank = len(shape or ())
    axis, axes = 0, []
    for i in range(count):
        if ellipsis >> i & 1:
            axis += rank - (count - 1 - new.bit_count())
            continue
        if node.attr["shrink_axis_mask"].i >> i & 1 and not new >> i & 1:
            axes.append(axis)
        axis += 1
    return axes


@dataclass(frozen=True, slots=True)
class _Band:
    lower: int
    upper: int

    def mask(self, rows: int, columns: int) -> Values:
        below = np.subtract.outer(np.arange(rows), np.arange(columns))
        kept_below = (self.lower < 0) | (below <= self.lower)
        return kept_below & ((self.upper < 0) | (-below <= self.upper))


def _band_by_mask(graph: Graph, node: NodeDef, shapes: Shapes) -> None:
    """The causal mask of attention, among others: the band as a constant where the size is known.

    TF.js reads the upper bound from where the lower one is (tfjs-converter, op_list/matrices.ts).
    """
    shape = shapes.of(node.input[0])
    if not shape or None in shape[-2:] or not all(map(graph.is_constant, node.input[1:3])):
        return
    band = _Band(*(int(graph.values(name)) for name in node.input[1:3]))
    if band.lower == band.upper:
        return
    rows, columns = shape[-2:]
    mask = graph.add_constant(f"{node.name}/mask", band.mask(rows or 0, columns or 0))
    dtype = node.attr["T"].type
    if dtype == _BOOL:
        graph.replace(node, "LogicalAnd", [node.input[0], mask], attrs_of=attributes())
        return
    zero = scalar(graph, node, 0, dtype)
    like = attributes(T=dtype)
    graph.replace(node, "SelectV2", [mask, node.input[0], zero], attrs_of=like)
