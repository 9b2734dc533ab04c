"""From a model to a bundle of verified artifacts: planning, building keys, children, goldens."""
