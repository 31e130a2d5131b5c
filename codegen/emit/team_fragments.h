// Products by tensor cores, which round as double precision does, of vectors that are read where they lie. Of a tile of
// sixteen by eight sums thread t of a warp holds those of rows t / 4 and t / 4 + 8, columns 2 (t % 4) and the next.

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

struct sym_piece {  // a whole matrix that lies in the stage
    const real* matrix;
    int rows, columns;
};

// made_v[i] = sum_k W[i, k] given_v[k], or of W[k, i], for `total` sums of `terms` products; W has `pitch` columns.
// Pieces of it are laid in `stage` as they are, row after row, where one that is whole stays for the next product
// (`here`). `meet`: others may still write what is given, or read the stage. Who reads what is given may do so to the
// end.
template <int total, int terms, int pitch, bool transposed, int split, bool meet, int count>
__device__ __forceinline__ void sym_product(
    const real* __restrict__ matrix, const real* const (&given)[count], real* const (&made)[count], real* stage,
    sym_piece& here
) {
    constexpr int depth = terms < sym_depth ? (terms + 7) / 8 * 8 : sym_depth;
    constexpr int length = transposed ? sym_rows : depth, step = (sym_rows > depth ? sym_rows : depth) + 4;
    constexpr bool one = total <= sym_rows && terms <= depth;
    constexpr int share = (depth * sym_rows + sym_threads - 1) / sym_threads;
    constexpr bool exact = depth * sym_rows % sym_threads == 0, even = sym_threads % length == 0;
    constexpr int down = sym_rows / 16, tiles = down * count, rounds = (tiles + sym_warps - 1) / sym_warps;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, high = lane / 4, wide = lane % 4;
    constexpr int rows = transposed ? terms : total, columns = transposed ? total : terms;
    const bool there = one && here.matrix == matrix && here.rows == rows && here.columns == columns;
    here = {one ? matrix : nullptr, rows, columns};
    for (int first = 0; first < total; first += sym_rows) {
        real sums[rounds][2][4] = {};
        real next[share];  // of the matrix, on their way while products are made
        const auto each = [&](int n, int& i, int& j) {
            const int e = threadIdx.x + (even ? 0 : n * sym_threads);
            i = e / length + (even ? n * (sym_threads / length) : 0);
            j = e % length;
            return exact || i * length + j < depth * sym_rows;
        };
        const auto fetch = [&](int term) {
#pragma unroll
            for (int n = 0; n < share; ++n) {
                int i, j;
                bool inside = each(n, i, j);
                inside = inside && (total % sym_rows == 0 || first + (transposed ? j : i) < total);
                inside = inside && (terms % depth == 0 || term + (transposed ? i : j) < terms);
                next[n] = inside ? matrix[transposed ? (term + i) * pitch + first + j : (first + i) * pitch + term + j]
                                 : (real)0;
            }
        };
        if (!there) fetch(0);
#pragma unroll 1
        for (int term = 0; term < terms; term += depth) {
            if (!there) {
                if (meet || term > 0 || first > 0) __syncthreads();
#pragma unroll
                for (int n = 0; n < share; ++n) {
                    int i, j;
                    if (each(n, i, j)) stage[i * step + j] = next[n];
                }
            }
            __syncthreads();
            if (term + depth < terms) fetch(term + depth);
#pragma unroll
            for (int n = 0; n < depth / 4; ++n) {
                const int k = 4 * n + wide;
                if (terms % depth && term + 4 * n >= terms) break;
                const bool inside = terms % 4 == 0 || term + k < terms;
#pragma unroll
                for (int round = 0; round < rounds; ++round) {
                    const int tile = warp + round * sym_warps, row = tile % down * 16 + high;
                    if (tiles % sym_warps && tile >= tiles) break;
                    const real* const left = stage + (transposed ? k * step + row : row * step + k);
                    const real* const right = sym_pick(given, tile / down) + (term + k) * sym_line + high;
                    sym_multiply(sums[round][n % 2], left[0], left[transposed ? 8 : 8 * step], inside ? *right : (real)0);
                }
            }
        }
#pragma unroll
        for (int round = 0; round < rounds; ++round) {
            const int tile = warp + round * sym_warps, row = first + tile % down * 16 + high;
            if (tiles % sym_warps && tile >= tiles) break;
            real* const out = sym_pick(made, tile / down) + 2 * wide;
            const auto& both = sums[round];
#pragma unroll
            for (int h = 0; h < 2; ++h) {
                const real pair[] = {both[0][2 * h] + both[1][2 * h], both[0][2 * h + 1] + both[1][2 * h + 1]};
                if (total % sym_rows == 0 || row + 8 * h < total) sym_write<2>(out + (row + 8 * h) * sym_line, pair);
            }
        }
    }
}

// matrix[i, k] += sum_p sum_s left_p[i] right_p[k] over the `present` instances of the block, by sixteen rows and columns
// a warp. A thread reads two instances at once, of which one is a term of the first product, the other of the second.
// Columns are in such an order that neighbouring threads add to neighbours, and read from different banks.
template <int rows, int columns, int split, bool alone, int count>
__device__ __forceinline__ void sym_outer(
    real* matrix, const real* const (&lefts)[count], const real* const (&rights)[count], int present
) {
    constexpr int down = (rows + 15) / 16, tiles = down * ((columns + 15) / 16);
    const int lane = threadIdx.x % 32, high = lane / 4, wide = lane % 4;
    sym_clear<rows>(lefts, present);
    sym_clear<columns>(rights, present);
    for (int tile = threadIdx.x / 32; tile < tiles; tile += sym_warps) {
        const int row = tile % down * 16 + high, column = tile / down * 16;
        const int beside = column + (high % 2 ? 4 + (high / 2 ^ 1) : high / 2);
        real sums[2][4] = {};
#pragma unroll
        for (int p = 0; p < count; ++p) {
            real x[2][2], y[2][2];
#pragma unroll
            for (int h = 0; h < 2; ++h) {
                sym_read(x[h], lefts[p] + sym_inside<rows>(row + 8 * h) * sym_line + 2 * wide);
                sym_read(y[h], rights[p] + sym_inside<columns>(beside + 8 * h) * sym_line + 2 * wide);
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
                const int r = row + q / 2 * 8, k = column + 8 * c + (q % 2 ? 4 + (wide ^ 1) : wide);
                if ((rows % 16 == 0 || r < rows) && (columns % 16 == 0 || k < columns))
                    sym_add<alone>(&matrix[r * columns + k], sums[c][q]);
            }
    }
}
