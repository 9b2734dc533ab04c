"""The parts of the ONNX writer."""
