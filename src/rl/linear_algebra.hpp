#pragma once

#include <cstdint>
#include <span>

namespace gridfed {

/// A strided view of a matrix in someone else's memory.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::int64_t rows = 0, cols = 0;
  std::int64_t row_stride = 0, col_stride = 1;

  MatrixView transposed() const { return {data, cols, rows, col_stride, row_stride}; }
  MatrixView columns(std::int64_t first, std::int64_t count) const {
    return {data + first * col_stride, rows, count, row_stride, col_stride};
  }
  operator MatrixView<const T>() const { return {data, rows, cols, row_stride, col_stride}; }
};

/// Row-major view of a span of rows * cols values.
template <class T>
MatrixView<T> as_matrix(std::span<T> values, std::int64_t rows, std::int64_t cols) {
  return {values.data(), rows, cols, cols, 1};
}

/// out = a b; out has contiguous rows and overlaps neither factor.
void multiply(MatrixView<float> out, MatrixView<const float> a, MatrixView<const float> b);
/// out += a b, likewise.
void multiply_add(MatrixView<float> out, MatrixView<const float> a, MatrixView<const float> b);

float dot(const float* a, const float* b, std::int64_t n);
/// y += factor * x
void add_scaled(float* y, float factor, const float* x, std::int64_t n);

/// Threads that matrix products of this process use (those of OpenMP).
void set_threads(int threads);

}  // namespace gridfed
