#include "powerflow/cluster_factor.hpp"

#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace gridfed {
namespace {

/// A random network of buses with one to three nodes: a tree, or with `loops` more branches; about half of the buses carry a port.
struct Example {
  std::vector<int> bus_start{0}, row_start{0}, column;
  std::vector<Complex> value;
  std::vector<double> base;
  std::vector<ClusterFactor::Port> ports;
  std::vector<bool> kept;
  Eigen::MatrixXcd dense;

  Example(int buses, int loops, std::uint64_t seed) {
    RandomStream random(seed, Draw::scenario, 0, 0);
    for (int b = 0; b < buses; ++b) bus_start.push_back(bus_start.back() + 1 + static_cast<int>(random.below(3)));
    const int n = bus_start.back();
    dense = Eigen::MatrixXcd::Zero(n, n);
    const auto tie = [&](int a, int b) {
      for (int k = 0; k < std::min(size(a), size(b)); ++k) {
        const int i = bus_start[a] + k, j = bus_start[b] + k;
        const Complex y = 1e3 * Complex(1 + random.uniform(), -2 - random.uniform());
        dense(i, i) += y;
        dense(j, j) += y;
        dense(i, j) -= y;
        dense(j, i) -= y;
      }
    };
    for (int b = 1; b < buses; ++b) tie(static_cast<int>(random.below(static_cast<std::uint64_t>(b))), b);
    for (int l = 0; l < loops; ++l) {
      const int a = static_cast<int>(random.below(static_cast<std::uint64_t>(buses))),
                b = static_cast<int>(random.below(static_cast<std::uint64_t>(buses)));
      if (a != b) tie(a, b);
    }
    for (int i = 0; i < n; ++i) dense(i, i) += Complex(5 + random.uniform(), 3);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        if (dense(i, j) == Complex{} && i != j) continue;
        column.push_back(j);
        value.push_back(dense(i, j));
      }
      row_start.push_back(static_cast<int>(column.size()));
      base.push_back(i % 2 ? 7200 : 240);
    }
    kept.assign(n, false);
    for (int b = 0; b < buses; ++b) {
      if (random.uniform() < 0.5) continue;
      const int first = bus_start[b];
      ports.push_back(size(b) > 1 && random.uniform() < 0.5 ? ClusterFactor::Port{first, first + 1} : ClusterFactor::Port{first, -1});
    }
    ports.push_back({0, -1});
  }

  int size(int bus) const { return bus_start[bus + 1] - bus_start[bus]; }
  NodalMatrix matrix() const { return {bus_start, row_start, column, value, base}; }

  /// Largest difference from a dense solution, of port voltages and of all nodes [p.u.].
  double error(const ClusterFactor& factor) const {
    const int n = bus_start.back();
    std::vector<double> r_re(factor.channels()), r_im(factor.channels()), x_re(factor.channels()), x_im(factor.channels());
    Eigen::VectorXcd rhs = Eigen::VectorXcd::Zero(n);
    RandomStream random(99, Draw::load, 0, 0);
    for (std::size_t p = 0; p < ports.size(); ++p) {
      const Complex current(random.normal(), random.normal());
      r_re[factor.channel_of_port()[p]] += current.real();
      r_im[factor.channel_of_port()[p]] += current.imag();
      rhs(ports[p][0]) += current;
      if (ports[p][1] >= 0) rhs(ports[p][1]) -= current;
    }
    const Eigen::VectorXcd wanted = dense.partialPivLu().solve(rhs);
    factor.solve(r_re.data(), r_im.data(), x_re.data(), x_im.data());
    std::vector<Complex> v(n);
    factor.recover(r_re.data(), r_im.data(), x_re.data(), x_im.data(), v);
    double largest = 0;
    for (int i = 0; i < n; ++i) largest = std::max(largest, std::abs(v[i] / base[i] - wanted(i)));
    for (std::size_t p = 0; p < ports.size(); ++p) {
      const int channel = factor.channel_of_port()[p];
      const Complex port = wanted(ports[p][0]) - (ports[p][1] >= 0 ? wanted(ports[p][1]) : Complex{});
      largest = std::max(largest, std::abs(Complex(x_re[channel], x_im[channel]) - port));
    }
    return largest / wanted.cwiseAbs().maxCoeff();
  }
};

