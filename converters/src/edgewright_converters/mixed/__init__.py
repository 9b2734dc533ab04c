"""Mixed precision: which tensors of a float artifact stay float, or go to 16 bits."""
