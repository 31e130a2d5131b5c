import numpy as np


def horner(x):
    c = np.empty((4,), dtype=np.float64)
    c[0] = x + 1.0
    c[1] = x + 0.5
    c[2] = x + 0.3333333333333333
    c[3] = x + 0.25
    y = 0.0
    for i in range(4):
        ci = c[i]
        y = ci + x * y
    return y, 0.0 < y, x * y


def square(x):
    return x * x


def twice(z):
    inner = square(z)
    return inner + inner


def control(first, last, x, kind, count, table, steps_of, histogram):
    for lane in range(first, last):
        x0 = x[lane]
        position = x0
        y, positive, xy = horner(position)
        doubled = twice(y)
        turns = 0
        while y * y + position * position < 50.0 and turns < 30:
            position = position + 0.5 * (y * y + position * position) + 0.1
            turns = turns + 1
            if turns % 3 == 0:
                if positive:
                    # every third turn, where the polynomial is positive
                    position = position - 0.25
                steps_of[lane % 3] += 1
        memory = np.empty((2, 3), dtype=np.float64)
        for a in range(2):
            for c in range(3):
                memory[a, c] = position * float(c + 3 * a)
        own_kind = kind[lane]
        gathered = table[own_kind]
        entry = memory[1, own_kind]
        x[lane] = gathered + position + entry + doubled + xy
        count[lane] = turns
        for s in range(4):
            histogram[s] += gathered * float(s)
