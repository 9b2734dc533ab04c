"""What a TensorFlow graph holds: its operations, those inside functions and loops included."""

from __future__ import annotations

from typing import Any

_STATE = ("BlockLSTM", "CudnnRNN", "GRUBlock", "LSTMBlock", "TensorList", "UnidirectionalSequence")
_LOOPS = frozenset({"While", "StatelessWhile", "Enter"})


def op_types(graph_def: Any) -> frozenset[str]:
    nodes = {node.op for node in graph_def.node}
    for function in graph_def.library.function:
        nodes.update(node.op for node in function.node_def)
    return frozenset(nodes)


def holds_state(operations: frozenset[str]) -> bool:
    """True for the loops and fused kernels that recurrent layers become.

    A loop need not be recurrent, but resetting what has no state costs nothing, and an LSTM
    that is not reset between items answers wrongly.
    """
    return any(op in _LOOPS or op.startswith(_STATE) for op in operations)
