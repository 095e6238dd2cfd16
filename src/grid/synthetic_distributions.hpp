#pragma once

#include "runtime/random.hpp"

#include <cstdint>
#include <span>
#include <vector>

/// What a synthetic distribution network is drawn from: the laws that Schweitzer, Scaglione, Monti and Pagani ("Automated generation
/// algorithm for synthetic medium voltage radial distribution systems", IEEE JETCAS 7, 2017, table III) fitted to about a hundred Dutch
/// medium-voltage feeders. Hops count branches from the high-voltage source: its busbar is at hop 1.
namespace gridfed::synthetic {

/// A law over the whole numbers first, first + 1, ...
class DiscreteLaw {
 public:
  /// Weights need not add up to one.
  DiscreteLaw(int first, std::vector<double> weights);
  int draw(RandomStream& random) const;
  double probability(int value) const;
  int first() const { return first_; }
  int last() const { return first_ + static_cast<int>(cumulative_.size()) - 1; }

 private:
  int first_;
  std::vector<double> cumulative_;
};

inline constexpr int last_hop = 60;

/// Hop distance of a node beyond the busbar: negative binomial (r = 3.14, p = 0.41), conditional on two hops or more.
const DiscreteLaw& hop_law();
/// Wanted number of branches at a node: 0.85 Gamma(1.49, 0.65) + 0.15 Gamma(4.42, 1.67), where 1 to 3 means two branches and the rest is
/// rounded, conditional on at most 10.58 hop^-0.75.
const DiscreteLaw& degree_law(int hop);
/// Hop distance of a node without load: 0.67 Poisson(1.54) + 0.33 Poisson(4.82), conditional on two hops or more.
const DiscreteLaw& no_load_hop_law();
/// Share of nodes without load: Beta(1.64, 15.77).
double draw_no_load_share(RandomStream& random);
/// Load of one of n nodes over the mean: 1 + n e, e from Student's t with 1.06 degrees of freedom times 0.0026, conditional on (0, most].
double draw_relative_load(int n, double most, RandomStream& random);
/// Estimated current over the rating of a conductor: exponential, mean 0.31, conditional on at most 1.
double draw_loading(RandomStream& random);
double loading_probability(double from, double to);
/// Length of a branch [m]: Cauchy (119 m, 159 m), conditional on 1 m to 5.27 km exp(-0.0765 hop).
double draw_length(int hop, RandomStream& random);
double length_probability(int hop, double from, double to);

/// Kullback-Leibler divergence [nat] of observed frequencies from expected ones, class by class; neither need add up to one. Infinite where
/// something was observed that cannot be.
double divergence(std::span<const double> observed, std::span<const double> expected);

}  // namespace gridfed::synthetic
