import math


def pendulums(first, last, q, energy, wide, steps, h, g, l):
    for run in range(first, last):
        # angle and angular velocity
        theta0 = q[0, run]
        theta = theta0
        omega0 = q[1, run]
        omega = omega0
        for step in range(steps):
            omega = omega - g / l * math.sin(theta) * h
            theta = theta + h * omega
        q[0, run] = theta
        q[1, run] = omega
        # energy over m l^2
        energy[()] += 0.5 * (omega * omega) + g / l * (1.0 - math.cos(theta))
        if 0.5 < abs(theta):
            wide[0] += 1
