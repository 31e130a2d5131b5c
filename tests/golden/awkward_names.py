import math


def log(class_):
    return class_ * class_


def index(first, last, int_, out, np_):
    for lane in range(first, last):
        lambda_of_x = int_[0, lane]
        lambda_ = np_ * (lambda_of_x + 1.0)
        double_of_x = int_[1, lane]
        double = np_ * (double_of_x + 1.0)
        threadIdx_of_x = int_[2, lane]
        threadIdx = np_ * (threadIdx_of_x + 1.0)
        math_of_x = int_[3, lane]
        math_ = np_ * (math_of_x + 1.0)
        first_of_x = int_[4, lane]
        first_ = np_ * (first_of_x + 1.0)
        sin_of_x = int_[5, lane]
        sin = np_ * (sin_of_x + 1.0)
        y0_of_x = int_[6, lane]
        y0 = np_ * (y0_of_x + 1.0)
        real_of_x = int_[7, lane]
        real_ = np_ * (real_of_x + 1.0)
        t0_of_x = int_[8, lane]
        t0 = np_ * (t0_of_x + 1.0)
        lane_stride_of_x = int_[9, lane]
        lane_stride = np_ * (lane_stride_of_x + 1.0)
        θ_of_x = int_[10, lane]
        θ = np_ * (θ_of_x + 1.0)
        theta_of_x = int_[11, lane]
        theta = np_ * (theta_of_x + 1.0)
        Δx_of_x = int_[12, lane]
        Δx = np_ * (Δx_of_x + 1.0)
        t1 = double + lambda_ + threadIdx + math_ + first_ + sin + y0 + real_ + t0 + lane_stride + θ
        t2 = theta + t1 + Δx
        log_0 = log(t2)
        t3 = math.sin(log_0)
        out[lane] = t3 + t2 * t3
