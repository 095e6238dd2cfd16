#pragma once

#include "evaluation/reliability/tables.hpp"
#include "grid/network.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gridfed {

/// Customers at one load of the network.
struct LoadPoint {
  std::string name, feeder, customer_class;
  double customers = 0;
  double average = 0;         ///< [kW]
  double peak_apparent = 0;   ///< what a transfer must carry [kVA]
  int block = 0;              ///< that feeds it
  std::uint8_t phases = 0b1;  ///< bit p - 1 for phase p
};

/// What can fail. A device is part of both blocks beside it, everything else of one.
struct Component {
  std::string name;
  FailureData failure;
  std::array<int, 2> blocks{-1, -1};  ///< the second is -1 but for devices
};

/// A switching device between two blocks.
struct BlockLink {
  std::string name;
  std::array<int, 2> blocks{-1, -1};
  SwitchingDeviceKind kind = SwitchingDeviceKind::disconnector;
  bool closed = true;
  double switching = 0;  ///< of a normally open one: until it is closed [h]
  double transfer = 0;   ///< of a normally open one: what it can carry [kVA]
  std::uint8_t phases = 0b111;
};

/// A distribution network as its reliability sees it: blocks of elements that no device separates, so that a fault anywhere in a block has
/// the same consequences (zone-branch method, Billinton and Wang 1998). Three-phase operation: a fault opens all phases.
struct ReliabilityModel {
  std::vector<LoadPoint> load_points;
  std::vector<Component> components;
  std::vector<BlockLink> links;
  std::vector<int> source_blocks;  ///< never out of supply by themselves
  int blocks = 0;
  std::vector<std::vector<int>> links_of, load_points_of;  ///< by block

  double customers() const;
};

/// What the files leave open.
struct CustomerDefaults {
  double kw_per_customer = 5;  ///< of peak load, where no table says how many customers a load is
  std::string customer_class = "residential";
  double load_factor = 0.5;  ///< average over peak load
};

/// Builds the model. A line with `switch=yes` and no device is a disconnector; an open line is a normally open point, at its first device
/// or else its first terminal. What it can carry is its rating at nominal voltage unless the table says otherwise; without either,
/// anything. Throws Error for loads without supply, for lines without failure data, and for names in the tables that the network does not
/// have.
ReliabilityModel make_reliability_model(const Network& network, const FailureTable& failures, std::span<const CustomerRow> customers,
                                        const CustomerDefaults& defaults);

/// Blocks reached from `start` over closed links, never entering a block of `avoid`; `passes` says which links let through.
template <class Passes>
std::vector<std::uint8_t> reached(const ReliabilityModel& model, std::span<const int> start, std::span<const std::uint8_t> avoid,
                                  Passes&& passes) {
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(model.blocks));
  std::vector<int> stack;
  const auto visit = [&](int block) {
    if (seen[block] || avoid[block]) return;
    seen[block] = 1;
    stack.push_back(block);
  };
  for (const int block : start) visit(block);
  while (!stack.empty()) {
    const int block = stack.back();
    stack.pop_back();
    for (const int l : model.links_of[block]) {
      const auto& link = model.links[l];
      if (passes(link)) visit(link.blocks[0] == block ? link.blocks[1] : link.blocks[0]);
    }
  }
  return seen;
}

}  // namespace gridfed
