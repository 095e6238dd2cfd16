// What Federation does for privacy at client level: the secret draw, the budget, the noise, the clip norm that adapts.
#include "fed/federation.hpp"
#include "fed/participation.hpp"
#include "privacy/adaptive_clip.hpp"
#include "privacy/noise.hpp"
#include "runtime/error.hpp"

#include <cstring>

namespace gridfed {

/// Collective. The clients of this round; amplification by sampling needs that nobody can predict them.
std::vector<int> Federation::draw() const {
  if (!aggregated()) return draw_participants(seed_, round_, options_.num_clients, 1.0);
  if (!client_private()) return draw_participants(seed_, round_, options_.num_clients, options_.participation);
  std::uint64_t secret = seed_;
  if (!privacy_.seeded) {
    const SecureNoise::Key key = shared_key();
    std::memcpy(&secret, key.data(), sizeof secret);
  }
  return draw_independently(secret, round_, options_.num_clients, options_.participation);
}

double Federation::epsilon_after_round() const {
  RenyiAccountant next = accountant_;
  next.add(options_.participation, privacy_.noise_multiplier);
  return next.epsilon(privacy_.delta);
}

bool Federation::affords_round() const {
  return !client_private() || epsilon_after_round() <= privacy_.privacy_budget;
}

/// The same on every rank.
void Federation::require_budget() const {
  if (affords_round()) return;
  throw AgreedError(
      "round {} would raise epsilon to {:.4g} (privacy.privacy_budget is {:.4g}): plan the rounds with fed.rounds or raise the noise",
      round_ + 1, epsilon_after_round(), privacy_.privacy_budget);
}

/// Collective. A key that no other job knows.
SecureNoise::Key Federation::shared_key() const {
  SecureNoise::Key key{};
  agreed(comm_, [&] {
    if (comm_.rank() == 0) key = SecureNoise::fresh_key();
  });
  comm_.broadcast(std::span<unsigned char>(key), 0);
  return key;
}

/// Collective. The same on every rank.
SecureNoise Federation::shared_noise() const {
  return noise(shared_key(), options_.num_clients);
}

/// Standard deviation of the noise in the mean change.
double Federation::mean_noise() const {
  return change_multiplier_ * clip_norm_ / (options_.num_clients * options_.participation);
}

/// The source of this round's noise: of a client, or of all together where client is num_clients.
SecureNoise Federation::noise(const SecureNoise::Key& key, int client) const {
  if (!privacy_.seeded) return SecureNoise(key);
  return SecureNoise::seeded(seed_, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
}

double Federation::count_noise() const {
  return privacy_.count_noise > 0 ? privacy_.count_noise : options_.num_clients / 20.0;
}

/// Collective. Moves the clip norm towards the quantile; clients count by plus or minus a half, so that one moves the count by a half.
void Federation::adapt_clip_norm(std::span<const Report> reports) {
  double count = 0;
  for (const Report& report : reports) {
    if (delivers(report)) count += report.clipped > 0 ? -0.5 : 0.5;
  }
  count += count_noise() * noise(shared_key(), options_.num_clients + 1).normal();
  const double share = 0.5 + count / (options_.num_clients * options_.participation);
  constexpr double rate = 0.2;  // the paper's
  clip_norm_ = next_clip_norm(clip_norm_, share, privacy_.clip_quantile, rate);
}

PrivacyStatement Federation::statement() const {
  if (!client_private()) return {};
  return {.unit = PrivacyUnit::client,
          .epsilon = accountant_.epsilon(privacy_.delta),
          .delta = privacy_.delta,
          .noise_multiplier = privacy_.noise_multiplier,
          .clip_norm = clip_norm_,
          .steps = round_,
          .sampling_rate = options_.participation,
          .noise_private = !privacy_.seeded};
}

}  // namespace gridfed
