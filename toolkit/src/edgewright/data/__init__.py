"""Data sets by a word on the command line, streamed; and the preprocessing they go through."""

from edgewright.data.dataset import Batch, DataSet
from edgewright.data.opening import open_data
from edgewright.data.preprocess_file import load_preprocess

__all__ = ["Batch", "DataSet", "load_preprocess", "open_data"]
