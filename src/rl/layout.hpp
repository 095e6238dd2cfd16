#pragma once

#include "rl/options.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

enum class Role { critic, actor };

/// A fully connected network of a learner; its hidden layers are the trunk, its last layer the output.
struct NetworkShape {
  std::int64_t inputs = 0;  ///< 0: outputs are a learned constant, the biases
  std::vector<std::int64_t> hidden;
  std::int64_t outputs = 0;
  Role role = Role::critic;
  bool has_target = false;         ///< a slowly following copy is kept
  std::int64_t period = 1;         ///< stepped on every such update
  std::int64_t target_period = 1;  ///< its target follows on every such update
};

/// Where one layer lies in a flat buffer: weights [outputs, inputs] row-major, at once followed by biases [outputs].
struct LayerSlice {
  std::size_t offset = 0;
  std::int64_t inputs = 0, outputs = 0;

  std::size_t weight_count() const { return static_cast<std::size_t>(inputs * outputs); }
  std::size_t size() const { return weight_count() + static_cast<std::size_t>(outputs); }
};

/// Flat order of all parameters: [shared run | local run], layers of one network in order, networks in order within each run.
struct ParameterLayout {
  std::vector<std::vector<LayerSlice>> networks;  ///< [network][layer]
  std::size_t shared = 0;                         ///< length of the shared run
  std::size_t total = 0;
};

ParameterLayout make_layout(std::span<const NetworkShape> networks, Sharing sharing);

/// Uniform in +-1/sqrt(fan-in), weights and biases (the default of common libraries); learned constants start at zero. Every client
/// of one seed starts at the same point, so that averaging is meaningful from the first round on.
void initialise(const ParameterLayout& layout, std::uint64_t seed, std::span<float> parameters);

}  // namespace gridfed
