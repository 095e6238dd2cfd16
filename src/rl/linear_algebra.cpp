#include "rl/linear_algebra.hpp"

#include "runtime/error.hpp"

#include <ATen/Parallel.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <cassert>
#include <experimental/simd>

// Products go to oneDNN, which writes its kernels for the processor it finds. LibTorch 1.13 hands them to the system's BLAS, and OpenBLAS
// 0.3.21 takes a processor newer than itself for one without AVX: on such a one 32 GFLOP/s were measured where oneDNN makes 160.

namespace gridfed {

namespace {

using Lanes = std::experimental::native_simd<float>;
constexpr std::experimental::element_aligned_tag unaligned{};

/// How oneDNN names a view: whether it is stored transposed, and the distance of its stored rows.
struct Stored {
  char transposed;
  std::int64_t stride;
};
Stored stored(MatrixView<const float> m) {
  assert(m.col_stride == 1 || m.row_stride == 1);
  return m.col_stride == 1 ? Stored{'N', std::max(m.row_stride, m.cols)} : Stored{'T', std::max(m.col_stride, m.rows)};
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
  const Stored left = stored(a), right = stored(b);
  const auto status = dnnl_sgemm(left.transposed, right.transposed, out.rows, out.cols, a.cols, 1.0F, a.data, left.stride, b.data,
                                 right.stride, into == Into::add ? 1.0F : 0.0F, out.data, out.row_stride);
  if (status != dnnl_success)
    throw Error("oneDNN cannot multiply matrices (status {}): there may be no memory left", static_cast<int>(status));
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
}

}  // namespace gridfed
