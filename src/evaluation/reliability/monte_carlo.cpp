#include "evaluation/reliability/monte_carlo.hpp"

#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gridfed {

namespace {

constexpr double hours_of_year = 8760;

double draw_repair(double mean, const MonteCarloOptions& options, RandomStream& stream) {
  if (options.repair == "constant" || mean == 0) return mean;
  if (options.repair == "exponential") return -mean * std::log1p(-stream.uniform());
  const double variance = std::log1p(options.repair_cv * options.repair_cv);  // of the logarithm
  return mean * std::exp(std::sqrt(variance) * stream.normal() - variance / 2);
}

/// The outages of one load point in a year, overlapping ones merged.
struct Supply {
  double out_since = 0, out_until = 0;  // [h]
};

/// Coefficient of variation of the mean ENS.
double coefficient_of_variation(const std::vector<SystemYear>& years) {
  std::vector<double> ens;
  for (const auto& year : years) ens.push_back(year.ens);
  const Estimate e = estimate(ens);
  return e.mean > 0 ? e.standard_error / e.mean : 0;
}

}  // namespace

void validate(const MonteCarloOptions& o) {
  if (!(o.target_cv >= 0)) throw Error("montecarlo.target_cv is {}: it must not be negative", o.target_cv);
  if (o.max_years < 1) throw Error("montecarlo.max_years is {}: it must be at least 1", o.max_years);
  if (o.repair != "exponential" && o.repair != "lognormal" && o.repair != "constant")
    throw Error("montecarlo.repair is '{}': it must be exponential, lognormal or constant", o.repair);
  if (!(o.repair_cv > 0)) throw Error("montecarlo.repair_cv is {}: it must be above 0", o.repair_cv);
}

SystemYear simulate_year(const ReliabilityModel& model, const Consequences& consequences, const std::vector<const CustomerDamage*>& damage,
                         bool spares, double momentary, const MonteCarloOptions& options, std::uint64_t seed, int year,
                         std::vector<LoadPointYear>& load_points) {
  RandomStream stream(seed, Draw::outage, 0, static_cast<std::uint64_t>(year));
  // Failures of all components are one Poisson process; those drawn for a component under repair do not happen.
  std::vector<double> cumulative;
  double total = 0;
  for (const auto& c : model.components) cumulative.push_back(total += c.failure.rate + c.failure.temporary_rate);
  SystemYear result;
  if (!(total > 0)) return result;
  std::vector<double> works_from(model.components.size());
  std::vector<Supply> supply(model.load_points.size());
  const double customers = model.customers();

  const auto add = [&](int p, LoadPointYear change) {
    load_points[static_cast<std::size_t>(p)] += change;
    const double share = model.load_points[p].customers / customers;
    result.saifi += share * change.interruptions;
    result.saidi += share * change.hours;
    result.maifi += share * change.momentary;
    result.ens += change.energy;
    result.cost += change.cost;
  };
  // What an outage so long counts for.
  const auto account = [&](int p, double duration) {
    LoadPointYear y;
    (duration > momentary ? y.interruptions : y.momentary) = 1;
    y.hours = duration > momentary ? duration : 0;
    y.energy = duration * model.load_points[p].average;
    y.cost = damage[p] ? (*damage[p])(duration)*model.load_points[p].average : 0;
    return y;
  };
  const auto interrupt = [&](int p, double time, double duration) {
    auto& s = supply[static_cast<std::size_t>(p)];
    if (time >= s.out_until) {
      s = {time, time + duration};
      add(p, account(p, duration));
    } else if (time + duration > s.out_until) {
      const auto before = account(p, s.out_until - s.out_since), after = account(p, time + duration - s.out_since);
      s.out_until = time + duration;
      add(p, {after.interruptions - before.interruptions, after.hours - before.hours, after.momentary - before.momentary,
              after.energy - before.energy, after.cost - before.cost});
    }
  };

  double time = 0;
  while ((time += -std::log1p(-stream.uniform()) * hours_of_year / total) < hours_of_year) {
    const double drawn = stream.uniform() * total;
    const auto c =
        std::min(cumulative.size() - 1, static_cast<std::size_t>(std::ranges::upper_bound(cumulative, drawn) - cumulative.begin()));
    const auto& component = model.components[c];
    if (time < works_from[c]) continue;
    const auto& failure = component.failure;
    const auto& consequence = consequences.of(component);
    const bool temporary = cumulative[c] - drawn <= failure.temporary_rate && failure.temporary_rate > 0;
    if (temporary && !consequence.temporary_is_sustained) {
      for (const int p : consequence.reclosed)
        if (time >= supply[static_cast<std::size_t>(p)].out_until) add(p, {.momentary = 1});
      continue;
    }
    const double repair = temporary ? failure.switching : draw_repair(repair_time(failure, spares), options, stream);
    works_from[c] = time + repair;
    for (const auto& effect : consequence.effects) {
      const double duration = temporary ? failure.switching : interruption_duration(effect, failure, repair);
      for (const int p : effect.load_points) interrupt(p, time, duration);
    }
  }
  return result;
}

MonteCarloResult simulate_years(const Communicator& comm, const ReliabilityModel& model, const Consequences& consequences,
                                const std::vector<const CustomerDamage*>& damage, bool spares, double momentary,
                                const MonteCarloOptions& options, std::uint64_t seed, const std::function<bool()>& stop) {
  MonteCarloResult result;
  const std::size_t points = model.load_points.size();
  result.load_points.resize(points);
  const Range mine = block_range(round_chunks, comm);
  while (true) {
    std::vector<SystemYear> years;
    std::vector<LoadPointYear> sums;  // [chunk, load point]
    agreed(comm, [&] {
      validate(options);
      for (const int chunk : mine) {
        std::vector<LoadPointYear> sum(points);
        for (int i = 0; i < chunk_years; ++i) {
          const int year = static_cast<int>(result.years.size()) + chunk * chunk_years + i;
          years.push_back(simulate_year(model, consequences, damage, spares, momentary, options, seed, year, sum));
        }
        sums.insert(sums.end(), sum.begin(), sum.end());
      }
    });
    const auto all_years = comm.all_gather_v<SystemYear>(years);
    const auto all_sums = comm.all_gather_v<LoadPointYear>(sums);
    result.years.insert(result.years.end(), all_years.begin(), all_years.end());
    for (std::size_t i = 0; i < all_sums.size(); ++i) result.load_points[i % points] += all_sums[i];
    result.cv = coefficient_of_variation(result.years);
    result.converged = result.cv > 0 && result.cv <= options.target_cv;
    const bool over = static_cast<int>(result.years.size()) >= options.max_years;
    const bool stopped = stop && stop();
    if (result.converged || over || stopped) break;
  }
  const auto n = static_cast<double>(result.years.size());
  for (auto& y : result.load_points) y = {y.interruptions / n, y.hours / n, y.momentary / n, y.energy / n, y.cost / n};
  return result;
}

}  // namespace gridfed
