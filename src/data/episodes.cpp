#include "data/episodes.hpp"

#include "runtime/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace gridfed {

void append_rows(Dataset& to, const Dataset& from, Episode rows) {
  const auto copy = [&](auto& target, const auto& source, std::size_t columns) {
    target.insert(target.end(), source.begin() + static_cast<std::ptrdiff_t>(rows.first * columns),
                  source.begin() + static_cast<std::ptrdiff_t>(rows.last * columns));
  };
  copy(to.observations, from.observations, from.observation_size);
  copy(to.next_observations, from.next_observations, from.observation_size);
  copy(to.actions, from.actions, from.action_size);
  copy(to.rewards, from.rewards, 1);
  copy(to.costs, from.costs, 1);
  copy(to.terminals, from.terminals, 1);
  copy(to.timeouts, from.timeouts, 1);
  if (rows.last > rows.first && to.terminals.back() == 0) to.timeouts.back() = 1;
}

std::vector<Episode> episodes(const Dataset& data) {
  std::vector<Episode> found;
  std::size_t first = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.terminals[i] == 0 && data.timeouts[i] == 0 && i + 1 < data.size()) continue;
    found.push_back({first, i + 1});
    first = i + 1;
  }
  return found;
}

Split split_by_episode(const Dataset& data, double validation_share, std::uint64_t seed) {
  const auto all = episodes(data);
  std::size_t count = 0;
  if (validation_share > 0 && all.size() > 1) {
    count = std::clamp<std::size_t>(static_cast<std::size_t>(std::lround(validation_share * static_cast<double>(all.size()))), 1,
                                    all.size() - 1);
  }
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0);
  RandomStream stream(seed, Draw::subset);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
  std::vector<bool> held_out(all.size());
  for (std::size_t i = 0; i < count; ++i) held_out[order[i]] = true;
  Split split;
  for (Dataset* part : {&split.training, &split.validation}) {
    part->observation_size = data.observation_size;
    part->action_size = data.action_size;
  }
  for (std::size_t i = 0; i < all.size(); ++i) append_rows(held_out[i] ? split.validation : split.training, data, all[i]);
  return split;
}

void require_learnable(const Dataset& data, const std::string& name) {
  if (data.size() == 0) throw Error("{} holds no transition: give it at least two episodes", name);
  const auto all = episodes(data);
  if (all.size() < 2) {
    throw Error(
        "{} holds a single episode of {} rows (no row before the last is marked in terminals or timeouts): mark where episodes end, or "
        "record more of them",
        name, data.size());
  }
  for (std::size_t j = 0; j < data.observation_size; ++j) {
    const float value = data.observations[j];
    bool constant = true;
    for (std::size_t i = 1; i < data.size() && constant; ++i) constant = data.observations[i * data.observation_size + j] == value;
    if (constant) {
      throw Error("{}: column {} of observations is {} in all {} rows: leave the column out of the file", name, j, value, data.size());
    }
  }
  for (std::size_t i = 0; i < data.actions.size(); ++i) {
    if (std::abs(data.actions[i]) > 1.001F) {
      throw Error("{}: row {} of actions holds {} in column {}, beyond [-1, 1]: divide the actions by their range", name,
                  i / data.action_size, data.actions[i], i % data.action_size);
    }
  }
}

Emphasis augment_safety_violations(const Dataset& data, double share, const std::string& name) {
  Emphasis emphasis;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.costs[i] > 0) emphasis.rows.push_back(i);
  }
  if (emphasis.rows.empty())
    throw Error("{}: no transition has a positive cost, so violations cannot be drawn more often: set train.augment_safety_violations = 0",
                name);
  const double recorded = static_cast<double>(emphasis.rows.size()) / static_cast<double>(data.size());
  // A draw is a violation by chance + (1 - chance) recorded.
  if (recorded < share) emphasis.chance = (share - recorded) / (1 - recorded);
  return emphasis;
}

