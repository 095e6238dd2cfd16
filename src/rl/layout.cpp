#include "rl/layout.hpp"

#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

ParameterLayout make_layout(std::span<const NetworkShape> networks, Sharing sharing) {
  ParameterLayout layout;
  layout.networks.resize(networks.size());
  const auto place = [&](std::size_t network, std::int64_t inputs, std::int64_t outputs) {
    layout.networks[network].push_back({.offset = layout.total, .inputs = inputs, .outputs = outputs});
    layout.total += layout.networks[network].back().size();
  };
  for (std::size_t i = 0; i < networks.size(); ++i) {
    std::int64_t inputs = networks[i].inputs;
    for (const std::int64_t width : networks[i].hidden) {
      place(i, inputs, width);
      inputs = width;
    }
  }
  layout.shared = layout.total;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    place(i, networks[i].hidden.empty() ? networks[i].inputs : networks[i].hidden.back(), networks[i].outputs);
  }
  if (sharing == Sharing::all) layout.shared = layout.total;
  return layout;
}

void initialise(const ParameterLayout& layout, std::uint64_t seed, std::span<float> parameters) {
  for (std::size_t network = 0; network < layout.networks.size(); ++network) {
    RandomStream stream(seed, Draw::initial_weights, 0, network);
    for (const LayerSlice& layer : layout.networks[network]) {
      const auto values = parameters.subspan(layer.offset, layer.size());
      const double bound = layer.inputs > 0 ? 1.0 / std::sqrt(static_cast<double>(layer.inputs)) : 0.0;
      std::generate(values.begin(), values.end(), [&] { return static_cast<float>(stream.uniform(-bound, bound)); });
    }
  }
}

}  // namespace gridfed
