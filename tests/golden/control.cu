typedef double real;
typedef long long sym_place;

__device__ __forceinline__ void sym_atomic(real* total, real value) { atomicAdd(total, value); }
__device__ __forceinline__ void sym_atomic(long long* total, long long value) {
    atomicAdd((unsigned long long*)total, (unsigned long long)value);
}

// Of the sign of b, as in mathematics; in C it has the sign of a.
__device__ __forceinline__ long long sym_remainder(long long a, long long b) {
    if (b == 0) return 0;
    const long long r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// Adds a value to a total wherever it is called; a whole warp that agrees about the total adds once.
template <class T, class Given> __device__ void sym_atomic_sum(T* total, Given given) {
    T value = given;
    const unsigned active = __activemask();
    int agree = 0;
    __match_all_sync(active, (unsigned long long)total, &agree);
    if (agree && active == 0xffffffffu) {
        for (int width = 16; width > 0; width /= 2) value += __shfl_down_sync(active, value, width);
        if (threadIdx.x % 32 == 0) sym_atomic(total, value);
    } else {
        sym_atomic(total, value);
    }
}

__device__ __forceinline__ void horner(real x, real& result0, bool& result1, real& result2) {
    real c[4];
    c[0] = x + 1.0;
    c[1] = x + 0.5;
    c[2] = x + 0.3333333333333333;
    c[3] = x + 0.25;
    real y = 0.0;
    for (sym_place i = 0; i < 4; ++i) {
        const real ci = c[i];
        y = ci + x * y;
    }
    result0 = y;
    result1 = 0.0 < y;
    result2 = x * y;
}

__device__ __forceinline__ real square(real x) {
    return x * x;
}

__device__ __forceinline__ real twice(real z) {
    const real inner = square(z);
    return inner + inner;
}

// A thread per instance. The parameters: which instances of the lane axis run and the padded length of
// that axis; the extents of the outer axes; arrays, row-major with the lane axis last; scalars.
extern "C" __global__ void control(
    long long lane_first,
    long long lane_last,
    long long lane_stride,
    real* __restrict__ x,
    const long long* __restrict__ kind,
    long long* __restrict__ count,
    const real* __restrict__ table,
    long long* __restrict__ steps_of,
    real* __restrict__ histogram) {
    const sym_place lane = lane_first + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (lane < lane_last) {
        const real x0 = x[(sym_place)(lane)];
        real position = x0;
        real y, xy;
        bool positive;
        horner(position, y, positive, xy);
        const real doubled = twice(y);
        long long turns = 0;
        while (y * y + position * position < 50.0 && turns < 30) {
            position = position + 0.5 * (y * y + position * position) + 0.1;
            turns = turns + 1;
            if (sym_remainder(turns, 3) == 0) {
                if (positive) {
                    // every third turn, where the polynomial is positive
                    position = position - 0.25;
                }
                sym_atomic_sum(&steps_of[(sym_place)(sym_remainder(lane, 3))], 1);
            }
        }
        real memory[2][3];
        for (sym_place a = 0; a < 2; ++a) {
            for (sym_place c = 0; c < 3; ++c) {
                memory[a][c] = position * (real)(c + 3 * a);
            }
        }
        const long long own_kind = kind[(sym_place)(lane)];
        const real gathered = table[(sym_place)(own_kind)];
        const real entry = memory[1][own_kind];
        x[(sym_place)(lane)] = gathered + position + entry + doubled + xy;
        count[(sym_place)(lane)] = turns;
        for (sym_place s = 0; s < 4; ++s) {
            sym_atomic_sum(&histogram[(sym_place)(s)], gathered * (real)(s));
        }
    }
}