ObservationScale observation_scale(const Dataset& data) {
  const std::size_t n = data.observation_size;
  std::vector<double> sum(n), squares(n);
  const auto rows = static_cast<double>(std::max<std::size_t>(1, data.size()));
  for (std::size_t i = 0; i < data.observations.size(); ++i) sum[i % n] += data.observations[i] / rows;
  for (std::size_t i = 0; i < data.observations.size(); ++i) squares[i % n] += std::pow(data.observations[i] - sum[i % n], 2) / rows;
  ObservationScale scale{{sum.begin(), sum.end()}, std::vector<float>(n)};
  for (std::size_t j = 0; j < n; ++j) scale.deviation[j] = squares[j] > 0 ? static_cast<float>(std::sqrt(squares[j])) : 1.0F;
  return scale;
}

void normalise(Dataset& data, const ObservationScale& scale) {
  const std::size_t n = data.observation_size;
  for (auto* values : {&data.observations, &data.next_observations}) {
    for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] = ((*values)[i] - scale.mean[i % n]) / scale.deviation[i % n];
  }
}

double discounted_horizon(const Dataset& data, double discount) {
  double sum = 0;
  std::size_t states = 0;
  for (const Episode& episode : episodes(data)) {
    double steps = data.terminals[episode.last - 1] != 0 ? 0 : 1 / (1 - discount);  // from the state after row i
    for (std::size_t i = episode.last; i-- > episode.first; steps = 1 + discount * steps) {
      if (data.terminals[i] != 0) continue;
      sum += steps;
      ++states;
    }
  }
  return states > 0 ? sum / static_cast<double>(states) : 1;
}

Coverage coverage(const Dataset& data) {
  constexpr std::size_t bins = 20;
  const auto all = episodes(data);
  Coverage c{.transitions = static_cast<double>(data.size()), .episodes = static_cast<double>(all.size())};
  if (all.empty()) return c;
  c.return_lowest = std::numeric_limits<double>::infinity();
  c.return_highest = -c.return_lowest;
  double squares = 0;
  for (const Episode& episode : all) {
    double sum = 0;
    for (std::size_t i = episode.first; i < episode.last; ++i) sum += data.rewards[i];
    c.return_mean += sum / c.episodes;
    squares += sum * sum / c.episodes;
    c.return_lowest = std::min(c.return_lowest, sum);
    c.return_highest = std::max(c.return_highest, sum);
  }
  c.return_deviation = std::sqrt(std::max(0.0, squares - c.return_mean * c.return_mean));
  for (std::size_t j = 0; j < data.action_size; ++j) {
    std::array<double, bins> share{};
    for (std::size_t i = 0; i < data.size(); ++i) {
      const double a = data.actions[i * data.action_size + j];
      share[std::min<std::size_t>(bins - 1, static_cast<std::size_t>(std::max(0.0, (a + 1) / 2 * bins)))] += 1 / c.transitions;
      c.saturated_share += (std::abs(a) > 0.999) / (c.transitions * static_cast<double>(data.action_size));
    }
    for (const double p : share) {
      if (p > 0) c.action_entropy -= p * std::log(p) / std::log(static_cast<double>(bins)) / static_cast<double>(data.action_size);
    }
  }
  for (const float cost : data.costs) {
    c.violation_share += (cost > 0) / c.transitions;
    c.cost_mean += cost / c.transitions;
  }
  return c;
}

std::string describe(const Coverage& c) {
  return fmt::format(
      "transitions={:.0f} episodes={:.0f} return={:.4g}+-{:.2g} lowest={:.4g} highest={:.4g} action_entropy={:.2f} saturated={:.3f} "
      "violations={:.3f} cost={:.3g}",
      c.transitions, c.episodes, c.return_mean, c.return_deviation, c.return_lowest, c.return_highest, c.action_entropy, c.saturated_share,
      c.violation_share, c.cost_mean);
}

}  // namespace gridfed