class EveryShape : public testing::TestWithParam<std::pair<int, int>> {};
INSTANTIATE_TEST_SUITE_P(ClusterFactor, EveryShape,
                         testing::Values(std::pair{1, 0}, std::pair{2, 0}, std::pair{9, 0}, std::pair{60, 0}, std::pair{250, 0},
                                         std::pair{60, 3}, std::pair{60, 40}, std::pair{120, 200}));

TEST_P(EveryShape, SolvesWhatADenseFactorisationSolves) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Example e(GetParam().first, GetParam().second, seed);
    ClusterFactor factor(e.matrix(), e.ports, e.kept, 0);
    ASSERT_EQ(factor.factorise(e.matrix()), -1);
    EXPECT_LT(e.error(factor), 1e-11) << seed;
  }
}

TEST_P(EveryShape, AChangedRowIsTakenUpByItsWayToTheRootAlone) {
  Example e(GetParam().first, GetParam().second, 5);
  const int node = e.bus_start.back() / 2;
  e.kept[node] = true;
  ClusterFactor factor(e.matrix(), e.ports, e.kept, 0);
  ASSERT_EQ(factor.factorise(e.matrix()), -1);
  for (int k = e.row_start[node]; k < e.row_start[node + 1]; ++k) {
    if (e.column[k] == node) e.value[k] = e.dense(node, node) *= 1.5;
  }
  ASSERT_EQ(factor.refactorise(e.matrix(), std::span(&node, 1)), -1);
  EXPECT_LT(e.error(factor), 1e-11);
}

class LargeShape : public testing::TestWithParam<std::pair<int, int>> {};
INSTANTIATE_TEST_SUITE_P(ClusterFactor, LargeShape, testing::Values(std::pair{900, 20}, std::pair{500, 100}));

TEST_P(LargeShape, SinglePrecisionFollowsDouble) {
  const Example e(GetParam().first, GetParam().second, 3);
  ClusterFactor factor(e.matrix(), e.ports, e.kept, 0);
  ASSERT_EQ(factor.factorise(e.matrix()), -1);
  ASSERT_TRUE(factor.has_single());
  std::vector<double> r_re(factor.channels()), r_im(factor.channels()), x_re(factor.channels()), x_im(factor.channels());
  RandomStream random(7, Draw::load, 0, 0);
  for (const int channel : factor.channel_of_port()) {
    r_re[channel] = random.normal();
    r_im[channel] = random.normal();
  }
  std::vector<float> s_re(r_re.begin(), r_re.end()), s_im(r_im.begin(), r_im.end()), y_re(x_re.size()), y_im(x_re.size());
  factor.solve(r_re.data(), r_im.data(), x_re.data(), x_im.data());
  factor.solve(s_re.data(), s_im.data(), y_re.data(), y_im.data());
  double error = 0, largest = 0;
  for (std::size_t k = 0; k < x_re.size(); ++k) {
    error = std::max(error, std::abs(Complex(x_re[k] - y_re[k], x_im[k] - y_im[k])));
    largest = std::max(largest, std::abs(Complex(x_re[k], x_im[k])));
  }
  EXPECT_LT(error, 1e-4 * largest);
}

TEST(ClusterFactor, NamesANodeWhosePivotVanishes) {
  Example e(9, 0, 1);
  const int last = e.bus_start.back() - 1;
  for (int i = 0; i <= last; ++i) {
    for (int k = e.row_start[i]; k < e.row_start[i + 1]; ++k) {
      if (i == last || e.column[k] == last) e.value[k] = 0;
    }
  }
  e.kept[last] = true;
  ClusterFactor factor(e.matrix(), e.ports, e.kept, 0);
  EXPECT_EQ(factor.factorise(e.matrix()), last);
}

}  // namespace
}  // namespace gridfed
