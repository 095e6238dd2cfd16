#pragma once

#include "grid/synthetic_equipment.hpp"
#include "grid/synthetic_statistics.hpp"

#include <cstdint>

namespace gridfed::synthetic {

struct SynthesisOptions {
  std::int64_t buses = 1000;
  std::uint64_t seed = 1;
  Style style = Style::eu;
};

/// How many substations share the buses of a network. Whatever follows is drawn for each of them alone, so that any part of a network can
/// be made anywhere and in any order.
class Plan {
 public:
  /// Throws Error unless buses lie in 100 to 10^7.
  explicit Plan(const SynthesisOptions& options);

  const SynthesisOptions& options() const { return options_; }
  int substations() const { return substations_; }
  int buses(int substation) const { return static_cast<int>(first_bus(substation + 1) - first_bus(substation)); }

 private:
  std::int64_t first_bus(int substation) const;

  SynthesisOptions options_;
  int substations_;
};

/// One substation of a network and all that it feeds: exactly plan.buses(index) buses behind a source of their own.
struct Substation {
  NetworkData data;
  Statistics statistics;
};
Substation synthesize(const Plan& plan, int index);

}  // namespace gridfed::synthetic
