#include "evaluation/reliability/analytic.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

LoadPointYear& LoadPointYear::operator+=(const LoadPointYear& other) {
  interruptions += other.interruptions;
  hours += other.hours;
  momentary += other.momentary;
  energy += other.energy;
  cost += other.cost;
  return *this;
}

std::vector<const CustomerDamage*> damage_of(const ReliabilityModel& model, const std::map<std::string, CustomerDamage>& classes) {
  std::vector<const CustomerDamage*> damage(model.load_points.size());
  if (classes.empty()) return damage;
  for (std::size_t p = 0; p < damage.size(); ++p) {
    const auto found = classes.find(model.load_points[p].customer_class);
    if (found == classes.end())
      throw Error("load '{}' is of class '{}', of which the damage table knows nothing: add it there or correct the class",
                  model.load_points[p].name, model.load_points[p].customer_class);
    damage[p] = &found->second;
  }
  return damage;
}

double repair_time(const FailureData& failure, bool spares) {
  return spares && failure.replacement ? *failure.replacement : failure.repair;
}

std::vector<LoadPointYear> expected_years(const ReliabilityModel& model, const Consequences& consequences,
                                          const std::vector<const CustomerDamage*>& damage, bool spares, double momentary) {
  std::vector<LoadPointYear> years(model.load_points.size());
  const auto interrupt = [&](int p, double rate, double duration) {
    auto& year = years[static_cast<std::size_t>(p)];
    (duration > momentary ? year.interruptions : year.momentary) += rate;
    if (duration > momentary) year.hours += rate * duration;
    year.energy += rate * duration * model.load_points[p].average;
    if (damage[p]) year.cost += rate * (*damage[p])(duration)*model.load_points[p].average;
  };
  for (const auto& component : model.components) {
    const auto& consequence = consequences.of(component);
    const auto& failure = component.failure;
    for (const auto& effect : consequence.effects) {
      const double duration = interruption_duration(effect, failure, repair_time(failure, spares));
      for (const int p : effect.load_points) {
        interrupt(p, failure.rate, duration);
        if (consequence.temporary_is_sustained) interrupt(p, failure.temporary_rate, failure.switching);
      }
    }
    for (const int p : consequence.reclosed) years[static_cast<std::size_t>(p)].momentary += failure.temporary_rate;
  }
  return years;
}

FeederIndices feeder_indices(const ReliabilityModel& model, const std::vector<LoadPointYear>& years, const std::string& feeder) {
  FeederIndices result;
  result.feeder = feeder;
  double interruptions = 0, hours = 0, momentary = 0, interrupted = 0;
  for (std::size_t p = 0; p < years.size(); ++p) {
    const auto& point = model.load_points[p];
    if (!feeder.empty() && point.feeder != feeder) continue;
    result.customers += point.customers;
    interruptions += years[p].interruptions * point.customers;
    hours += years[p].hours * point.customers;
    momentary += years[p].momentary * point.customers;
    interrupted += point.customers * -std::expm1(-years[p].interruptions);
    result.ens += years[p].energy;
    result.cost += years[p].cost;
  }
  if (!(result.customers > 0)) return result;
  result.saifi = interruptions / result.customers;
  result.saidi = hours / result.customers;
  result.caidi = interruptions > 0 ? hours / interruptions : 0;
  result.caifi = interrupted > 0 ? interruptions / interrupted : 0;
  result.maifi = result.maifi_e = momentary / result.customers;
  result.asai = 1 - result.saidi / 8760;
  result.aens = result.ens / result.customers;
  return result;
}

std::vector<std::string> feeders_of(const ReliabilityModel& model) {
  std::vector<std::string> feeders;
  for (const auto& point : model.load_points)
    if (std::ranges::find(feeders, point.feeder) == feeders.end()) feeders.push_back(point.feeder);
  return feeders;
}

}  // namespace gridfed
