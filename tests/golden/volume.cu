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
extern "C" __global__ void volume(
    long long lane_first,
    long long lane_last,
    long long lane_stride,
    long long i_extent,
    long long j_extent,
    long long k_extent,
    real* __restrict__ x,
    real* __restrict__ total,
    long long depth) {
    const sym_place lane = lane_first + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned j_each = ((unsigned)j_extent + gridDim.z - 1) / gridDim.z;
    const long long j_from = (long long)blockIdx.z * j_each;
    const long long j_to = j_from + j_each < j_extent ? j_from + j_each : j_extent;
    const unsigned k_each = ((unsigned)k_extent + (gridDim.y * blockDim.y) - 1) / (gridDim.y * blockDim.y);
    const long long k_from = (long long)(blockIdx.y * blockDim.y + threadIdx.y) * k_each;
    const long long k_to = k_from + k_each < k_extent ? k_from + k_each : k_extent;
    for (sym_place i = 0; i < i_extent; ++i) {
        for (sym_place k = k_from; k < k_to; ++k) {
            for (sym_place j = j_from; j < j_to; ++j) {
                real total_sum = 0;
                if (lane < lane_last) {
                    const long long t0 = lane + lane_stride * (k + depth * (j + 3 * i));
                    const real x0 = x[(sym_place)(t0)];
                    x[(sym_place)(t0)] = x0 + (real)(10 * j + 100 * i + k);
                    total_sum += x0;
                }
                sym_block_sum(&total[i], total_sum);
            }
        }
    }
}
