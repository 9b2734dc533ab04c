"""The demo: real handwritten digits, a small net, the whole job from one plan."""
