"""Make the tiny models of this folder: ``python tests/runtimes/models/make_plain.py``.

``plain/`` is one dense layer, 4 -> 3, in each format, as other tools would write it.
``contract/`` is the same with the contract of ``CONTRACT`` inside. They are kept, so that what
was once written stays readable, and so that tests with numpy alone have something to read.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from edgewright_runtimes.records import Contract, TensorSpec

HERE = Path(__file__).parent
NAMES = ("model.tflite", "model.onnx", "model.json")
CONTRACT = Contract(
    inputs=(TensorSpec(name="x", dtype="float32", shape=(None, 4)),),
    outputs=(TensorSpec(name="y", dtype="int8", shape=(None, 3), scale=0.5, zero_point=-3),),
    batch=None,
    scheme="float32",
    preprocess={"scale": 0.5, "mean": [1.0, 2.0, 3.0, 4.0], "std": 2.0},
    labels=("null", "eins", "zwei ü"),
    provenance={"source_sha256": "0" * 64},
    goldens_sha256="1" * 64,
    stateful=True,
)
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)


def tflite_model(weights: np.ndarray) -> bytes:
    """A FULLY_CONNECTED of [in, out] weights, with a signature of x and y."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    transposed = np.ascontiguousarray(weights.T)
    width, units = weights.shape
    float32 = schema.TensorType.FLOAT32
    shapes = {"in:0": [1, width], "w": [units, width], "out:0": [1, units]}
    tensors = [
        schema.TensorT(name=n.encode(), shape=s, type=float32, buffer=1 if n == "w" else 0)
        for n, s in shapes.items()
    ]
    for tensor in (tensors[0], tensors[2]):
        tensor.shapeSignature = [-1, tensor.shape[1]]
    op = schema.OperatorT(
        inputs=[0, 1, -1],
        outputs=[2],
        builtinOptionsType=schema.BuiltinOptions.FullyConnectedOptions,
        builtinOptions=schema.FullyConnectedOptionsT(),
    )
    dense = schema.BuiltinOperator.FULLY_CONNECTED
    model = schema.ModelT(
        version=3,
        description=b"by hand",
        operatorCodes=[schema.OperatorCodeT(builtinCode=dense, deprecatedBuiltinCode=dense)],
        subgraphs=[schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[2], operators=[op])],
        buffers=[schema.BufferT(), schema.BufferT(data=transposed.view(np.uint8).ravel())],
        signatureDefs=[
            schema.SignatureDefT(
                signatureKey=b"serving_default",
                inputs=[schema.TensorMapT(name=b"x", tensorIndex=0)],
                outputs=[schema.TensorMapT(name=b"y", tensorIndex=2)],
            )
        ],
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def onnx_model(weights: np.ndarray) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", weights.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opset, producer_name="by hand")
    model.metadata_props.add(key="author", value="nobody")
    return model.SerializeToString()


def tfjs_model(weights: np.ndarray) -> dict[str, object]:
    def tensor(name: str, *dims: int) -> dict[str, object]:
        shape = {"dim": [{"size": str(d)} for d in dims]}
        return {"name": f"{name}:0", "dtype": "DT_FLOAT", "tensorShape": shape}

    real = {"type": "DT_FLOAT"}
    width, units = weights.shape
    shape = {"dim": [{"size": "-1"}, {"size": str(width)}]}
    nodes = [
        {"name": "w", "op": "Const", "attr": {"dtype": real}},
        {"name": "x", "op": "Placeholder", "attr": {"dtype": real, "shape": {"shape": shape}}},
        {"name": "y", "op": "MatMul", "input": ["x", "w"], "attr": {"T": real}},
    ]
    manifest = {"name": "w", "shape": [width, units], "dtype": "float32"}
    return {
        "format": "graph-model",
        "generatedBy": "by hand",
        "signature": {
            "inputs": {"x": tensor("x", -1, width)},
            "outputs": {"y": tensor("y", -1, units)},
        },
        "modelTopology": {"node": nodes, "versions": {"producer": 1}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": [manifest]}],
        "userDefinedMetadata": {"theirs": {"kept": True}},
    }


def main() -> None:
    from edgewright_converters.embed import embed_contract

    plain, ours = HERE / "plain", HERE / "contract"
    (plain / "model.tflite").write_bytes(tflite_model(WEIGHTS))
    (plain / "model.onnx").write_bytes(onnx_model(WEIGHTS))
    (plain / "model.json").write_text(json.dumps(tfjs_model(WEIGHTS)) + "\n")
    (plain / "weights.bin").write_bytes(WEIGHTS.tobytes())
    shutil.copytree(plain, ours, dirs_exist_ok=True)
    for name in NAMES:
        embed_contract(ours / name, CONTRACT)


if __name__ == "__main__":
    main()
