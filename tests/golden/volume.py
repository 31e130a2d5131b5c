def volume(first, last, i_extent, j_extent, k_extent, x, total, depth):
    for i in range(i_extent):
        for j in range(j_extent):
            for k in range(k_extent):
                for lane in range(first, last):
                    x0 = x[i, j, k, lane]
                    x[i, j, k, lane] = x0 + float(10 * j + 100 * i + k)
                    total[i] += x0
