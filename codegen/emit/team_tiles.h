// Products of vectors that are read where they lie; of the matrix a piece is laid in `stage`, [term][sym_rows + 8]. A
// thread makes four by four sums. Of `split` threads of a warp each adds up some of the terms. Rows of vectors are as long
// as half of all banks, and sixteen bytes that two neighbouring threads read alike are read in half the time.
constexpr int sym_pitch = sym_rows + 8;
constexpr int sym_seats = sym_rows / 4;      // of threads, from the top of a tile to its bottom
constexpr int sym_quads = sym_samples / 4;  // of the instances of a vector

template <int split> struct sym_warp {  // how its threads sit
    static constexpr int wide = split == 8 ? 2 : 4, high = 32 / split / wide;
};

// The lowest bit of a thread's number moves it across, the next one down.
template <int split> __device__ __forceinline__ void sym_seat(int& i, int& j, int& part) {
    constexpr int wide = sym_warp<split>::wide, half = sym_warp<split>::high / 2;
    const int lane = threadIdx.x % 32, rest = lane / (2 * wide);
    j = (lane & 1) | (wide == 4 ? lane >> 1 & 2 : 0);
    i = (lane >> 1 & 1) | rest % half << 1;
    part = rest / half;
}

// Adds up over the threads that share sums. Each is left with 16 / split of them, from the one on that is returned.
template <int split> __device__ __forceinline__ int sym_gather(real (&sums)[16]) {
    return sym_halve<16, 16 / split>(sums, 16);
}

// made_v[i] = sum_k W[i, k] given_v[k], or of W[k, i], for `total` sums of `terms` products; W has `pitch` columns.
// `meet`: others may still write what is given, or read the stage. Who reads what is given may do so to the end.
template <int total, int terms, int pitch, bool transposed, int split, bool meet, int count>
__device__ __forceinline__ void sym_product(
    const real* __restrict__ matrix, const real* const (&given)[count], real* const (&made)[count], real* stage
) {
    constexpr int depth = terms < sym_depth ? (terms + 7) / 8 * 8 : sym_depth;
    constexpr int share = (depth * sym_rows + sym_threads - 1) / sym_threads;
    constexpr bool exact = depth * sym_rows % sym_threads == 0;
    constexpr bool even = transposed ? sym_threads % sym_rows == 0 : sym_warps % (depth / 8) == 0;  // steps are alike
    constexpr int high = sym_warp<split>::high, wide = sym_warp<split>::wide;
    constexpr int down = sym_seats / high, tiles = down * (count * sym_quads / wide);
    constexpr int rounds = (tiles + sym_warps - 1) / sym_warps;
    const int warp = threadIdx.x / 32;
    int i, j, part;
    sym_seat<split>(i, j, part);
    for (int first = 0; first < total; first += sym_rows) {
        real sums[rounds][16] = {};
        real next[share];  // of the matrix, on their way while products are made
        const auto each = [&](int n, int& k, int& row, int& place) {
            const int e = threadIdx.x + (even ? 0 : n * sym_threads), q = e / 4, r = e % 4;
            int seat = transposed ? q % sym_seats : q / 8 / (depth / 8);
            k = transposed ? q / sym_seats : q % 8 + q / 8 % (depth / 8) * 8;
            if (even && transposed) k += n * (sym_threads / sym_rows);
            if (even && !transposed) seat += n * (sym_warps / (depth / 8));
            row = seat + sym_seats * r;
            place = k * sym_pitch + 4 * seat + r;
            return exact || e + (even ? n * sym_threads : 0) < depth * sym_rows;
        };
        const auto fetch = [&](int term) {
#pragma unroll
            for (int n = 0; n < share; ++n) {
                int k, row, place;
                const bool inside = each(n, k, row, place) && (terms % depth == 0 || term + k < terms) &&
                                    (total % sym_rows == 0 || first + row < total);
                next[n] = inside ? matrix[transposed ? (term + k) * pitch + first + row : (first + row) * pitch + term + k]
                                 : (real)0;
            }
        };
        fetch(0);
#pragma unroll 1
        for (int term = 0; term < terms; term += depth) {
            if (meet || term > 0 || first > 0) __syncthreads();
#pragma unroll
            for (int n = 0; n < share; ++n) {
                int k, row, place;
                if (each(n, k, row, place)) stage[place] = next[n];
            }
            __syncthreads();
            if (term + depth < terms) fetch(term + depth);
#pragma unroll
            for (int round = 0; round < rounds; ++round) {
                const int tile = warp + round * sym_warps;
                if (tiles % sym_warps && tile >= tiles) break;
                const int column = tile / down * wide + j;
                const real* const left = stage + 4 * (tile % down * high + i);
                const real* const right = sym_pick(given, column / sym_quads) + term * sym_line + column % sym_quads * 4;
                if constexpr (terms % depth == 0) {
                    real x[2][4], y[2][4];  // of this term and of the next, on their way while products are made
                    sym_read(x[0], left + part * sym_pitch);
                    sym_read(y[0], right + part * sym_line);
#pragma unroll 8
                    for (int n = 0; n < depth / split; ++n) {
                        const int k = (n + 1 < depth / split ? n + 1 : n) * split + part;
                        sym_read(x[(n + 1) % 2], left + k * sym_pitch);
                        sym_read(y[(n + 1) % 2], right + k * sym_line);
#pragma unroll
                        for (int q = 0; q < 16; ++q) sums[round][q] += x[n % 2][q / 4] * y[n % 2][q % 4];
                    }
                } else {
                    for (int k = part; k < depth && term + k < terms; k += split) {
                        real x[4], y[4];
                        sym_read(x, left + k * sym_pitch);
                        sym_read(y, right + k * sym_line);
#pragma unroll
                        for (int q = 0; q < 16; ++q) sums[round][q] += x[q / 4] * y[q % 4];
                    }
                }
            }
        }
#pragma unroll
        for (int round = 0; round < rounds; ++round) {
            const int tile = warp + round * sym_warps;
            if (tiles % sym_warps && tile >= tiles) break;
            const int from = sym_gather<split>(sums[round]), column = tile / down * wide + j;
            real* const out = sym_pick(made, column / sym_quads) + column % sym_quads * 4 + from % 4;
            constexpr int side = split == 8 ? 2 : 4;
#pragma unroll
            for (int q = 0; q < 16 / split; q += side) {
                const int row = first + tile % down * high + i + sym_seats * ((from + q) / 4);
                if (total % sym_rows == 0 || row < total) sym_write<side>(out + row * sym_line, &sums[round][q]);
            }
        }
    }
}

