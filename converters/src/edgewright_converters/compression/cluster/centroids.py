"""A kernel's values in so many groups: k-means, from one of TFMOT's starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Start = Literal["kmeans++", "linear", "density"]
_MOST_LEARNT = 200_000  # values that k-means looks at; the rest goes to the nearest centroid


def find_centroids(values: Array, count: int, start: Start, seed: int) -> Array:
    """At most ``count`` of them [n] float32, rising; fewer where there are fewer values.

    ``linear`` starts evenly between the least and the greatest, ``density`` at even shares of the
    values; k-means goes on from there (Han et al. 2016).
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
    first: Any = "k-means++"
    if start != "kmeans++":
        first = np.unique(_start(flat, count, start))[:, None]
        count = len(first)
    with threadpool_limits(1):  # threads add up in any order: other bits each time
        means = KMeans(count, init=first, n_init=1, random_state=seed).fit(flat[:, None])
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
