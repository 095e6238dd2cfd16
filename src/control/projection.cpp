#include "control/projection.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace gridfed {

namespace {

constexpr double rounding = 1e-10;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Rows that are active, as columns, and their multipliers.
struct ActiveSet {
  std::vector<int> rows;
  std::vector<double> multipliers;

  void drop(std::size_t k) {
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(k));
    multipliers.erase(multipliers.begin() + static_cast<std::ptrdiff_t>(k));
  }
};

}  // namespace

Projection project(Eigen::VectorXd& x, const Eigen::MatrixXd& rows, const Eigen::VectorXd& bounds) {
  const Eigen::VectorXd norms = rows.rowwise().norm();
  const Eigen::VectorXd start = x;
  ActiveSet active;
  // Each round adds a row, and the objective grows: no active set comes back. The limit is for rounding.
  for (int round = 0; round < 50 + 4 * static_cast<int>(rows.rows()); ++round) {
    const Eigen::VectorXd excess = rows * x - bounds;
    int added = -1;
    double worst = rounding;
    for (Eigen::Index i = 0; i < rows.rows(); ++i) {
      if (norms[i] > rounding ? excess[i] / norms[i] > worst : excess[i] > rounding) {
        added = static_cast<int>(i);
        worst = norms[i] > rounding ? excess[i] / norms[i] : infinity;  // a row that nothing moves cannot be met
      }
    }
    if (added < 0) return {true, static_cast<int>(active.rows.size())};
    const Eigen::VectorXd normal = -rows.row(added).transpose();
    double multiplier = 0;
    for (bool full = false; !full;) {
      Eigen::VectorXd step = normal, coefficients;
      if (!active.rows.empty()) {
        Eigen::MatrixXd normals(x.size(), static_cast<Eigen::Index>(active.rows.size()));
        for (std::size_t k = 0; k < active.rows.size(); ++k)
          normals.col(static_cast<Eigen::Index>(k)) = -rows.row(active.rows[k]).transpose();
        coefficients = normals.colPivHouseholderQr().solve(normal);
        step -= normals * coefficients;
      }
      double dual_step = infinity;
      std::size_t blocking = 0;
      for (std::size_t k = 0; k < active.rows.size(); ++k) {
        const double coefficient = coefficients[static_cast<Eigen::Index>(k)];
        if (coefficient > rounding && active.multipliers[k] / coefficient < dual_step) {
          dual_step = active.multipliers[k] / coefficient;
          blocking = k;
        }
      }
      const double slope = step.squaredNorm();
      const double missing = bounds[added] - rows.row(added).dot(x);
      const double primal_step = slope > rounding * normal.squaredNorm() ? -missing / slope : infinity;
      const double length = std::min(dual_step, primal_step);
      if (length == infinity) {
        x = start;
        return {false, static_cast<int>(active.rows.size())};
      }
      if (primal_step < infinity) x += length * step;
      for (std::size_t k = 0; k < active.rows.size(); ++k) active.multipliers[k] -= length * coefficients[static_cast<Eigen::Index>(k)];
      multiplier += length;
      full = length == primal_step;
      if (!full) active.drop(blocking);
    }
    active.rows.push_back(added);
    active.multipliers.push_back(multiplier);
  }
  x = start;
  return {false, static_cast<int>(active.rows.size())};
}

double project_softly(Eigen::VectorXd& x, const Eigen::MatrixXd& rows, const Eigen::VectorXd& bounds, const Eigen::MatrixXd& hard,
                      const Eigen::VectorXd& hard_bounds, double penalty) {
  // With s = sqrt(penalty) t the price is |dx|^2 + s^2: a projection in one dimension more.
  const Eigen::Index n = x.size();
  const double scale = std::sqrt(penalty);
  Eigen::MatrixXd all = Eigen::MatrixXd::Zero(rows.rows() + hard.rows(), n + 1);
  all.topLeftCorner(rows.rows(), n) = rows;
  all.topRightCorner(rows.rows(), 1).setConstant(-1 / scale);
  all.bottomLeftCorner(hard.rows(), n) = hard;
  Eigen::VectorXd all_bounds(bounds.size() + hard_bounds.size()), point(n + 1);
  all_bounds << bounds, hard_bounds;
  point << x, 0.0;
  if (!project(point, all, all_bounds).feasible) return infinity;
  x = point.head(n);
  return std::max(0.0, point[n] / scale);
}

}  // namespace gridfed
