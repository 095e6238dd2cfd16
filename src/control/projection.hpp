#pragma once

#include <Eigen/Dense>

namespace gridfed {

struct Projection {
  bool feasible = false;
  int active = 0;  ///< rows that hold with equality
};

/// Moves x to the nearest point with rows x <= bounds, by the dual active-set method of Goldfarb and Idnani (Math. Programming 27, 1983)
/// for the identity as Hessian. Where one row alone is active this is x - r max(0, r x - b) / (r r). x is left as it is where no point
/// meets all rows.
Projection project(Eigen::VectorXd& x, const Eigen::MatrixXd& rows, const Eigen::VectorXd& bounds);

/// The same with rows that may be left at a price: minimises |dx|^2 + penalty t^2 with rows x <= bounds + t, while `hard` rows hold.
/// Returns t >= 0.
double project_softly(Eigen::VectorXd& x, const Eigen::MatrixXd& rows, const Eigen::VectorXd& bounds, const Eigen::MatrixXd& hard,
                      const Eigen::VectorXd& hard_bounds, double penalty);

}  // namespace gridfed
