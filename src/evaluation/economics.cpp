#include "evaluation/economics.hpp"

#include "runtime/csv_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gridfed {

std::vector<double> time_of_use_prices(std::span<const PricePeriod> periods, double step, std::size_t steps) {
  if (!(step > 0)) throw Error("a step of {} h has no price: it must be above 0", step);
  std::vector<double> prices;
  for (std::size_t i = 0; i < steps; ++i) {
    const double hour = std::fmod(static_cast<double>(i) * step, 24.0);
    const auto found = std::ranges::find_if(
        periods, [&](const PricePeriod& p) { return p.from <= p.to ? hour >= p.from && hour < p.to : hour >= p.from || hour < p.to; });
    if (found == periods.end()) throw Error("no price covers hour {:g} of the day: let the periods cover all 24", hour);
    prices.push_back(found->price);
  }
  return prices;
}

PriceSeries read_price_series(const std::filesystem::path& file) {
  const auto table = CsvTable::read(file, {"time", "price [$/kWh]"});
  PriceSeries series;
  for (std::size_t row = 0; row < table.size(); ++row) {
    series.times.push_back(table.time(row, "time"));
    series.prices.push_back(table.number(row, "price [$/kWh]", std::numeric_limits<double>::lowest()));
    if (row > 0 && series.times[row] <= series.times[row - 1]) table.fail(row, "time does not rise: sort the rows and remove doubles");
  }
  if (series.times.empty()) throw Error("'{}' has no prices: add rows", file.string());
  return series;
}

std::vector<double> prices_at(const PriceSeries& series, std::chrono::sys_seconds start, double step, std::size_t steps) {
  std::vector<double> prices;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto time = start + std::chrono::seconds(std::llround(3600 * step * static_cast<double>(i)));
    const auto after = std::ranges::upper_bound(series.times, time);
    if (after == series.times.begin()) throw Error("the price series begins after step {}: give earlier prices or start later", i);
    prices.push_back(series.prices[static_cast<std::size_t>(after - series.times.begin()) - 1]);
  }
  return prices;
}

double energy_cost(std::span<const double> power_kw, std::span<const double> prices, double step, double sale_share) {
  if (power_kw.size() != prices.size()) throw Error("{} powers meet {} prices: give one each", power_kw.size(), prices.size());
  double cost = 0;
  for (std::size_t i = 0; i < power_kw.size(); ++i) cost += power_kw[i] * prices[i] * step * (power_kw[i] < 0 ? sale_share : 1.0);
  return cost;
}

double billing_demand(std::span<const double> power_kw, double step, double window) {
  const auto width = static_cast<std::size_t>(std::llround(window / step));
  if (width < 1 || std::abs(static_cast<double>(width) * step - window) > 1e-9 * window)
    throw Error("a demand window of {} h is no whole number of steps of {} h: choose a multiple", window, step);
  double highest = 0;
  for (std::size_t first = 0; first < power_kw.size(); first += width) {
    const auto part = power_kw.subspan(first, std::min(width, power_kw.size() - first));
    double mean = 0;
    for (const double p : part) mean += p / static_cast<double>(part.size());
    highest = std::max(highest, mean);
  }
  return highest;
}

double demand_charge(std::span<const double> power_kw, double step, double rate, double window) {
  return rate * billing_demand(power_kw, step, window);
}

double CustomerDamage::operator()(double duration) const {
  if (duration <= 0) return 0;
  if (duration <= durations.front()) return costs.front();
  const std::size_t last = durations.size() - 1;
  if (duration >= durations[last]) {
    const double slope = (costs[last] - costs[last - 1]) / (durations[last] - durations[last - 1]);
    return costs[last] + slope * (duration - durations[last]);
  }
  const auto after = static_cast<std::size_t>(std::ranges::upper_bound(durations, duration) - durations.begin());
  const double share = std::log(duration / durations[after - 1]) / std::log(durations[after] / durations[after - 1]);
  return costs[after - 1] * std::pow(costs[after] / costs[after - 1], share);
}

