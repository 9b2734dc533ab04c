"""Quantization-aware training: labels of the trained graph, of LiteRT and of ONNX Runtime.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_qat.py [--epochs N] [--seeds N] [--work DIR]

ResNet8 and a MobileNet-like net, trained on cifar10_train20k, compared over the 10,000 test images.
To reach: each file agrees with the trained graph on 99.9 %, the two with one another on 99.95 %.
With EDGEWRIGHT_TFMOT_PYTHON, whose interpreter has TFMOT 0.8.1, that one trains ResNet8 as long at
the same rate, and its TFLite file is compared with its trained graph.
Rows that were measured are kept in the work folder.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from compress_nets import accuracy, add_work, cifar10, trained_mobile_net
from compress_prune import run_peer
from machine import describe_machine

RATE = 1e-4  # of TFMOT's row: the default of our step


def resnet8(_: Path) -> Any:
    from edgewright_converters.sources import open_source

    path = Path(os.environ["EDGEWRIGHT_REAL"]) / "mlperf_tiny" / "pretrainedResnet.h5"
    return open_source(path).as_keras()


NETS = {"ResNet8": (resnet8, False), "MobileNet-like": (trained_mobile_net, True)}


def run_files(model: Any, ranges: Any, folder: Path, x: Any) -> tuple[Any, Any]:
    """What the TFLite int8 file gives in LiteRT, and the ONNX one in ONNX Runtime."""
    import numpy as np
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    from edgewright_converters.formats import onnx, tflite
    from edgewright_converters.formats.format import WriteRequest
    from edgewright_converters.sources.keras_models import source_of_keras3
    from edgewright_runtimes.records import Variant

    source = source_of_keras3(model)
    for writer, name, batch in ((tflite, "tflite", 1), (onnx, "onnx", None)):
        variant = Variant(format=name, scheme="int8")
        writer.write(source, WriteRequest(variant=variant, batch=batch, ranges=ranges), folder)
    interpreter = Interpreter(model_path=str(folder / "model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    made = interpreter.get_output_details()[0]["index"]
    rows = []
    for item in x:
        interpreter.set_tensor(given, item[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(made)[0])
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: x[i : i + 250]})[0] for i in range(0, len(x), 250)]
    return np.array(rows), np.concatenate(parts)


def flip(item: Any, generator: Any) -> Any:
    return item[:, ::-1] if generator.random() < 0.5 else item


def measure(net: str, epochs: int, seed: int, work: Path) -> dict[str, float]:
    from edgewright_converters.compression.context import Context, Items
    from edgewright_converters.compression.qat.graph import with_ranges
    from edgewright_converters.compression.qat.step import Qat, QatFinetune, apply

    make, centred = NETS[net]
    model, folder = make(work), work / f"qat-{net}-{epochs}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    train, test = cifar10("train20k", centred=centred), cifar10("test", centred=centred)
    context = Context(
        train=Items(inputs={"image": train.x}, labels=train.y),
        held_back=None,
        original=model,
        folder=folder,
        seed=seed,
        augment=flip,
    )
    result = apply(model, Qat(finetune=QatFinetune(epochs=epochs)), context)
    graph = with_ranges(result.model, result.ranges, pooling="kernel")
    trained = graph.predict(test.x, batch_size=250, verbose=0)
    lite, ort = run_files(result.model, result.ranges, folder, test.x)
    return {
        "source": accuracy(model.predict(test.x, batch_size=250, verbose=0), test.y),
        "trained": accuracy(trained, test.y),
        "litert": accuracy(lite, trained.argmax(axis=1)),
        "onnxruntime": accuracy(ort, trained.argmax(axis=1)),
        "pair": accuracy(ort, lite.argmax(axis=1)),
    }


def tfmot(work: Path, epochs: int, python: str) -> dict[str, float]:
    """Accuracy of TFMOT's trained graph, and how often its file says the same. Kept in ``work``."""
    kept = work / f"compress_qat_tfmot-{epochs}.json"
    if not kept.exists():
        found = run_peer(python, "qat", epochs, 20_000, 0, augment=True, rate=RATE, file=True)
        kept.write_text(json.dumps({name: found[name] for name in ("accuracy", "agreement")}))
    peer: dict[str, float] = json.loads(kept.read_text())
    return peer


def main() -> None:
    parser = argparse.ArgumentParser(description="What was trained is what the files hold.")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--nets", default=",".join(NETS))
    add_work(parser)
    given = parser.parse_args()
    kept = given.work / "compress_qat.json"
    python = os.environ.get("EDGEWRIGHT_TFMOT_PYTHON")
    rows: dict[str, dict[str, float]] = json.loads(kept.read_text()) if kept.exists() else {}
    for net in given.nets.split(","):
        for seed in range(given.seeds):
            name = f"{net}, {given.epochs} epochs, seed {seed}"
            if name not in rows:
                rows[name] = measure(net, given.epochs, seed, given.work)
                kept.write_text(json.dumps(rows))
    words = "not measured (EDGEWRIGHT_TFMOT_PYTHON is not set)"
    if python:
        peer = tfmot(given.work, given.epochs, python)
        words = f"{peer['accuracy']:.2f} %, its TFLite file = its graph {peer['agreement']:.2f} %"
    print("## Quantization-aware training: what was trained is what the files hold\n")
    print(f"{describe_machine('tensorflow', 'ai-edge-litert', 'onnxruntime')}; 10,000 images\n")
    print(f"TFMOT 0.8.1, ResNet8, {given.epochs} epochs, seed 0: trained graph {words}\n")
    print(
        "| net | source % | trained graph % | LiteRT = graph | ORT = graph | both files | reached |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        reached = min(row["litert"], row["onnxruntime"]) >= 99.9 and row["pair"] >= 99.95
        print(
            f"| {name} | {row['source']:.2f} | {row['trained']:.2f} | {row['litert']:.2f}"
            f" | {row['onnxruntime']:.2f} | {row['pair']:.2f} | {'yes' if reached else 'no'} |"
        )


if __name__ == "__main__":
    main()
