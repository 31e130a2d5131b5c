"""Oscillations in a cubic: what spherical pendulum and heavy top have in common."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipj, ellipkinc


def cubic_oscillation(
    cubic: tuple[float, float, float, float], u0: float, rate0: float, times: NDArray[Any]
) -> NDArray[Any]:
    """[n], the bounded u(t) of u'^2 = c3 u^3 + c2 u^2 + c1 u + c0 with c3 > 0, from u0 with rate u0'.

    Between the two smaller roots, u = u1 + (u2 - u1) sn^2(kappa t + phase, k) with kappa^2 = c3 (u3 - u1) / 4 and
    k^2 = (u2 - u1) / (u3 - u1).  Whittaker, "Analytical Dynamics", 4th ed., section 71.
    """
    u1, u2, u3 = np.sort(np.roots(cubic).real)
    kappa = np.sqrt(cubic[0] * (u3 - u1)) / 2
    m = (u2 - u1) / (u3 - u1)
    # The start is one of the roots where the motion begins at a turning point, up to rounding.
    amplitude = np.arcsin(np.sqrt(np.clip((u0 - u1) / (u2 - u1), 0.0, 1.0)))
    phase = ellipkinc(amplitude, m) * (1.0 if rate0 >= 0 else -1.0)
    sn = ellipj(kappa * times + phase, m)[0]
    result: NDArray[Any] = u1 + (u2 - u1) * sn**2
    return result
