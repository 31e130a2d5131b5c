def wave(first, last, row_extent, u, v, w, of_row, energy, rows, h, inverse_dx2):
    for row in range(row_extent):
        for site in range(first, last):
            left = u[row, site]
            here = u[row, site + 1]
            right = u[row, site + 2]
            v0 = v[row, site + 1]
            # discrete Laplacian and the force of the quartic potential
            t0 = here * here * here
            force = inverse_dx2 * (left - 2.0 * here + right) - t0
            t1 = v0 + force * h
            v[row, site + 1] = t1
            w[row, site + 1] = here + h * t1
            t2 = right - here
            density = 0.5 * (v0 * v0) + 0.5 * (inverse_dx2 * t2 * t2) + 0.25 * (here * t0)
            of_row[row] += density
            energy[0] += density
