// Products by pieces of `sym_depth` terms, which are laid in `stage` first: of one side [term][sym_rows + pad], of the
// other [term][columns]; then each thread adds up a tile of sums in registers.
constexpr int sym_pitch = sym_rows + sym_each;

// How many tiles high the part of a warp is: as near to 8 by 4 as they go, so that it loads few numbers; 0: none fits.
__device__ __forceinline__ constexpr int sym_warp_height(int down, int across) {
    return down % 8 == 0 && across % 4 == 0    ? 8
           : down % 4 == 0 && across % 8 == 0  ? 4
           : down % 2 == 0 && across % 16 == 0 ? 2
                                               : 0;
}

// Which tile is a thread's.
template <int down, int across> __device__ __forceinline__ void sym_seat(int& i, int& j) {
    constexpr int tall = sym_warp_height(down, across);
    const int thread = threadIdx.x;
    if constexpr (tall > 0) {
        constexpr int side = 32 / tall, warps = across / side;
        const int lane = thread % 32, warp = thread / 32;
        i = lane / side + tall * (warp / warps);
        j = lane % side + side * (warp % warps);
    } else {
        i = thread / across;
        j = thread % across;
    }
}

// The products of one piece, of `depth` terms.
template <int depth, int high, int wide, int columns>
__device__ __forceinline__ void sym_multiply(real (&sums)[high][wide], const real* left, const real* right) {
#pragma unroll
    for (int k = 0; k < depth; ++k) {
        real x[high], y[wide];
        sym_read(x, left + k * sym_pitch);
        sym_read(y, right + k * columns);
#pragma unroll
        for (int r = 0; r < high; ++r)
#pragma unroll
            for (int c = 0; c < wide; ++c) sums[r][c] += x[r] * y[c];
    }
}

// made_v[i] = sum_k W[i, k] given_v[k], or of W[k, i], for `total` sums of `terms` products; W has `pitch` columns.
template <int total, int terms, int pitch, bool transposed, int high, int wide, int count>
__device__ __forceinline__ void sym_product(
    const real* __restrict__ matrix, const real* const (&given)[count], real* const (&made)[count], real* stage
) {
    constexpr int columns = count * sym_samples;
    constexpr int share = (sym_depth * sym_rows + sym_threads - 1) / sym_threads;
    constexpr int portion = (sym_depth * sym_samples + sym_threads - 1) / sym_threads;
    constexpr bool whole = sym_depth * sym_rows % sym_threads == 0;
    constexpr bool exact = sym_depth * sym_samples % sym_threads == 0;
    real* const left = stage;
    real* const right = stage + sym_depth * sym_pitch;
    int i, j;
    sym_seat<sym_rows / high, columns / wide>(i, j);
    const bool seated = i < sym_rows / high && j < columns / wide;
    for (int first = 0; first < total; first += sym_rows) {
        real sums[high][wide] = {};
        real next[share];  // of the matrix, on their way while products are made
        const auto fetch = [&](int term) {
#pragma unroll
            for (int n = 0; n < share; ++n) {
                const int e = threadIdx.x + n * sym_threads;
                const int k = transposed ? e / sym_rows : e % sym_depth;
                const int row = transposed ? e % sym_rows : e / sym_depth;
                const bool inside = (whole || e < sym_depth * sym_rows) && (terms % sym_depth == 0 || term + k < terms) &&
                                    (total % sym_rows == 0 || first + row < total);
                const int place = transposed ? (term + k) * pitch + first + row : (first + row) * pitch + term + k;
                next[n] = inside ? matrix[place] : (real)0;
            }
        };
        fetch(0);
        for (int term = 0; term < terms; term += sym_depth) {
            __syncthreads();
#pragma unroll
            for (int n = 0; n < share; ++n) {
                const int e = threadIdx.x + n * sym_threads;
                const int k = transposed ? e / sym_rows : e % sym_depth;
                const int row = transposed ? e % sym_rows : e / sym_depth;
                if (whole || e < sym_depth * sym_rows) left[k * sym_pitch + row] = next[n];
            }
#pragma unroll
            for (int v = 0; v < count; ++v)
#pragma unroll
                for (int n = 0; n < portion; ++n) {
                    const int e = threadIdx.x + n * sym_threads;
                    const int k = e / sym_samples, s = e % sym_samples;
                    if (!exact && e >= sym_depth * sym_samples) break;
                    const bool inside = terms % sym_depth == 0 || term + k < terms;
                    right[k * columns + v * sym_samples + s] = inside ? given[v][(term + k) * sym_line + s] : (real)0;
                }
            __syncthreads();
            if (term + sym_depth < terms) fetch(term + sym_depth);
            if (seated) sym_multiply<sym_depth, high, wide, columns>(sums, left + i * high, right + j * wide);
        }
        if (seated) {
            real* const out = sym_pick(made, j * wide / sym_samples) + j * wide % sym_samples;
#pragma unroll
            for (int r = 0; r < high; ++r)
                if (total % sym_rows == 0 || first + i * high + r < total)
#pragma unroll
                    for (int c = 0; c < wide; ++c) out[(first + i * high + r) * sym_line + c] = sums[r][c];
        }
    }
}

