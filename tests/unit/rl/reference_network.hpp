#pragma once

#include "rl/learner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gridfed {

// Networks a second time, in double precision and plainly, for losses to differentiate by differences.

using Numbers = std::vector<double>;

inline Numbers network(const std::vector<LayerSlice>& layers, const Numbers& parameters, Numbers x) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    Numbers y(static_cast<std::size_t>(layers[l].outputs));
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = parameters[layers[l].offset + layers[l].weight_count() + i];
      for (std::size_t j = 0; j < x.size(); ++j) y[i] += parameters[layers[l].offset + i * x.size() + j] * x[j];
      if (l + 1 < layers.size()) y[i] = std::max(0.0, y[i]);
    }
    x = y;
  }
  return x;
}

inline Numbers row(std::span<const float> values, std::size_t i, std::size_t n) {
  const auto part = values.subspan(i * values.size() / n, values.size() / n);
  return {part.begin(), part.end()};
}

inline Numbers joined(Numbers a, const Numbers& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The target networks of `networks` in a buffer like the parameters, each at the place of the network it follows.
inline Numbers at_their_networks(const ParameterLayout& layout, const std::vector<std::size_t>& networks, const LearnerState& state) {
  Numbers targets(state.parameters.size());
  std::vector<LayerSlice> slices;  // the target buffer holds the layers in the order of their places
  for (const std::size_t k : networks) slices.insert(slices.end(), layout.networks[k].begin(), layout.networks[k].end());
  std::sort(slices.begin(), slices.end(), [](const LayerSlice& a, const LayerSlice& b) { return a.offset < b.offset; });
  std::size_t from = 0;
  for (const LayerSlice& slice : slices) {
    std::copy_n(state.targets.begin() + static_cast<std::ptrdiff_t>(from), slice.size(),
                targets.begin() + static_cast<std::ptrdiff_t>(slice.offset));
    from += slice.size();
  }
  EXPECT_EQ(from, state.targets.size());
  return targets;
}

inline Numbers tanh_of_network(const std::vector<LayerSlice>& layers, const Numbers& parameters, const Numbers& x) {
  Numbers y = network(layers, parameters, x);
  for (double& v : y) v = std::tanh(v);
  return y;
}

/// The safety critic, an algorithm's last network.
struct SafetyReference {
  const ParameterLayout& layout;
  const RlOptions& options;
  const Numbers& frozen;
  const Numbers& targets;
  const Batch& batch;

  double value(const Numbers& p, const Numbers& s, const Numbers& a) const { return network(layout.networks.back(), p, joined(s, a))[0]; }
  /// Of row i, for the policy's action in its next state.
  double loss(const Numbers& p, std::size_t i, const Numbers& next_policy) const {
    const auto n = static_cast<std::size_t>(batch.size);
    const double next = value(targets, row(batch.next_observations, i, n), next_policy);
    const double goal = batch.costs[i] + options.cost_discount * (1.0 - batch.terminals[i]) * next;
    return std::pow(value(p, row(batch.observations, i, n), row(batch.actions, i, n)) - goal, 2);
  }
};

/// The gradient against central differences of reference.loss around reference.frozen.
template <class Reference>
void expect_slopes(std::span<const float> gradient, const Reference& reference) {
  Numbers p = reference.frozen;
  const double h = 1e-6;
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] += h;
    const double above = reference.loss(p);
    p[i] -= 2 * h;
    const double slope = (above - reference.loss(p)) / (2 * h);
    p[i] = reference.frozen[i];
    EXPECT_NEAR(gradient[i], slope, 1e-5 + 1e-4 * std::abs(slope)) << "parameter " << i;
  }
}

}  // namespace gridfed
