typedef double real;
typedef long long sym_place;

__device__ __forceinline__ real log_(real class_) {
    return class_ * class_;
}

// A thread per instance. The parameters: which instances of the lane axis run and the padded length of
// that axis; the extents of the outer axes; arrays, row-major with the lane axis last; scalars.
extern "C" __global__ void index(
    long long lane_first,
    long long lane_last,
    long long lane_stride_,
    const real* __restrict__ int_,
    real* __restrict__ out,
    real np) {
    const sym_place lane = lane_first + (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (lane < lane_last) {
        const real lambda_of_x = int_[(sym_place)(lane)];
        const real lambda = np * (lambda_of_x + 1.0);
        const real double_of_x = int_[(sym_place)(lane + lane_stride_)];
        const real double_ = np * (double_of_x + 1.0);
        const real threadIdx_of_x = int_[(sym_place)(lane + 2 * lane_stride_)];
        const real threadIdx_ = np * (threadIdx_of_x + 1.0);
        const real math_of_x = int_[(sym_place)(lane + 3 * lane_stride_)];
        const real math = np * (math_of_x + 1.0);
        const real first_of_x = int_[(sym_place)(lane + 4 * lane_stride_)];
        const real first = np * (first_of_x + 1.0);
        const real sin_of_x = int_[(sym_place)(lane + 5 * lane_stride_)];
        const real sin_ = np * (sin_of_x + 1.0);
        const real y0_of_x = int_[(sym_place)(lane + 6 * lane_stride_)];
        const real y0_ = np * (y0_of_x + 1.0);
        const real real_of_x = int_[(sym_place)(lane + 7 * lane_stride_)];
        const real real_ = np * (real_of_x + 1.0);
        const real t0_of_x = int_[(sym_place)(lane + 8 * lane_stride_)];
        const real t0 = np * (t0_of_x + 1.0);
        const real lane_stride_of_x = int_[(sym_place)(lane + 9 * lane_stride_)];
        const real lane_stride = np * (lane_stride_of_x + 1.0);
        const real theta_of_x = int_[(sym_place)(lane + 10 * lane_stride_)];
        const real theta = np * (theta_of_x + 1.0);
        const real theta_of_x_ = int_[(sym_place)(lane + 11 * lane_stride_)];
        const real theta_ = np * (theta_of_x_ + 1.0);
        const real Deltax_of_x = int_[(sym_place)(lane + 12 * lane_stride_)];
        const real Deltax = np * (Deltax_of_x + 1.0);
        const real t1 = double_ + lambda + threadIdx_ + math + first + sin_ + y0_ + real_ + t0 + lane_stride;
        const real t2 = theta + t1 + theta_ + Deltax;
        const real log_0 = log_(t2);
        const real t3 = sin(log_0);
        out[(sym_place)(lane)] = t3 + t2 * t3;
    }
}
