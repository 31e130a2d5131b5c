import math

import numpy as np

real = np.float32


def pendulums(first, last, q, energy, wide, steps, h, g, l):
    for run in range(first, last):
        # angle and angular velocity
        theta0 = q[0, run]
        theta = theta0
        omega0 = q[1, run]
        omega = omega0
        for step in range(steps):
            omega = omega - g / l * real(math.sin(theta)) * h
            theta = theta + h * omega
        q[0, run] = theta
        q[1, run] = omega
        # energy over m l^2
        energy[()] += real(0.5) * (omega * omega) + g / l * (real(1.0) - real(math.cos(theta)))
        if real(0.5) < abs(theta):
            wide[0] += 1
