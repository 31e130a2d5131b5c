typedef double real;
typedef long long sym_place;

__device__ __forceinline__ void sym_atomic(real* total, real value) { atomicAdd(total, value); }
__device__ __forceinline__ void sym_atomic(long long* total, long long value) {
    atomicAdd((unsigned long long*)total, (unsigned long long)value);
}

// Adds the values of all threads of a block to a total; every thread of the block must call it.
template <class T> __device__ void sym_block_sum(T* total, T value) {
    __shared__ T partial[1024];
    const unsigned thread = threadIdx.x + blockDim.x * threadIdx.z;
    partial[thread] = value;
    __syncthreads();
    for (unsigned count = blockDim.x * blockDim.z; count > 1;) {
        const unsigned half = (count + 1) / 2;
        if (thread < count - half) partial[thread] += partial[thread + half];
        __syncthreads();
        count = half;
    }
    if (thread == 0) sym_atomic(total, partial[0]);
    __syncthreads();  // the next sum uses the same memory
}

// A thread per instance. The parameters: which instances of the lane axis run and the padded length of
// that axis; the extents of the outer axes; arrays, row-major with the lane axis last; scalars.
extern "C" __global__ void wave(
    long long site_first,
    long long site_last,
    long long site_stride,
    long long row_extent,
    const real* __restrict__ u,
    real* __restrict__ v,
    real* __restrict__ w,
    real* __restrict__ of_row,
    real* __restrict__ energy,
    long long rows,
    real h,
    real inverse_dx2) {
    const sym_place site = site_first + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned row_each = ((unsigned)row_extent + (gridDim.y * blockDim.y) - 1) / (gridDim.y * blockDim.y);
    const long long row_from = (long long)(blockIdx.y * blockDim.y + threadIdx.y) * row_each;
    const long long row_to = row_from + row_each < row_extent ? row_from + row_each : row_extent;
    real energy_sum = 0;
    for (sym_place row = row_from; row < row_to; ++row) {
        real of_row_sum = 0;
        if (site < site_last) {
            const real left = u[(sym_place)(site + row * site_stride)];
            const long long t0 = site + row * site_stride + 1;
            const real here = u[(sym_place)(t0)];
            const real right = u[(sym_place)(site + row * site_stride + 2)];
            const real v0 = v[(sym_place)(t0)];
            // discrete Laplacian and the force of the quartic potential
            const real t1 = here * here * here;
            const real force = inverse_dx2 * (left - 2.0 * here + right) - t1;
            const real t2 = v0 + force * h;
            v[(sym_place)(t0)] = t2;
            w[(sym_place)(t0)] = here + h * t2;
            const real t3 = right - here;
            const real density = 0.5 * (v0 * v0) + 0.5 * (inverse_dx2 * t3 * t3) + 0.25 * (here * t1);
            of_row_sum += density;
            energy_sum += density;
        }
        sym_block_sum(&of_row[row], of_row_sum);
    }
    sym_block_sum(&energy[0], energy_sum);
}
