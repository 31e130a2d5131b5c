// Work that the threads of a block do together. A block takes `sym_samples` instances at a time; thread t works for
// instance t % sym_samples, and is one of `sym_ranks` that share the elements of its vectors. Vectors lie
// [element][instance], `sym_line` numbers from element to element.
constexpr int sym_ranks = sym_threads / sym_samples;
constexpr int sym_warps = sym_threads / 32;
constexpr int sym_each = 16 / sizeof(real);  // numbers of a load

struct __align__(16) sym_quad { real part[sym_each]; };

// Neighbours, the first of which lies on a boundary of as many bytes as are loaded at once.
template <int count> __device__ __forceinline__ void sym_read(real (&to)[count], const real* from) {
    if constexpr (count % sym_each == 0) {
#pragma unroll
        for (int i = 0; i < count; i += sym_each) {
            const sym_quad quad = *(const sym_quad*)(from + i);
#pragma unroll
            for (int j = 0; j < sym_each; ++j) to[i + j] = quad.part[j];
        }
    } else {
#pragma unroll
        for (int i = 0; i < count; ++i) to[i] = from[i];
    }
}

// Neighbours, the first of which lies on a boundary of as many bytes as are stored at once.
template <int count> __device__ __forceinline__ void sym_write(real* to, const real* from) {
    if constexpr (count % sym_each == 0) {
#pragma unroll
        for (int i = 0; i < count; i += sym_each) {
            sym_quad quad;
#pragma unroll
            for (int j = 0; j < sym_each; ++j) quad.part[j] = from[i + j];
            *(sym_quad*)(to + i) = quad;
        }
    } else {
#pragma unroll
        for (int i = 0; i < count; ++i) to[i] = from[i];
    }
}

// A row of a matrix that has `rows`, which all tiles of it may load.
template <int rows> __device__ __forceinline__ int sym_inside(int row) { return row < rows ? row : rows - 1; }

// Adds to a total to which no other thread adds at the time, if it is said to be `alone`.
template <bool alone> __device__ __forceinline__ void sym_add(real* total, real value) {
    if constexpr (alone) *total += value;
    else atomicAdd(total, value);
}

// Totals of the block, which all of it may add to from the next barrier on; and what it adds to those of all blocks.
template <int count> __device__ __forceinline__ void sym_empty(real* totals) {
    for (int e = threadIdx.x; e < count; e += sym_threads) totals[e] = 0;
    __syncthreads();
}
template <int count> __device__ __forceinline__ void sym_hand_over(real* all, const real* totals) {
    __syncthreads();
    for (int e = threadIdx.x; e < count; e += sym_threads) atomicAdd(&all[e], totals[e]);
}

// Instances past the last are zero from here on, in `rows` elements of some vectors.
template <int rows, int count>
__device__ __forceinline__ void sym_clear(const real* const (&vectors)[count], int present) {
    if (present == sym_samples) return;
    __syncthreads();
    for (int v = 0; v < count; ++v)
        for (int e = threadIdx.x; e < rows * sym_samples; e += sym_threads)
            if (e % sym_samples >= present) ((real*)vectors[v])[e / sym_samples * sym_line + e % sym_samples] = 0;
    __syncthreads();
}

template <int count, class T> __device__ __forceinline__ T* sym_pick(T* const (&list)[count], int which) {
    T* found = list[0];
#pragma unroll
    for (int i = 1; i < count; ++i)
        if (which == i) found = list[i];
    return found;
}

// The sums over all that share an instance's vectors, the same for each of them: `values` becomes them. What is in
// `stage` is no longer needed by anybody. The threads of a warp that have an instance in common add up first.
template <int count> __device__ __forceinline__ void sym_team_sums(real (&values)[count], real* stage) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int v = 0; v < count; ++v) {
#pragma unroll
        for (int mask = 16; mask >= sym_samples; mask /= 2) values[v] += __shfl_xor_sync(0xffffffffu, values[v], mask);
        if (lane < sym_samples) stage[(v * sym_warps + warp) * sym_samples + lane] = values[v];
    }
    __syncthreads();
    real* const totals = stage + count * sym_warps * sym_samples;
    for (int e = threadIdx.x; e < count * sym_samples; e += sym_threads) {
        real total = 0;
#pragma unroll
        for (int w = 0; w < sym_warps; ++w) total += stage[(e / sym_samples * sym_warps + w) * sym_samples + e % sym_samples];
        totals[e] = total;
    }
    __syncthreads();
#pragma unroll
    for (int v = 0; v < count; ++v) values[v] = totals[v * sym_samples + threadIdx.x % sym_samples];
}

// Adds up values of threads whose numbers differ in a bit: one takes over the first half of them, the other the second,
// and so on with the next bits down, until each has `last` of `count`: those from the one on that is returned.
template <int count, int last> __device__ __forceinline__ int sym_halve(real* values, int bit) {
    if constexpr (count == last) {
        return 0;
    } else {
        constexpr int half = count / 2;
        const bool upper = threadIdx.x & bit;
#pragma unroll
        for (int v = 0; v < half; ++v) {
            const real away = upper ? values[v] : values[v + half];
            values[v] = (upper ? values[v + half] : values[v]) + __shfl_xor_sync(0xffffffffu, away, bit);
        }
        return (upper ? half : 0) + sym_halve<half, last>(values, bit / 2);
    }
}

// Adds values, a power of two of them, to totals that are the same for all instances of the block; whole warps call it.
template <int count> __device__ __forceinline__ void sym_team_adds(real* const (&totals)[count], real (&values)[count]) {
    constexpr int width = sym_samples < 32 ? sym_samples : 32;
    static_assert(count <= width, "each thread is left with one value");
    const int which = sym_halve<count, 1>(values, width / 2);
#pragma unroll
    for (int bit = width / count / 2; bit > 0; bit /= 2) values[0] += __shfl_xor_sync(0xffffffffu, values[0], bit);
    if (threadIdx.x % (width / count) == 0) sym_atomic(sym_pick(totals, which), values[0]);
}

// Adds a value to a total that is the same for all instances of the block: whole warps add theirs up first.
template <class T, class Given> __device__ __forceinline__ void sym_team_add(T* total, Given given) {
    constexpr int width = sym_samples < 32 ? sym_samples : 32;
    T value = given;
    const unsigned active = __activemask();
    if (active == 0xffffffffu) {
#pragma unroll
        for (int half = width / 2; half > 0; half /= 2) value += __shfl_down_sync(active, value, half, width);
        if (threadIdx.x % width == 0) sym_atomic(total, value);
    } else {
        sym_atomic(total, value);
    }
}
