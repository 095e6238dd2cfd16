#pragma once

#include "powerflow/static_control.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace gridfed {

/// The CSV files of a snapshot: node voltages [V], flows into terminal 1 [kW, kvar, A], a summary [kW, kvar], regulator taps and capacitor
/// states. Each is written under a temporary name and renamed.
void write_voltages(const PowerFlow& flow, const std::filesystem::path& path);
void write_flows(const PowerFlow& flow, const std::filesystem::path& path);
void write_summary(const PowerFlow& flow, const ControlResult& control, const std::filesystem::path& path);

/// Every tap of windings 2 and up to 1.0.
void set_neutral_taps(GridState& state);
/// Reads columns regcontrol, transformer, winding, tap_number, tap_pu. Throws Error with file and line for what does not fit the network.
void impose_taps(const Network& network, const std::filesystem::path& path, GridState& state);
/// Reads columns capacitor, states (one digit a step, separated by spaces).
void impose_capacitors(const Network& network, const std::filesystem::path& path, GridState& state);

/// Tap number of each regulator, by name.
std::vector<std::pair<std::string, int>> regulator_taps(const PowerFlow& flow);

}  // namespace gridfed
