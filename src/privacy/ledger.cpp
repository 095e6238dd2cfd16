#include "privacy/ledger.hpp"

#include "runtime/error.hpp"

namespace gridfed {

bool append(PrivacyLedger& ledger, const PrivacyEvent& event) {
  const auto& [rate, noise, steps] = event;
  if (!(rate >= 0 && rate <= 1)) throw Error("a sampling rate of {} is no probability: give one from 0 to 1", rate);
  if (!(noise >= 0)) throw Error("a noise multiplier of {} has no meaning: give 0 or more", noise);
  if (steps < 0) throw Error("{} steps cannot be taken back from a privacy ledger", steps);
  if (steps == 0 || rate == 0) return false;
  if (!ledger.empty() && ledger.back().sampling_rate == rate && ledger.back().noise_multiplier == noise) {
    ledger.back().steps += steps;
    return false;
  }
  ledger.push_back(event);
  return true;
}

}  // namespace gridfed
