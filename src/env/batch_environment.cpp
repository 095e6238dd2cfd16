#include "env/batch_environment.hpp"

#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed {

BatchEnvironment::BatchEnvironment(const std::shared_ptr<const Network>& network, const ScenarioOptions& scenario,
                                   const EnvironmentOptions& options, int lanes, const std::shared_ptr<const History>& history)
    : results_(std::max(lanes, 0)), done_(std::max(lanes, 0), 1) {
  if (lanes < 1) throw Error("a batch of {} environments cannot be made: ask for one or more", lanes);
  lanes_.reserve(lanes);
  for (int k = 0; k < lanes; ++k) lanes_.emplace_back(network, scenario, options, history);
  observations_.resize(static_cast<std::size_t>(lanes) * observation_size());
}

void BatchEnvironment::store(int lane, std::span<const float> observation) {
  std::copy(observation.begin(), observation.end(), observations_.begin() + static_cast<std::ptrdiff_t>(lane) * observation_size());
}

void BatchEnvironment::reset(int lane, const Start& start) {
  store(lane, lanes_[lane].reset(start.seed, start.client, start.day));
  done_[lane] = 0;
}

std::span<const float> BatchEnvironment::reset(std::span<const Start> starts) {
  if (static_cast<int>(starts.size()) != lanes()) throw Error("{} days begin in a batch of {}: give one a lane", starts.size(), lanes());
  for (int k = 0; k < lanes(); ++k) reset(k, starts[k]);
  return observations_;
}

BatchEnvironment::Steps BatchEnvironment::step(std::span<const float> actions) {
  const auto n = static_cast<std::size_t>(action_size());
  if (actions.size() != n * lanes_.size())
    throw Error("a batch takes {} x {} action components, not {}: give those of every lane", lanes_.size(), n, actions.size());
  for (int k = 0; k < lanes(); ++k) {
    if (done_[k]) continue;
    try {
      results_[k] = lanes_[k].step(actions.subspan(k * n, n));
    } catch (const Error& error) {
      throw Error("lane {}: {}", k, error.what());
    }
    store(k, results_[k].observation);
    done_[k] = results_[k].terminated || results_[k].truncated;
  }
  return {observations_, results_};
}

bool BatchEnvironment::all_done() const {
  return std::all_of(done_.begin(), done_.end(), [](char done) { return done != 0; });
}

}  // namespace gridfed
