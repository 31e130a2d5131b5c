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
extern "C" __global__ void pendulums(
    long long run_first,
    long long run_last,
    long long run_stride,
    real* __restrict__ q,
    real* __restrict__ energy,
    long long* __restrict__ wide,
    long long steps,
    real h,
    real g,
    real l) {
    const sym_place run = run_first + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    real energy_sum = 0;
    long long wide_sum = 0;
    if (run < run_last) {
        // angle and angular velocity
        const real theta0 = q[(sym_place)(run)];
        real theta = theta0;
        const real omega0 = q[(sym_place)(run + run_stride)];
        real omega = omega0;
        for (sym_place step = 0; step < steps; ++step) {
            omega = omega - g / l * sin(theta) * h;
            theta = theta + h * omega;
        }
        q[(sym_place)(run)] = theta;
        q[(sym_place)(run + run_stride)] = omega;
        // energy over m l^2
        energy_sum += 0.5 * (omega * omega) + g / l * (1.0 - cos(theta));
        if (0.5 < fabs(theta)) {
            wide_sum += 1;
        }
    }
    sym_block_sum(&energy[0], energy_sum);
    sym_block_sum(&wide[0], wide_sum);
}
