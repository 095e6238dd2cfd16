#pragma once

#include "grid/synthetic_tree.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gridfed::synthetic {

/// How often something fell into each class, and how often its law says.
struct Comparison {
  std::string quantity;
  std::vector<std::string> classes;
  std::vector<double> observed, expected;  ///< counts; the second adds up to the first
  double divergence() const;               ///< [nat]
};

/// Counts that show how near a network comes to the laws it is drawn from. Counts of parts add up.
class Statistics {
 public:
  Statistics();

  void add_tree(const Tree& tree);
  /// Estimated current over rating of a medium-voltage line.
  void add_loading(double loading);

  std::span<std::int64_t> counts() { return counts_; }
  Statistics& operator+=(const Statistics& other);
  std::vector<Comparison> compare() const;

 private:
  std::vector<std::int64_t> counts_;
};

}  // namespace gridfed::synthetic