// matrix[i, k] += sum_p sum_s left_p[i] right_p[k] over the `present` instances of the block.
template <int rows, int columns, int high, int wide, bool alone, int count>
__device__ __forceinline__ void sym_outer(
    real* matrix, const real* const (&lefts)[count], const real* const (&rights)[count], int present, real* stage
) {
    constexpr int depth = sym_samples < sym_depth ? sym_samples : sym_depth;
    constexpr int width = sym_rows;
    constexpr int share = (depth * sym_rows + sym_threads - 1) / sym_threads;
    constexpr bool exact = depth * sym_rows % sym_threads == 0;
    real* const left = stage;
    real* const right = stage + sym_depth * sym_pitch;
    int i, j;
    sym_seat<sym_rows / high, width / wide>(i, j);
    const bool seated = i < sym_rows / high && j < width / wide;
    for (int row = 0; row < rows; row += sym_rows)
        for (int column = 0; column < columns; column += width) {
            real sums[high][wide] = {};
            for (int p = 0; p < count; ++p) {
                const real* const l = sym_pick(lefts, p) + row * sym_line;
                const real* const r = sym_pick(rights, p) + column * sym_line;
                for (int first = 0; first < sym_samples; first += depth) {
                    __syncthreads();
#pragma unroll
                    for (int turn = 0; turn < share; ++turn) {
                        const int e = threadIdx.x + turn * sym_threads;
                        if (!exact && e >= depth * sym_rows) break;
                        const int n = sym_line % 2 ? e % sym_rows : e / depth;  // odd lines: neighbours in any order
                        const int s = sym_line % 2 ? e / sym_rows : e % depth;
                        const bool there = first + s < present;
                        const bool low = rows % sym_rows == 0 || row + n < rows;
                        const bool near = columns % width == 0 || column + n < columns;
                        left[s * sym_pitch + n] = there && low ? l[n * sym_line + first + s] : (real)0;
                        right[s * width + n] = there && near ? r[n * sym_line + first + s] : (real)0;
                    }
                    __syncthreads();
                    if (seated) sym_multiply<depth, high, wide, width>(sums, left + i * high, right + j * wide);
                }
            }
            if (seated) {
#pragma unroll
                for (int r = 0; r < high; ++r)
#pragma unroll
                    for (int c = 0; c < wide; ++c)
                        if ((rows % sym_rows == 0 || row + i * high + r < rows) &&
                            (columns % width == 0 || column + j * wide + c < columns))
                            sym_add<alone>(&matrix[(row + i * high + r) * columns + column + j * wide + c], sums[r][c]);
            }
        }
}
