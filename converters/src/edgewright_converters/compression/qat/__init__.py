"""Quantization-aware training: a graph that computes what the int8 artifacts will compute."""
