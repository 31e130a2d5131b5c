// Enough of CUDA's language to run a kernel on the CPU, so that emitted text can be tested, stepped through and
// understood without a GPU. Blocks run one after the other. The threads of a block run one after the other too; where
// the kernel has barriers they are fibers, each of which runs to its next barrier before any goes past it, and the
// threads of a warp can show each other what they have; `__activemask` finds every thread alone. Nothing is contracted
// or reordered. Headers are few: they take longer to read than most kernels.
#include <math.h>
#include <string.h>

#ifdef SYM_SHIM_BARRIERS
#include <ucontext.h>

#include <memory>
#include <vector>
#endif

static inline double rsqrt(double x) { return 1.0 / sqrt(x); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};
static thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace sym_shim {

enum Status { done = 0, split_at_barrier = 1 };

#ifdef SYM_SHIM_BARRIERS

constexpr size_t stack_size = 1 << 20;

enum Wait { for_nobody, for_the_warp, for_the_block };

struct Fiber {
    ucontext_t context;
    bool finished = false;
    Wait waits = for_nobody;
};

constexpr size_t warp_size = 32;

static thread_local ucontext_t scheduler;
static thread_local Fiber* running;
static thread_local void (*body)(const void*);
static thread_local const void* given;
static thread_local double shown[1024][2];  // by each thread of a block, in turn in one place and the other
static thread_local unsigned char turns[1024];

inline void wait(Wait whom) {
    running->waits = whom;
    swapcontext(&running->context, &scheduler);
}

inline void enter() {
    body(given);
    running->finished = true;
}

inline size_t this_thread() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }

// What another thread of the warp shows; all show something.
template <class T> T exchange(T value, size_t other) {
    const size_t here = this_thread(), turn = turns[here]++ % 2;
    memcpy(&shown[here][turn], &value, sizeof(T));
    wait(for_the_warp);
    memcpy(&value, &shown[other][turn], sizeof(T));
    return value;
}

// Runs threads from one to another until each has finished or waits for the block; whether each came so far.
inline bool run_warp(Fiber* fibers, size_t from, size_t to) {
    for (;;) {
        size_t waiting = 0;
        for (size_t i = from; i < to; ++i) {
            Fiber& fiber = fibers[i];
            if (!fiber.finished && fiber.waits == for_nobody) {
                running = &fiber;
                threadIdx.x = static_cast<unsigned>(i % blockDim.x);
                threadIdx.y = static_cast<unsigned>(i / blockDim.x % blockDim.y);
                threadIdx.z = static_cast<unsigned>(i / blockDim.x / blockDim.y);
                swapcontext(&scheduler, &fiber.context);
            }
            waiting += !fiber.finished && fiber.waits == for_the_warp;
        }
        if (!waiting) return true;
        if (waiting < to - from) return false;  // some left or wait elsewhere, while others wait for them
        for (size_t i = from; i < to; ++i) fibers[i].waits = for_nobody;
    }
}

template <class Body> Status run_block(const Body& thread_body) {
    static thread_local std::vector<Fiber> fibers;
    static thread_local std::unique_ptr<char[]> stacks;  // kept: they take longer to make than most blocks to run
    const size_t count = blockDim.x * blockDim.y * blockDim.z;
    if (fibers.size() < count) {
        fibers.resize(count);
        stacks.reset(new char[count * stack_size]);
    }
    body = [](const void* each) { (*static_cast<const Body*>(each))(); };
    given = &thread_body;
    for (size_t i = 0; i < count; ++i) {
        Fiber& fiber = fibers[i];
        fiber.finished = false;
        fiber.waits = for_nobody;
        turns[i] = 0;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks.get() + i * stack_size;
        fiber.context.uc_stack.ss_size = stack_size;
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, enter, 0);
    }
    for (;;) {
        size_t finished = 0;
        for (size_t from = 0; from < count; from += warp_size) {
            const size_t to = from + warp_size < count ? from + warp_size : count;
            if (!run_warp(fibers.data(), from, to)) return split_at_barrier;
        }
        for (size_t i = 0; i < count; ++i) {
            finished += fibers[i].finished;
            fibers[i].waits = for_nobody;
        }
        if (finished == count) return done;
        if (finished) return split_at_barrier;  // some left while others wait for them
    }
}

#else

template <class Body> Status run_block(const Body& thread_body) {
    for (threadIdx.z = 0; threadIdx.z < blockDim.z; ++threadIdx.z)
        for (threadIdx.y = 0; threadIdx.y < blockDim.y; ++threadIdx.y)
            for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x) thread_body();
    return done;
}

#endif

template <class Body> Status run(dim3 grid, dim3 block, const Body& thread_body) {
    gridDim = grid;
    blockDim = block;
    threadIdx = dim3{0, 0, 0};
    for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z)
        for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x)
                if (run_block(thread_body) != done) return split_at_barrier;
    return done;
}

}  // namespace sym_shim

#ifdef SYM_SHIM_BARRIERS
inline void __syncthreads() { sym_shim::wait(sym_shim::for_the_block); }
template <class T> inline T __shfl_sync(unsigned, T value, int lane) {
    return sym_shim::exchange(value, sym_shim::this_thread() / 32 * 32 + lane);
}
template <class T> inline T __shfl_xor_sync(unsigned, T value, int mask) {
    return sym_shim::exchange(value, sym_shim::this_thread() ^ mask);
}
#endif

struct alignas(16) float4 {
    float x, y, z, w;
};
inline float4 __ldcs(const float4* from) { return *from; }
inline void __stcs(float4* to, float4 value) { *to = value; }

template <class T> inline T atomicAdd(T* address, T value) {
    const T old = *address;
    *address = old + value;
    return old;
}

inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }

template <class To, class From> inline To sym_shim_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "bits are moved, not converted");
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
}
inline double __longlong_as_double(long long bits) { return sym_shim_bits<double>(bits); }
inline float __int_as_float(int bits) { return sym_shim_bits<float>(bits); }

inline unsigned __activemask() { return 1u; }
template <class T> inline unsigned __match_all_sync(unsigned mask, T, int* agree) {
    *agree = 1;
    return mask;
}
template <class T> inline T __shfl_down_sync(unsigned, T value, unsigned, int = 32) { return value; }

// Last, because the headers of the C++ library use some of these words.
#define __global__
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __device__
#define __shared__ static thread_local
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
