"""A linear model of a pendulum: observables that move linearly, and the frequency that they oscillate with.

Physics.  A non-linear motion is linear in its observables: d f(x(t))/dt = (L f)(x(t)) with the linear Koopman generator
L (Koopman, PNAS 17 (1931) 315).  On a few observables it is a matrix, z' = K z, found by least squares from samples
(Williams, Kevrekidis, Rowley, J. Nonlinear Sci. 25 (2015) 1307; for the generator, Klus et al., Physica D 406 (2020)
132416).  On one orbit of a pendulum the observables are Fourier series in its frequency: the eigenvalues of K are odd
multiples of i omega, if z are odd polynomials in angle and rate.  Exact is omega = pi / (2 K(sin^2(A / 2))) with the
complete elliptic integral K and the amplitude A.

Scaling.  Lengths and times such that the frequency of small oscillations is 1.

Run time.  Some seconds: one linear fit of 64 numbers for each amplitude.

    python examples/koopman_pendulum.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ellipk
from sympy import cos

import symphys as ph

SMALL = {"amplitudes": (1.0, 2.0), "samples": 300}  # what the tests run
SIZE = 8  # observables that are kept, combinations of largest variance


def main(
    picture: str = "koopman_pendulum.png", amplitudes: tuple = (0.5, 1.0, 1.5, 2.0, 2.5, 2.8), samples: int = 600
) -> None:
    # --- write: the pendulum, and a linear system of as many observables ------------------------------------------
    q = ph.coordinates("q")
    v = ph.dot(q)
    pendulum = ph.Lagrangian(v**2 / 2 + cos(q))
    z = ph.coordinates(f"z0:{SIZE}")
    K = ph.parameter_array("K", (SIZE, SIZE))
    model = ph.VectorField({z[i]: sum(K[i, j] * z[j] for j in range(SIZE)) for i in range(SIZE)})
    observables = [q**i * v ** (degree - i) for degree in (1, 3, 5) for i in range(degree + 1)]

    # --- data: one orbit for each amplitude, and how observables change along it ----------------------------------
    times = np.linspace(0.0, 60.0, samples)
    run = pendulum.compile().run({q: np.array(amplitudes), v: 0.0}, {}, (0.0, 60.0), rtol=1e-12, t_eval=times)
    errors, kept = [], {}
    for row, amplitude in enumerate(amplitudes):
        state = {q: run[q][row], v: run[v][row]}
        values = pendulum.evaluate(observables, state)
        rates = pendulum.evaluate([ph.dot(f) for f in observables], state)
        scale = np.sqrt(np.mean(values**2, axis=1))
        directions, variances, _ = np.linalg.svd((values / scale[:, None]) @ (values / scale[:, None]).T / samples)
        reduce = (directions[:, :SIZE] / np.sqrt(variances[:SIZE])).T / scale
        data = dict(zip(z, reduce @ values, strict=True)) | dict(zip(map(ph.dot, z), reduce @ rates, strict=True))

        # --- fit, and read the leading frequency --------------------------------------------------------------------
        fit = model.fit(data)
        assert fit.method == "least squares"
        eigenvalues = model.linearise(dict.fromkeys(z, 0.0), fit.parameters).eigenvalues
        frequency = min(value.imag for value in eigenvalues if value.imag > 1e-6)
        exact = np.pi / (2 * ellipk(np.sin(amplitude / 2) ** 2))
        errors.append(abs(frequency - exact))
        print(f"amplitude {amplitude}: frequency {frequency:.9f}, exact {exact:.9f}, error {errors[-1]:.1e}")
        kept[amplitude] = (fit, reduce, values[:, 0])
        assert errors[-1] < 1e-4

    # --- run: the linear system goes on by itself -----------------------------------------------------------------
    largest = amplitudes[-1]
    fit, reduce, first = kept[largest]
    start = dict(zip(z, reduce @ first, strict=True))
    linear = model.compile("rk4").run(start, fit.parameters, (0.0, 60.0), dt=times[1] / 4, save_every=4)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    values = reduce @ pendulum.evaluate(observables, {q: run[q][-1], v: run[v][-1]})
    left.plot(times, values[0], "k", linewidth=0.8, label="along the pendulum")
    left.plot(linear.t, linear[z[0]], "--", label="by the linear model")
    left.set(xlabel="t", ylabel="$z_0$", title=f"The leading observable, amplitude {largest}")
    left.legend()
    right.semilogy(amplitudes, errors, "o-")
    right.set(xlabel="amplitude", ylabel="error of the frequency", title=f"{SIZE} observables of degree 1, 3 and 5")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
