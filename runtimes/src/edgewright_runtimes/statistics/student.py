"""Student's t, Fisher's F and the binomial, from one incomplete beta function.

Boards have no scipy; the tests compare all of it with scipy.
"""

from __future__ import annotations

import math
from functools import lru_cache

TINY = 1e-300
PRECISION = 1e-15
MOST_TERMS = 100_000  # the fraction needs about sqrt(max(a, b)) of them


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1.

    Lentz's continued fraction (Numerical Recipes, 3rd edition, 6.4).
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c = 1.0
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < PRECISION:
            break
    return value


def _away_from_zero(x: float) -> float:
    return x if abs(x) > TINY else TINY


def t_tail(t: float, df: float) -> float:
    """P(T > t) of Student's t with ``df`` degrees of freedom (need not be whole)."""
    half = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t))
    return half if t >= 0 else 1.0 - half


def f_tail(f: float, df_above: float, df_below: float) -> float:
    """P(F > f) of Fisher's F."""
    if f <= 0:
        return 1.0
    return incomplete_beta(df_below / 2, df_above / 2, df_below / (df_below + df_above * f))


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = ``p``, for 0 < p < 1 and df > 0; by bisection, to 1e-12 of itself."""
    if p < 0.5:
        return -t_quantile(1.0 - p, df)
    low, high = 0.0, 1.0
    while t_tail(high, df) > 1.0 - p:
        low, high = high, high * 2
    while high - low > 1e-12 * max(high, 1e-3):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, df) > 1.0 - p else (low, middle)
    return (low + high) / 2


def binomial_cdf(count: int, n: int, p: float) -> float:
    """P(X <= count) of X ~ Binomial(n, p)."""
    if count < 0:
        return 0.0
    return 1.0 if count >= n else incomplete_beta(n - count, count + 1, 1.0 - p)
