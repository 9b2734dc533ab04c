"""The parts of the TensorFlow.js writer, in the order a model goes through them.

``freeze``   a concrete function becomes a GraphDef without variables, simplified by grappler
``rewrite``  ops TF.js lacks, or answers wrongly, become ops it has (``einsum``, ``slicing``)
``fold``     scales and offsets (batch normalization) go into the weights before them
``fuse``     convolution or matmul + bias + activation become one op of TF.js
``inline``   what loop bodies carry and TF.js does not need is dropped
``support``  the ops that are left, against those of TF.js 4.22 and of its backends (``gaps``)
``weights``  constants become shards and a manifest, quantized where asked for
``model_json``  the GraphDef becomes ``model.json``

``read`` and ``rebuilt`` go the other way, from the folder to numbers.
"""

from edgewright_converters.tfjs_graph.rebuilt import rebuild

__all__ = ["rebuild"]