std::map<std::string, CustomerDamage> read_customer_damage(const std::filesystem::path& file) {
  const auto table = CsvTable::read(file, {"class", "duration [h]", "cost [$/kW]"});
  std::map<std::string, CustomerDamage> classes;
  for (std::size_t row = 0; row < table.size(); ++row) {
    auto& damage = classes[table.text(row, "class")];
    const double duration = table.number(row, "duration [h]", 0), cost = table.number(row, "cost [$/kW]", 0);
    if (!(duration > 0) || !(cost > 0)) table.fail(row, "duration and cost must be above 0, as they are interpolated by their logarithms");
    if (!damage.durations.empty() && (duration <= damage.durations.back() || cost < damage.costs.back()))
      table.fail(row, "duration must rise and cost must not fall within a class: sort the rows");
    damage.durations.push_back(duration);
    damage.costs.push_back(cost);
  }
  for (const auto& [name, damage] : classes)
    if (damage.durations.size() < 2) throw Error("'{}' has one duration for class '{}': give two or more", file.string(), name);
  return classes;
}

std::vector<BatteryCycle> rainflow_cycles(std::span<const double> state_of_charge) {
  std::vector<double> reversals;
  for (std::size_t i = 0; i < state_of_charge.size(); ++i) {
    const double x = state_of_charge[i];
    if (!reversals.empty() && x == reversals.back()) continue;
    const std::size_t n = reversals.size();
    if (n > 1 && (x - reversals[n - 1]) * (reversals[n - 1] - reversals[n - 2]) > 0) reversals.pop_back();
    reversals.push_back(x);
  }
  std::vector<BatteryCycle> cycles;
  std::vector<double> open;
  for (const double x : reversals) {
    open.push_back(x);
    while (open.size() >= 3) {
      const std::size_t n = open.size();
      const double last = std::abs(open[n - 1] - open[n - 2]), before = std::abs(open[n - 2] - open[n - 3]);
      if (last < before) break;
      if (n == 3) {  // the range holds the start: half a cycle
        cycles.push_back({before, 0.5});
        open.erase(open.begin());
      } else {
        cycles.push_back({before, 1});
        open.erase(open.end() - 3, open.end() - 1);
      }
    }
  }
  for (std::size_t i = 1; i < open.size(); ++i) cycles.push_back({std::abs(open[i] - open[i - 1]), 0.5});
  return cycles;
}

double battery_wear_cost(std::span<const BatteryCycle> cycles, const BatteryLife& life) {
  double used = 0;
  for (const auto& cycle : cycles) used += cycle.count * std::pow(cycle.depth, life.exponent) / life.cycles_at_full_depth;
  return used * life.replacement_cost;
}

double tap_wear_cost(double operations, double replacement_cost, double rated_operations) {
  return replacement_cost * operations / rated_operations;
}

double net_present_value(std::span<const double> cash_flows, double rate) {
  double value = 0;
  for (std::size_t year = 0; year < cash_flows.size(); ++year) value += cash_flows[year] / std::pow(1 + rate, static_cast<double>(year));
  return value;
}

double annuity_factor(double rate, int years) {
  return rate == 0 ? years : (1 - std::pow(1 + rate, -years)) / rate;
}

Savings savings(std::span<const double> baseline, std::span<const double> policy, RandomStream stream, double confidence, int resamples) {
  if (baseline.size() != policy.size() || baseline.size() < 2)
    throw Error("{} days of the baseline and {} of the policy do not pair: give both the same two days or more", baseline.size(),
                policy.size());
  const std::size_t days = baseline.size();
  std::vector<double> saved(days), means(static_cast<std::size_t>(resamples));
  double paid = 0;
  for (std::size_t i = 0; i < days; ++i) {
    saved[i] = baseline[i] - policy[i];
    paid += baseline[i] / static_cast<double>(days);
  }
  for (double& mean : means)
    for (std::size_t i = 0; i < days; ++i) mean += saved[stream.below(days)] / static_cast<double>(days);
  std::ranges::sort(means);
  const auto quantile = [&](double p) {
    return means[std::min(means.size() - 1, static_cast<std::size_t>(p * static_cast<double>(means.size())))];
  };
  Savings result{.mean = estimate(saved), .low = quantile((1 - confidence) / 2), .high = quantile((1 + confidence) / 2)};
  result.share = paid != 0 ? result.mean.mean / paid : 0;
  return result;
}

}  // namespace gridfed
