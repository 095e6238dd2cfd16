#include "privacy/statement.hpp"

#include "runtime/error.hpp"

namespace gridfed {

std::string_view name(PrivacyUnit unit) {
  switch (unit) {
    case PrivacyUnit::none:
      return "none";
    case PrivacyUnit::client:
      return "client";
    case PrivacyUnit::record:
      return "record";
  }
  return "";
}

PrivacyUnit privacy_unit(std::string_view text) {
  for (const PrivacyUnit unit : {PrivacyUnit::none, PrivacyUnit::client, PrivacyUnit::record}) {
    if (text == name(unit)) return unit;
  }
  throw Error("privacy.unit '{}' is unknown: choose none, client or record", text);
}

std::string PrivacyStatement::describe() const {
  if (unit == PrivacyUnit::none) return "No differential privacy: updates were shared without noise.";
  return fmt::format(
      "{}({:.4g}, {:.1e})-differential privacy of each {}: Gaussian noise of {:.4g} x clip norm {:.4g}, {} step{} at sampling rate {:.4g}.",
      noise_private ? "" : "NOT PRIVATE (the noise was drawn from a seed, for tests); with secret noise it would be ", epsilon, delta,
      name(unit), noise_multiplier, clip_norm, steps, steps == 1 ? "" : "s", sampling_rate);
}

}  // namespace gridfed
