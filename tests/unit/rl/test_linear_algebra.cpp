#include "rl/linear_algebra.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gridfed {
namespace {

// Thin shapes take their own loops, the rest the library: all must agree with the definition, also for transposed and strided factors.
TEST(Multiply, AgreesWithTheDefinitionForEveryShape) {
  for (const std::int64_t rows : {0, 1, 3, 17}) {
    for (const std::int64_t inner : {0, 1, 5, 40}) {
      for (const std::int64_t cols : {1, 2, 19}) {
        std::vector<float> a(static_cast<std::size_t>(rows * inner)), b(static_cast<std::size_t>(inner * cols)),
            out(static_cast<std::size_t>(rows * cols), 7);
        for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) - 3.0F;
        for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 5) - 2.0F;
        const MatrixView<const float> plain_a{a.data(), rows, inner, inner, 1}, stored_a_transposed{a.data(), inner, rows, rows, 1};
        const MatrixView<const float> plain_b{b.data(), inner, cols, cols, 1}, stored_b_transposed{b.data(), cols, inner, inner, 1};
        for (const auto& left : {plain_a, stored_a_transposed.transposed()}) {
          for (const auto& right : {plain_b, stored_b_transposed.transposed()}) {
            multiply(as_matrix(std::span(out), rows, cols), left, right);
            for (std::int64_t i = 0; i < rows; ++i) {
              for (std::int64_t j = 0; j < cols; ++j) {
                float sum = 0;
                for (std::int64_t k = 0; k < inner; ++k) {
                  sum += left.data[i * left.row_stride + k * left.col_stride] * right.data[k * right.row_stride + j * right.col_stride];
                }
                EXPECT_FLOAT_EQ(out[static_cast<std::size_t>(i * cols + j)], sum);
              }
            }
          }
        }
      }
    }
  }
}

TEST(Multiply, ReadsAColumnRangeInPlace) {
  const std::vector<float> a{1, 2, 3, 4}, b{0, 1, 2, 3, 4, 5};  // b is 2 x 3
  std::vector<float> out(4);
  multiply(as_matrix(std::span(out), 2, 2), as_matrix(std::span(a), 2, 2), as_matrix(std::span(b), 2, 3).columns(1, 2));
  EXPECT_EQ(out, (std::vector<float>{1 * 1 + 2 * 4, 1 * 2 + 2 * 5, 3 * 1 + 4 * 4, 3 * 2 + 4 * 5}));
}

TEST(MultiplyAdd, AddsToWhatIsThere) {
  const std::vector<float> a{1, 2, 3, 4}, b{0, 1, 2, 3, 4, 5};
  std::vector<float> out{10, 10, 10, 0, 20, 20, 20, 0};  // 2 x 3 in rows of 4
  MatrixView<float> view{out.data(), 2, 3, 4, 1};
  multiply_add(view, as_matrix(std::span(a), 2, 2), as_matrix(std::span(b), 2, 3));
  EXPECT_EQ(out, (std::vector<float>{16, 19, 22, 0, 32, 39, 46, 0}));
  view = view.columns(0, 1);
  multiply_add(view, as_matrix(std::span(a), 2, 2), as_matrix(std::span(b), 2, 3).columns(0, 1));
  EXPECT_EQ(out[0], 22);
  EXPECT_EQ(out[4], 44);
}

}  // namespace
}  // namespace gridfed
