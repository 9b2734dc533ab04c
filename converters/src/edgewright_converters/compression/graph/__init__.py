"""A Keras 3 model as a flat list of calls, and back."""