// matrix[i, k] += sum_p sum_s left_p[i] right_p[k] over the `present` instances of the block. Every thread goes through
// the instances in an order of its own, so that those of a warp read from different banks.
template <int rows, int columns, int split, bool alone, int count>
__device__ __forceinline__ void sym_outer(
    real* matrix, const real* const (&lefts)[count], const real* const (&rights)[count], int present
) {
    constexpr int high = sym_warp<split>::high, wide = sym_warp<split>::wide;
    constexpr int down = sym_seats / high, tiles = down * (sym_seats / wide);
    int i, j, part;
    sym_seat<split>(i, j, part);
    sym_clear<rows>(lefts, present);
    sym_clear<columns>(rights, present);
    const int turn = (i >> 1 & 1) ^ (j & 2);
    for (int row = 0; row < rows; row += sym_rows)
        for (int column = 0; column < columns; column += sym_rows)
            for (int tile = threadIdx.x / 32; tile < tiles; tile += sym_warps) {
                const int top = row + tile % down * high + i, left = column + tile / down * wide + j;
                int above[4], beside[4];
#pragma unroll
                for (int r = 0; r < 4; ++r) {
                    above[r] = sym_inside<rows>(top + sym_seats * r) * sym_line;
                    beside[r] = sym_inside<columns>(left + sym_seats * r) * sym_line;
                }
                real sums[16] = {};
#pragma unroll
                for (int p = 0; p < count; ++p)
#pragma unroll
                    for (int n = 0; n < sym_quads / split; ++n) {
                        const int s = 4 * ((n * split + part) ^ turn);
                        real x[4][4], y[4][4];
#pragma unroll
                        for (int r = 0; r < 4; ++r) {
                            sym_read(x[r], lefts[p] + above[r] + s);
                            sym_read(y[r], rights[p] + beside[r] + s);
                        }
#pragma unroll
                        for (int m = 0; m < 4; ++m)
#pragma unroll
                            for (int q = 0; q < 16; ++q) sums[q] += x[q / 4][m] * y[q % 4][m];
                    }
                const int from = sym_gather<split>(sums);
#pragma unroll
                for (int q = 0; q < 16 / split; ++q) {
                    const int r = top + sym_seats * ((from + q) / 4), c = left + sym_seats * ((from + q) % 4);
                    if ((rows % sym_rows == 0 || r < rows) && (columns % sym_rows == 0 || c < columns))
                        sym_add<alone>(&matrix[r * columns + c], sums[q]);
                }
            }
}
