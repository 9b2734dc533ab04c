"""A kernel's values in so many groups, found in one of TFMOT's ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Start = Literal["kmeans++", "linear", "density"]
_MOST_LEARNT = 200_000  # values that k-means looks at; the rest goes to the nearest centroid


def find_centroids(values: Array, count: int, start: Start, seed: int) -> Array:
    """At most ``count`` of them [n] float32, rising; fewer where there are fewer values.

    ``kmeans++`` is where k-means ends that starts so: the least error. ``linear`` is an even grid
    from the least to the greatest (Han et al. 2016): values that are many near zero fall into few
    groups, which pack better and err more before training. ``density`` has as many in each.
    """
    import numpy as np
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    flat = values.reshape(-1).astype(np.float64)
    distinct = np.unique(flat)
    if len(distinct) <= count:
        return np.asarray(distinct, np.float32)
    if len(flat) > _MOST_LEARNT:
        flat = np.random.default_rng(seed).choice(flat, _MOST_LEARNT, replace=False)
    if start != "kmeans++":
        return np.unique(_start(flat, count, start).astype(np.float32))
    with threadpool_limits(1):  # threads add up in any order: other bits each time
        means = KMeans(count, n_init=1, random_state=seed).fit(flat[:, None])
    return np.unique(means.cluster_centers_.astype(np.float32))


def _start(values: Array, count: int, start: Start) -> Array:
    import numpy as np

    if start == "linear":
        return np.linspace(values.min(), values.max(), count)
    return np.asarray(np.quantile(values, (np.arange(count) + 0.5) / count))


def nearest(values: Array, centroids: Array) -> Array:
    """The place of each value's nearest centroid, in an array of its shape."""
    import numpy as np

    return np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values)
