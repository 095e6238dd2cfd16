#include "rl/linear_algebra.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <experimental/simd>
#include <vector>

// Present when the linked BLAS is OpenBLAS, whose threads LibTorch does not always govern.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace gridfed {

namespace {

using Lanes = std::experimental::native_simd<float>;
constexpr std::experimental::element_aligned_tag unaligned{};

at::Tensor tensor(MatrixView<const float> m) {
  // from_blob takes no const; the factors are only read.
  return at::from_blob(const_cast<float*>(m.data), {m.rows, m.cols}, {m.row_stride, m.col_stride});
}

}  // namespace

float dot(const float* a, const float* b, std::int64_t n) {
  constexpr auto width = static_cast<std::int64_t>(Lanes::size());
  Lanes sums[4] = {};
  std::int64_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    for (std::int64_t k = 0; k < 4; ++k) sums[k] += Lanes(a + i + k * width, unaligned) * Lanes(b + i + k * width, unaligned);
  }
  for (; i + width <= n; i += width) sums[0] += Lanes(a + i, unaligned) * Lanes(b + i, unaligned);
  float sum = std::experimental::reduce((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(float* y, float factor, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

namespace {

enum class Into { replace, add };

void product(MatrixView<float> out, MatrixView<const float> a, MatrixView<const float> b, Into into) {
  assert(a.cols == b.rows && out.rows == a.rows && out.cols == b.cols && out.col_stride == 1);
  const auto prepare = [&] {
    if (into == Into::add) return;
    for (std::int64_t i = 0; i < out.rows; ++i) std::fill_n(out.data + i * out.row_stride, out.cols, 0.0F);
  };
  if (out.rows == 0 || out.cols == 0) return;
  if (a.cols == 0) return prepare();
  // Networks with one output make products of vectors, which loops do several times faster than the library.
  if (out.cols == 1 && a.col_stride == 1 && b.row_stride == 1) {
    prepare();
    for (std::int64_t i = 0; i < out.rows; ++i) out.data[i * out.row_stride] += dot(a.data + i * a.row_stride, b.data, a.cols);
    return;
  }
  if ((a.cols == 1 || out.rows == 1) && b.col_stride == 1) {
    prepare();
    for (std::int64_t i = 0; i < out.rows; ++i) {
      for (std::int64_t k = 0; k < a.cols; ++k) {
        add_scaled(out.data + i * out.row_stride, a.data[i * a.row_stride + k * a.col_stride], b.data + k * b.row_stride, out.cols);
      }
    }
    return;
  }
  const at::NoGradGuard no_grad;
  at::Tensor result = tensor(out);
  if (into == Into::add) {
    at::addmm_out(result, result, tensor(a), tensor(b));
  } else {
    at::mm_out(result, tensor(a), tensor(b));
  }
}

}  // namespace

void multiply(MatrixView<float> out, MatrixView<const float> a, MatrixView<const float> b) {
  product(out, a, b, Into::replace);
}

void multiply_add(MatrixView<float> out, MatrixView<const float> a, MatrixView<const float> b) {
  product(out, a, b, Into::add);
}

void set_threads(int threads) {
  at::set_num_threads(threads);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
}

double gemm_gflops() {
  constexpr std::int64_t n = 256;
  std::vector<float> a(n * n, 0.5F), b(n * n, 0.25F), c(n * n);
  const auto matrix = [](std::vector<float>& values) { return as_matrix(std::span(values), n, n); };
  double seconds = 1e9;
  for (int i = 0; i < 4; ++i) {  // the first pays for start-up
    const auto start = std::chrono::steady_clock::now();
    multiply(matrix(c), matrix(a), matrix(b));
    seconds = std::min(seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 2.0 * n * n * n / seconds * 1e-9;
}

}  // namespace gridfed
