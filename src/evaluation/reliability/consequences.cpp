#include "evaluation/reliability/consequences.hpp"

#include <algorithm>
#include <deque>

namespace gridfed {

namespace {

bool conducts(const BlockLink& link) {
  return link.closed;
}

bool passes_fault_current(const BlockLink& link) {
  return link.closed && link.kind == SwitchingDeviceKind::disconnector;
}

bool passes_while_recloser_acts(const BlockLink& link) {
  return link.closed && link.kind != SwitchingDeviceKind::recloser;
}

}  // namespace

Consequences::Consequences(const ReliabilityModel& model) : model_(model) {
  const std::vector<std::uint8_t> none(static_cast<std::size_t>(model.blocks));
  energised_ = reached(model, model.source_blocks, none, conducts);
  for (std::size_t l = 0; l < model.links.size(); ++l)
    if (!model.links[l].closed) ties_.push_back(static_cast<int>(l));
  std::ranges::stable_sort(ties_, {}, [&](int l) { return model.links[l].switching; });
  for (const auto& component : model.components) {
    if (!found_.contains(component.blocks)) found_.emplace(component.blocks, work_out(component.blocks));
  }
}

Consequence Consequences::work_out(const std::array<int, 2>& fault) const {
  const auto blocks = static_cast<std::size_t>(model_.blocks);
  const std::vector<int> start(fault.begin(), fault.begin() + (fault[1] < 0 ? 1 : 2));
  const std::vector<std::uint8_t> none(blocks);
  std::vector<std::uint8_t> faulted(blocks);
  for (const int block : start) faulted[block] = 1;

  Consequence result;
  const auto dead_for = [&](auto passes) {
    const auto cleared = reached(model_, start, none, passes);
    const auto live = reached(model_, model_.source_blocks, cleared, conducts);
    std::vector<std::uint8_t> dead(blocks);
    for (std::size_t b = 0; b < blocks; ++b) dead[b] = energised_[b] && !live[b];
    return std::pair(std::move(dead), cleared);
  };
  const auto [dead, cleared] = dead_for(passes_fault_current);
  const auto supplied = reached(model_, model_.source_blocks, faulted, conducts);
  Effect switched;
  std::vector<std::uint8_t> waiting(blocks);
  for (std::size_t b = 0; b < blocks; ++b) {
    if (!dead[b]) continue;
    if (supplied[b]) {
      switched.load_points.insert(switched.load_points.end(), model_.load_points_of[b].begin(), model_.load_points_of[b].end());
    } else {
      waiting[b] = 1;
    }
  }
  if (!switched.load_points.empty()) result.effects.push_back(std::move(switched));
  auto open = waiting;
  for (const int block : start) open[block] = 0;
  Effect repaired{.load_points = {}, .repaired = true};
  take_over(supplied, open, result.effects);
  std::vector<std::uint8_t> served(model_.load_points.size());
  for (const auto& effect : result.effects)
    for (const int p : effect.load_points) served[p] = 1;
  for (std::size_t b = 0; b < blocks; ++b) {
    if (!waiting[b]) continue;
    for (const int p : model_.load_points_of[b])
      if (!served[p]) repaired.load_points.push_back(p);
  }
  if (!repaired.load_points.empty()) result.effects.push_back(std::move(repaired));

  const auto [blinked, opened] = dead_for(passes_while_recloser_acts);
  result.temporary_is_sustained = std::ranges::any_of(model_.source_blocks, [&](int source) { return opened[source] != 0; });
  if (!result.temporary_is_sustained) {
    for (std::size_t b = 0; b < blocks; ++b)
      if (blinked[b]) result.reclosed.insert(result.reclosed.end(), model_.load_points_of[b].begin(), model_.load_points_of[b].end());
  }
  return result;
}

void Consequences::take_over(const std::vector<std::uint8_t>& supplied, std::vector<std::uint8_t>& waiting,
                             std::vector<Effect>& effects) const {
  for (const int t : ties_) {
    const BlockLink& tie = model_.links[t];
    for (const int end : {0, 1}) {
      if (!supplied[tie.blocks[end]] || !waiting[tie.blocks[1 - end]]) continue;
      Effect taken{.load_points = {}, .repaired = false, .closing = tie.switching};
      double left = tie.transfer;
      std::deque<int> front{tie.blocks[1 - end]};
      while (!front.empty()) {
        const int block = front.front();
        front.pop_front();
        if (!waiting[block]) continue;
        double load = 0;
        std::vector<int> points;
        for (const int p : model_.load_points_of[block]) {
          if (model_.load_points[p].phases & ~tie.phases) continue;
          load += model_.load_points[p].peak_apparent;
          points.push_back(p);
        }
        if (load > left) continue;
        left -= load;
        waiting[block] = 0;
        taken.load_points.insert(taken.load_points.end(), points.begin(), points.end());
        for (const int l : model_.links_of[block]) {
          const auto& link = model_.links[l];
          if (link.closed) front.push_back(link.blocks[0] == block ? link.blocks[1] : link.blocks[0]);
        }
      }
      if (!taken.load_points.empty()) effects.push_back(std::move(taken));
    }
  }
}

double interruption_duration(const Effect& effect, const FailureData& failure, double repair) {
  return effect.repaired ? repair : std::max(failure.switching, effect.closing);
}

}  // namespace gridfed
