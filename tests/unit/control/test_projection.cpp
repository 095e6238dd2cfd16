#include "control/projection.hpp"

#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed {
namespace {

TEST(Projection, OntoOneLimitIsTheClosedForm) {
  Eigen::MatrixXd row(1, 3);
  row << 1, -2, 0.5;
  Eigen::VectorXd bound(1), x(3);
  bound << 0.4;
  x << 1, 0.2, -0.3;
  const Eigen::VectorXd before = x, r = row.row(0).transpose();
  const Eigen::VectorXd expected = x - r * (r.dot(x) - 0.4) / r.squaredNorm();
  const auto done = project(x, row, bound);
  EXPECT_TRUE(done.feasible);
  EXPECT_EQ(done.active, 1);
  EXPECT_LT((x - expected).norm(), 1e-12);
  bound << 2;
  x = before;
  EXPECT_EQ(project(x, row, bound).active, 0);
  EXPECT_EQ(x, before);
}

/// At the nearest point the way back is a sum of active rows with multipliers that are not negative (Karush, Kuhn and Tucker); with at most
/// `n` independent active rows they are unique and found by least squares.
TEST(Projection, MeetsTheOptimalityConditionsOfRandomProblems) {
  RandomStream random(3, Draw::test);
  int several = 0;
  for (int trial = 0; trial < 500; ++trial) {
    const Eigen::Index n = 2 + trial % 6, m = 1 + trial % 23;
    Eigen::MatrixXd rows(m, n);
    Eigen::VectorXd bounds(m), x(n);
    for (Eigen::Index i = 0; i < m; ++i) {
      for (Eigen::Index k = 0; k < n; ++k) rows(i, k) = random.normal();
      bounds[i] = random.uniform(0.05, 1);  // zero is inside
    }
    for (Eigen::Index k = 0; k < n; ++k) x[k] = 3 * random.normal();
    const Eigen::VectorXd start = x;
    const auto done = project(x, rows, bounds);
    ASSERT_TRUE(done.feasible) << trial;
    const Eigen::VectorXd excess = rows * x - bounds;
    EXPECT_LT(excess.maxCoeff(), 1e-8) << trial;
    std::vector<Eigen::Index> active;
    for (Eigen::Index i = 0; i < m; ++i) {
      if (excess[i] > -1e-7) active.push_back(i);
    }
    several += active.size() > 1;
    if (active.empty()) {
      EXPECT_EQ(x, start);
      continue;
    }
    Eigen::MatrixXd normals(n, static_cast<Eigen::Index>(active.size()));
    for (std::size_t k = 0; k < active.size(); ++k) normals.col(static_cast<Eigen::Index>(k)) = rows.row(active[k]).transpose();
    const Eigen::VectorXd multipliers = normals.colPivHouseholderQr().solve(start - x);
    EXPECT_LT((normals * multipliers - (start - x)).norm(), 1e-7) << trial;
    for (const double multiplier : multipliers) EXPECT_GT(multiplier, -1e-7) << trial;
  }
  EXPECT_GT(several, 100);
}

TEST(Projection, SaysWhereNoPointMeetsAllLimits) {
  Eigen::MatrixXd rows(2, 2);
  rows << 1, 1, -1, -1;
  Eigen::VectorXd bounds(2), x(2);
  bounds << -1, -1;
  x << 0.3, 0.4;
  EXPECT_FALSE(project(x, rows, bounds).feasible);
  EXPECT_EQ(x[0], 0.3);
  EXPECT_EQ(x[1], 0.4);
  rows << 0, 0, 1, 0;  // a limit that nothing moves
  EXPECT_FALSE(project(x, rows, bounds).feasible);
}

TEST(Projection, LeavesLimitsAtTheirPrice) {
  // x >= 2 is asked for, x <= 1 is hard: the least excess is 1, at x = 1.
  Eigen::MatrixXd rows(1, 1), hard(1, 1);
  rows << -1;
  hard << 1;
  Eigen::VectorXd bounds(1), hard_bounds(1), x(1);
  bounds << -2;
  hard_bounds << 1;
  x << 0;
  EXPECT_NEAR(project_softly(x, rows, bounds, hard, hard_bounds, 1000), 1, 1e-9);
  EXPECT_NEAR(x[0], 1, 1e-9);
  // Without the hard bound: minimise x^2 + 1000 t^2 with x >= 2 - t, so x = 2000 / 1001.
  hard_bounds << 10;
  x << 0;
  EXPECT_NEAR(project_softly(x, rows, bounds, hard, hard_bounds, 1000), 2.0 / 1001, 1e-9);
  EXPECT_NEAR(x[0], 2000.0 / 1001, 1e-9);
}

}  // namespace
}  // namespace gridfed
