#include "grid/synthetic_network.hpp"

#include "grid/synthetic_distributions.hpp"
#include "grid/synthetic_substation.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed::synthetic {

namespace {

constexpr std::int64_t smallest_network = 100, largest_network = 10'000'000;

/// Buses that a substation feeds: a European one some 40 MW, an American one some 10 MW.
std::int64_t typical_buses(Style style) {
  return style == Style::eu ? 500 : 2000;
}

}  // namespace

Plan::Plan(const SynthesisOptions& options) : options_(options) {
  if (options.buses < smallest_network || options.buses > largest_network)
    throw Error("a synthetic network of {} buses cannot be made: ask for {} to {}", options.buses, smallest_network, largest_network);
  substations_ = static_cast<int>(std::max<std::int64_t>(1, options.buses / typical_buses(options.style)));
}

std::int64_t Plan::first_bus(int substation) const {
  if (substation == 0) return 0;
  if (substation == substations_) return options_.buses;
  RandomStream random(options_.seed, Draw::synthetic_network, static_cast<std::uint64_t>(substation),
                      static_cast<std::uint64_t>(Stage::size));
  const double size = static_cast<double>(options_.buses) / substations_;
  return std::llround((substation + random.uniform(-0.25, 0.25)) * size);
}

Substation synthesize(const Plan& plan, int index) {
  return SubstationBuilder(plan, index).build();
}

}  // namespace gridfed::synthetic
