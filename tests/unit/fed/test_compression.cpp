#include "fed/compression.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gridfed {
namespace {

std::vector<float> normals(std::size_t size, std::uint64_t seed) {
  RandomStream stream(seed, Draw::test);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

std::vector<float> dense(const SparseUpdate& update) {
  std::vector<float> vector(update.size, 0.0f);
  const auto indices = update.indices();
  for (std::size_t i = 0; i < indices.size(); ++i) vector[indices[i]] = update.values[i];
  return vector;
}

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

TEST(Largest, TakesTheLargestMagnitudesAndOfEqualOnesTheFirst) {
  const std::vector<float> vector{1, -2, 2, 0.5f, 2, -2};
  EXPECT_EQ(largest(vector, 2).indices(), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(largest(vector, 3).indices(), (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(largest(vector, 5).values, (std::vector<float>{1, -2, 2, 2, -2}));
  EXPECT_EQ(largest(vector, 6).values, vector);
  EXPECT_TRUE(largest(vector, 0).indices().empty());
  const std::vector<float> equal(1000, 3.0f);
  const auto first = largest(equal, 100).indices();
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(first[i], i);
}

TEST(Encoding, FloatsReturnAsTheyWereAtEveryDensity) {
  RandomStream stream(1, Draw::quantisation);
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 1000u, 100003u}) {
    const auto vector = normals(size, size);
    for (const double ratio : {0.0, 0.001, 0.05, 0.2, 0.9, 1.0}) {
      const SparseUpdate sent = largest(vector, static_cast<std::size_t>(ratio * static_cast<double>(size)));
      const SparseUpdate received = decode(encode(sent, 32, Rounding::stochastic, stream), size);
      EXPECT_EQ(received.indices(), sent.indices());
      EXPECT_EQ(received.values, sent.values);
    }
  }
}

TEST(Encoding, TakesGapsWhereTheySaveMoreThanAnEighth) {
  RandomStream stream(1, Draw::quantisation);
  const auto vector = normals(80000, 3);
  const auto bytes = [&](std::size_t k, int bits) { return encode(largest(vector, k), bits, Rounding::stochastic, stream).size(); };
  const auto scales = [](std::size_t k) { return 4 * ((k + 1023) / 1024); };
  EXPECT_EQ(bytes(80000, 8), 12 + scales(80000) + 80000);
  EXPECT_EQ(bytes(40000, 8), 12 + 10000 + scales(40000) + 40000);     // bitmap: one bit for each parameter
  EXPECT_EQ(bytes(8000, 8), 12 + 10000 + scales(8000) + 8000);        // gaps would save a ninth
  EXPECT_LT(bytes(4000, 8), 12 + 4000 * 1.05 + scales(4000) + 4000);  // gaps: mean 20, so one byte but for the rare long one
  EXPECT_GE(bytes(4000, 8), 12 + 4000 + scales(4000) + 4000);
  EXPECT_EQ(bytes(80000, 4), 12 + scales(80000) + 40000);
  EXPECT_EQ(bytes(80000, 2), 12 + scales(80000) + 20000);
  EXPECT_EQ(bytes(80000, 32), 12u + 4 * 80000);
}

TEST(Quantisation, StaysWithinOneLevelAndKeepsTheLargest) {
  RandomStream stream(1, Draw::quantisation);
  const auto vector = normals(3000, 4);
  for (int bits = 2; bits <= 8; ++bits) {
    const double top = (1 << (bits - 1)) - 1;
    for (const Rounding rounding : {Rounding::nearest, Rounding::stochastic}) {
      const auto received = decode(encode(largest(vector, 3000), bits, rounding, stream), 3000).values;
      for (std::size_t first = 0; first < 3000; first += 1024) {
        const std::size_t last = std::min<std::size_t>(first + 1024, 3000);
        const float scale = largest_magnitude(std::span(vector).subspan(first, last - first));
        const double step = scale / top;
        for (std::size_t i = first; i < last; ++i) {
          EXPECT_LE(std::abs(received[i] - vector[i]), (rounding == Rounding::nearest ? 0.5 : 1.0) * step * 1.0001);
          if (std::abs(vector[i]) == scale) {
            EXPECT_FLOAT_EQ(received[i], vector[i]);
          }
        }
      }
    }
  }
}

TEST(Quantisation, StochasticRoundingIsRightOnAverage) {
  const auto vector = normals(50, 5);
  const float scale = largest_magnitude(vector);
  for (const int bits : {2, 4, 8}) {
    const int draws = 4000;
    std::vector<double> mean(vector.size(), 0.0);
    for (int draw = 0; draw < draws; ++draw) {
      RandomStream stream(11, Draw::quantisation, 0, draw);
      const auto received = decode(encode(largest(vector, vector.size()), bits, Rounding::stochastic, stream), vector.size()).values;
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += received[i] / static_cast<double>(draws);
    }
    const double step = scale / ((1 << (bits - 1)) - 1);  // a draw deviates by at most step / 2 in root mean square
    for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], vector[i], 5 * step / 2 / std::sqrt(draws)) << bits;
  }
}

TEST(Quantisation, AZeroUpdateStaysZero) {
  RandomStream stream(1, Draw::quantisation);
  const std::vector<float> zero(100, 0.0f);
  for (const int bits : {2, 8, 32}) EXPECT_EQ(decode(encode(largest(zero, 100), bits, Rounding::stochastic, stream), 100).values, zero);
}

TEST(Decode, RefusesEveryTruncationAndSurvivesEveryFlippedByte) {
  RandomStream stream(1, Draw::quantisation);
  const auto vector = normals(300, 6);
  for (const std::size_t k : {10u, 200u, 300u}) {
    for (const int bits : {3, 8, 32}) {
      const EncodedUpdate message = encode(largest(vector, k), bits, Rounding::stochastic, stream);
      for (std::size_t length = 0; length < message.size(); ++length) {
        EXPECT_THROW(decode(std::span(message).first(length), 300), Error) << length;
      }
      EncodedUpdate longer = message;
      longer.push_back(std::byte{0});
      EXPECT_THROW(decode(longer, 300), Error);
      EXPECT_THROW(decode(message, 299), Error);
      for (std::size_t i = 0; i < message.size(); ++i) {
        for (const unsigned flip : {1u, 0x80u, 0xFFu}) {
          EncodedUpdate broken = message;
          broken[i] ^= static_cast<std::byte>(flip);
          try {
            const SparseUpdate update = decode(broken, 300);  // another value may pass, a place outside the vector never
            EXPECT_EQ(update.indices().size(), update.values.size());
            const auto indices = update.indices();
            EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
            if (!update.indices().empty()) {
              EXPECT_LT(update.indices().back(), 300u);
            }
            for (const float value : update.values) EXPECT_TRUE(std::isfinite(value));
          } catch (const Error&) {
          }
        }
      }
    }
  }
}

TEST(Decode, RefusesAForgedCountBeforeItAllocates) {
  const std::uint32_t size = 4'000'000'000, forged = 3'999'999'999;
  for (const unsigned coding : {0u, 1u, 2u}) {  // all, gaps, bitmap
    EncodedUpdate message(20);
    std::memcpy(message.data(), &size, sizeof(size));
    std::memcpy(message.data() + 4, &forged, sizeof(forged));
    message[8] = std::byte{32};
    message[9] = static_cast<std::byte>(coding);
    message[11] = std::byte{4};  // 1024 values a scale
    EXPECT_THROW(decode(message, size), Error);
  }
}

TEST(ErrorFeedback, NothingIsLost) {
  const std::size_t size = 500;
  for (const Compression compression : {Compression{.ratio = 0.1}, Compression{.ratio = 0.1, .bits = 4, .rounding = Rounding::nearest}}) {
    std::vector<float> residual(size, 0.0f);
    std::vector<double> put_in(size, 0.0), came_out(size, 0.0);
    for (int round = 0; round < 30; ++round) {
      const auto update = normals(size, 100 + round);
      RandomStream stream(1, Draw::quantisation, 0, round);
      const SparseUpdate received = decode(compress(update, compression, residual, stream), size);
      EXPECT_EQ(received.indices().size(), 50u);
      const auto out = dense(received);
      for (std::size_t i = 0; i < size; ++i) {
        put_in[i] += update[i];
        came_out[i] += out[i];
      }
    }
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(put_in[i], came_out[i] + residual[i], 1e-4);
  }
}

/// Distance to the optimum of sum_i h_i (x_i - 1)^2 / 2 after gradient steps of which one coordinate in twenty is sent.
double distance_left(Compression compression) {
  const std::size_t size = 200;
  std::vector<float> x(size, 0.0f), residual(size, 0.0f), step(size);
  for (int round = 0; round < 3000; ++round) {
    for (std::size_t i = 0; i < size; ++i) step[i] = -0.05f * (0.2f + 0.8f * static_cast<float>(i) / size) * (x[i] - 1);
    RandomStream stream(1, Draw::quantisation, 0, round);
    const auto out = dense(decode(compress(step, compression, residual, stream), size));
    for (std::size_t i = 0; i < size; ++i) x[i] += out[i];
  }
  double squares = 0;
  for (const float value : x) squares += (value - 1.0) * (value - 1.0);
  return std::sqrt(squares);
}

TEST(ErrorFeedback, TopKReachesTheOptimumOfAQuadratic) {
  EXPECT_LT(distance_left({.ratio = 0.05}), 1e-3);
  EXPECT_LT(distance_left({.ratio = 0.05, .bits = 8}), 1e-3);
  EXPECT_LT(distance_left({.ratio = 0.05, .bits = 8, .rounding = Rounding::nearest}), 1e-3);
  EXPECT_LT(distance_left({.ratio = 0.05, .bits = 2, .rounding = Rounding::nearest}), 1e-3);
}

}  // namespace
}  // namespace gridfed
