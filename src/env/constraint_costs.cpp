#include "env/constraint_costs.hpp"

#include "env/grid_environment.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace gridfed {

namespace {

constexpr double safe_index = 0.25;  // at 0.8 p.u.

struct Named {
  const char* name;
  ConstraintCost cost;
};
constexpr std::array known{Named{"voltage", [](const StepInfo& s) { return s.voltage_violation; }},
                           Named{"thermal", [](const StepInfo& s) { return s.thermal_violation; }},
                           Named{"stability", [](const StepInfo& s) { return s.stability_violation; }}};

}  // namespace

std::vector<ConstraintCost> constraint_costs(const std::string& names) {
  std::vector<ConstraintCost> costs;
  std::istringstream in(names);
  for (std::string word; std::getline(in, word, ',');) {
    std::erase(word, ' ');
    const auto found = std::ranges::find_if(known, [&](const Named& k) { return word == k.name; });
    if (found == known.end()) throw Error("env.constraints names '{}': it may list voltage, thermal and stability", word);
    if (std::ranges::find(costs, found->cost) != costs.end()) throw Error("env.constraints names '{}' twice: name it once", word);
    costs.push_back(found->cost);
  }
  if (costs.empty()) throw Error("env.constraints is empty: name at least one of voltage, thermal and stability");
  return costs;
}

double stability_violation(double lowest_voltage) {
  return std::max(0.0, (1 - lowest_voltage) / lowest_voltage - safe_index);
}

}  // namespace gridfed
