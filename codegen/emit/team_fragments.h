// Products by tensor cores, which round as double precision does. Vectors and matrices are read where they lie. Of a tile
// of sixteen by eight sums thread t of a warp holds those of rows t / 4 and t / 4 + 8, columns 2 (t % 4) and the next.

// sums += left right for four terms. Of the left a thread gives rows t / 4 and t / 4 + 8 of term t % 4, of the right column
// t / 4 of that term. (PTX ISA, "Matrix Fragments for mma.m8n8k4 with .f64 floating point type" and of m16n8k4.)
__device__ __forceinline__ void sym_multiply(real (&sums)[4], real upper, real lower, real right) {
#if __CUDA_ARCH__ >= 900
    asm("mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                 : "+d"(sums[0]), "+d"(sums[1]), "+d"(sums[2]), "+d"(sums[3])
                 : "d"(upper), "d"(lower), "d"(right));
#elif __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+d"(sums[0]), "+d"(sums[1])
                 : "d"(upper), "d"(right));
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+d"(sums[2]), "+d"(sums[3])
                 : "d"(lower), "d"(right));
#else
    const int lane = threadIdx.x % 32;
    for (int k = 0; k < 4; ++k) {
        const real above = __shfl_sync(0xffffffffu, upper, lane / 4 * 4 + k);
        const real below = __shfl_sync(0xffffffffu, lower, lane / 4 * 4 + k);
        for (int c = 0; c < 2; ++c) {
            const real beside = __shfl_sync(0xffffffffu, right, (lane % 4 * 2 + c) * 4 + k);
            sums[c] += above * beside;
            sums[2 + c] += below * beside;
        }
    }
#endif
}

// made_v[i] = sum_k W[i, k] given_v[k], or of W[k, i], for `total` sums of `terms` products; W has `pitch` columns.
// `meet`: others may still write what is given. Who reads what is given may do so to the end.
template <int total, int terms, int pitch, bool transposed, int split, bool meet, int count>
__device__ __forceinline__ void sym_product(
    const real* __restrict__ matrix, const real* const (&given)[count], real* const (&made)[count], real*
) {
    constexpr int steps = terms < 32 ? (terms + 3) / 4 : 8, depth = 4 * steps;
    constexpr int down = (total + 15) / 16, tiles = down * count;
    const int lane = threadIdx.x % 32, high = lane / 4, wide = lane % 4;
    real left[steps][2];  // of the matrix, on their way while others arrive and while products are made
    const auto fetch = [&](int tile, int term, int n) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const int row = tile % down * 16 + 8 * h + high, k = term + 4 * n + wide;
            const bool inside = (total % 16 == 0 || row < total) && (terms % depth == 0 || k < terms);
            left[n][h] = inside ? matrix[transposed ? k * pitch + row : row * pitch + k] : (real)0;
        }
    };
    int tile = threadIdx.x / 32;
#pragma unroll
    for (int n = 0; n < steps; ++n)
        if (tile < tiles) fetch(tile, 0, n);
    if (meet) __syncthreads();
    for (; tile < tiles; tile += sym_warps) {
        real sums[2][4] = {};
        const real* const right = sym_pick(given, tile / down) + high;
        for (int term = 0; term < terms; term += depth)
#pragma unroll
            for (int n = 0; n < steps; ++n) {
                const int k = term + 4 * n + wide;
                const bool inside = terms % depth == 0 || k < terms;
                sym_multiply(sums[n % 2], left[n][0], left[n][1], inside ? right[k * sym_line] : (real)0);
                if (term + depth < terms) fetch(tile, term + depth, n);
                else if (tile + sym_warps < tiles) fetch(tile + sym_warps, 0, n);
            }
        real* const out = sym_pick(made, tile / down) + 2 * wide;
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const int row = tile % down * 16 + 8 * h + high;
            const real both[] = {sums[0][2 * h] + sums[1][2 * h], sums[0][2 * h + 1] + sums[1][2 * h + 1]};
            if (total % 16 == 0 || row < total) sym_write<2>(out + row * sym_line, both);
        }
    }
}

// matrix[i, k] += sum_p sum_s left_p[i] right_p[k] over the `present` instances of the block, by sixteen rows and columns
// a warp. A thread reads two instances at once, of which one is a term of the first product, the other of the second.
template <int rows, int columns, int split, int count>
__device__ __forceinline__ void sym_outer(
    real* matrix, const real* const (&lefts)[count], const real* const (&rights)[count], int present
) {
    constexpr int down = (rows + 15) / 16, tiles = down * ((columns + 15) / 16);
    const int lane = threadIdx.x % 32, high = lane / 4, wide = lane % 4;
    sym_clear<rows>(lefts, present);
    sym_clear<columns>(rights, present);
    for (int tile = threadIdx.x / 32; tile < tiles; tile += sym_warps) {
        const int row = tile % down * 16 + high, column = tile / down * 16;
        real sums[2][4] = {};
#pragma unroll
        for (int p = 0; p < count; ++p) {
            real x[2][2], y[2][2];
#pragma unroll
            for (int h = 0; h < 2; ++h) {
                sym_read(x[h], lefts[p] + sym_inside<rows>(row + 8 * h) * sym_line + 2 * wide);
                sym_read(y[h], rights[p] + sym_inside<columns>(column + high + 8 * h) * sym_line + 2 * wide);
            }
#pragma unroll
            for (int s = 0; s < 2; ++s)
#pragma unroll
                for (int c = 0; c < 2; ++c) sym_multiply(sums[c], x[0][s], x[1][s], y[c][s]);
        }
#pragma unroll
        for (int c = 0; c < 2; ++c)
#pragma unroll
            for (int q = 0; q < 4; ++q) {
                const int r = row + q / 2 * 8, k = column + 8 * c + 2 * wide + q % 2;
                if ((rows % 16 == 0 || r < rows) && (columns % 16 == 0 || k < columns))
                    atomicAdd(&matrix[r * columns + k], sums[c][q]);
            }
    }
}
