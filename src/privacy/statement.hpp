#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gridfed {

/// Whose presence in the data is hidden: nobody's, a whole client's (utility's), or that of one record (transition).
enum class PrivacyUnit { none, client, record };

std::string_view name(PrivacyUnit unit);
/// Throws Error naming the choices.
PrivacyUnit privacy_unit(std::string_view name);

/// What was promised. An epsilon never travels without its unit.
struct PrivacyStatement {
  PrivacyUnit unit = PrivacyUnit::none;
  double epsilon = 0;
  double delta = 0;
  double noise_multiplier = 0;  ///< standard deviation of the noise over the clip norm
  double clip_norm = 0;         ///< largest Euclidean norm of one unit's contribution to a step
  std::int64_t steps = 0;
  double sampling_rate = 0;   ///< probability that a unit takes part in a step
  bool noise_private = true;  ///< false where the noise came from a seed: then nothing is protected

  /// One sentence.
  std::string describe() const;
};

}  // namespace gridfed
