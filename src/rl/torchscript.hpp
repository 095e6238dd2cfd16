#pragma once

#include "rl/policy.hpp"

#include <filesystem>

namespace gridfed {

/// Writes the policy as a TorchScript module, forward(observation [..., observation_size]) -> action [..., action_size], that LibTorch and
/// PyTorch load without this project. Throws Error if the file cannot be written.
void write_torchscript(const std::filesystem::path& path, const PolicyNetwork& policy);

}  // namespace gridfed
