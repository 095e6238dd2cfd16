#pragma once

#include "study/study_options.hpp"

#include <string>
#include <vector>

namespace gridfed {

/// One way of training: the deck with some of its keys replaced.
struct Variant {
  std::string name;
  bool pooled = false;  ///< one learner on everybody's data, which no utility may see: a yardstick
  RlOptions rl;
  FederationOptions fed;
  PrivacyOptions privacy;
};

/// The variants that train.variants names. local: every client alone; pooled; federated: as the deck says; federated_all: whole networks
/// are averaged; compressed: top-k at fed.compression_ratio and 8 bits; record_E, client_E: federated with privacy at epsilon E. Throws
/// Error naming an unknown one.
std::vector<Variant> make_variants(const StudyOptions& options);

}  // namespace gridfed
