from __future__ import annotations

import pytest

from edgewright_converters.tfjs_graph.kernels import graph_ops
from edgewright_converters.tfjs_graph.support import layer_of

LAYERS = frozenset({"gelu", "dense_1", "model"})


@pytest.mark.parametrize(
    ("node", "layer"),
    [
        ("functional_1/gelu_1/Erfc", "gelu"),
        ("functional_1/dense_1/MatMul", "dense_1"),
        ("StatefulPartitionedCall/model_1/gelu/Gelu/Erfc", "gelu"),
        ("StatefulPartitionedCall/other/Erfc", "other"),
        ("Erfc", "Erfc"),
    ],
)
def test_a_node_leads_back_to_its_layer(node: str, layer: str) -> None:
    assert layer_of(node, LAYERS) == layer


def test_the_list_of_ops_knows_erf_and_not_erfc() -> None:
    assert {"Erf", "_FusedConv2D", "While", "Prelu"} <= graph_ops()
    assert not {"Erfc", "RaggedGather", "Lgamma"} & graph_ops()
