#include "data/minari.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace gridfed {

bool is_minari(const File& file) {
  return file.exists("/episode_0");
}

Dataset read_minari(const File& file, std::int64_t max_rows) {
  Dataset data;
  for (int number = 0; file.exists(fmt::format("/episode_{}", number)); ++number) {
    const std::string group = fmt::format("/episode_{}/", number);
    const auto table = [&](const char* name) {
      if (!file.exists(group + name))
        throw Error("'{}' has no array {}{}: it is no dataset of Minari's layout", file.path().string(), group, name);
      return file.shape(group + name);
    };
    const auto observations = table("observations"), actions = table("actions");
    if (observations.size() != 2 || actions.size() != 2) {
      throw Error("'{}': {}observations and actions must be tables: flatten them with Minari's wrappers", file.path().string(), group);
    }
    const hsize_t steps = actions[0];
    if (number == 0) {
      data.observation_size = observations[1];
      data.action_size = actions[1];
    }
    if (observations[1] != data.observation_size || actions[1] != data.action_size || observations[0] != steps + 1) {
      throw Error("'{}': {}observations is [{}, {}] beside actions of [{}, {}], where [{}, {}] and [{}, {}] are due: export it again",
                  file.path().string(), group, observations[0], observations[1], actions[0], actions[1], steps + 1, data.observation_size,
                  steps, data.action_size);
    }
    const auto column = [&]<class T>(const char* name, T) {
      const auto shape = table(name);
      if (shape.size() != 1 || shape[0] != steps) {
        throw Error("'{}': {}{} does not have one row for each of the {} actions: export it again", file.path().string(), group, name,
                    steps);
      }
      return file.read<T>(group + name);
    };
    const auto o = file.read<float>(group + "observations"), a = file.read<float>(group + "actions"), rewards = column("rewards", 0.0F);
    const auto ends = column("terminations", std::uint8_t{0}), cuts = column("truncations", std::uint8_t{0});
    const char* cost_name = file.exists(group + "infos/cost") ? "infos/cost" : "costs";
    const auto costs = file.exists(group + cost_name) ? column(cost_name, 0.0F) : std::vector<float>(steps, 0.0F);
    const auto require_finite = [&](const char* name, const std::vector<float>& values, std::size_t columns) {
      const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
      if (bad == values.end()) return;
      throw Error("'{}': {}{} holds a value that is not finite in row {}: remove the episode or export the data again",
                  file.path().string(), group, name, static_cast<std::size_t>(bad - values.begin()) / columns);
    };
    require_finite("observations", o, data.observation_size);
    require_finite("actions", a, data.action_size);
    require_finite("rewards", rewards, 1);
    require_finite(cost_name, costs, 1);
    for (std::size_t i = 0; i < steps; ++i) {
      if (max_rows > 0 && data.size() == static_cast<std::size_t>(max_rows)) return data;
      const auto row = [&](const std::vector<float>& values, std::size_t columns, std::size_t at) {
        return std::span(values).subspan(at * columns, columns);
      };
      const bool last = i + 1 == steps;
      data.append(row(o, data.observation_size, i), row(a, data.action_size, i), rewards[i], row(o, data.observation_size, i + 1),
                  ends[i] != 0, cuts[i] != 0 || (last && ends[i] == 0), costs[i]);
    }
  }
  return data;
}

}  // namespace gridfed
