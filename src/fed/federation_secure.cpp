// The exchange of Federation where ranks see nothing of a client but a masked vector.
//
// Client-level noise is drawn in integers, by each client for itself. With t deliveries needed, each adds variance (z C)^2 / t, so that
// whoever delivers, the sum has (z C)^2 at least. In steps the variance is 2^36: a sum of discrete Gaussians that wide is one but for
// exp(-10^11) (Kairouz et al., 2021), which spends no more than the continuous one (Canonne et al., 2020), and a
// Skellam of that variance exceeds it by less than one part in 2^33 (Agarwal et al., 2021, with L1 norm <= squared L2 norm of
// integers), for which the variance is raised by one part in 10^9. Rounding to steps lengthens a change of d numbers by sqrt(d) / 2 steps,
// by which it is clipped shorter.
#include "fed/federation.hpp"
#include "fed/fixed_point.hpp"
#include "fed/masked_exchange.hpp"
#include "privacy/clip.hpp"
#include "privacy/discrete_noise.hpp"
#include "privacy/noise.hpp"
#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

/// The least power of two that is no less: of the range of the updates everybody learns no more.
double power_of_two_above(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return value > 0 ? std::ldexp(1.0, fraction == 0.5 ? exponent - 1 : exponent) : 0.0;
}

constexpr std::uint64_t noise_variance = (1ull << 36) + 69;  // in steps: 2^36 and one part in 10^9

}  // namespace

std::span<const float> Federation::exchange_masked(std::span<const Report> reports) {
  return options_.modulus_bits == 32 ? masked_mean<std::uint32_t>(reports) : masked_mean<std::uint64_t>(reports);
}

/// Shares are those of all participants when vectors are masked; what the missing ones leave is made up for afterwards.
template <class Word>
std::span<const float> Federation::masked_mean(std::span<const Report> reports) {
  const std::size_t length = parameters_.size();
  std::vector<double> weights = round_weights(reports);
  const int participants = static_cast<int>(reports.size());
  MaskedParties parties{.hosted = hosted_, .threshold = mask_threshold(options_, participants)};
  double total_weight = 0;
  std::vector<std::size_t> mine;  // reports that rows belong to
  for (std::size_t i = 0; i < reports.size(); ++i) {
    parties.participants.push_back(reports[i].client);
    parties.delivered.push_back(delivers(reports[i]));
    if (client_private()) weights[i] = 1;
    if (!delivers(reports[i])) continue;
    total_weight += weights[i];
    if (hosted_.contains(reports[i].client)) mine.push_back(i);
  }
  if (client_private()) total_weight = options_.num_clients;
  double range = 0;  // of what this rank hands over
  for (std::size_t row = 0; row < mine.size() && !client_private(); ++row) {
    const std::span<const float> residual = clients_[reports[mine[row]].client - hosted_.first].residual, change = rows_->row(row);
    double largest = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const double value = static_cast<double>(change[i]) + (residual.empty() ? 0.0f : residual[i]);
      largest = std::max(largest, std::abs(value));
    }
    range = std::max(range, weights[mine[row]] * largest);
  }
  const double step = client_private() ? private_step(parties.threshold) : public_step(range, participants);
  std::vector<Word> words;
  agreed(comm_, [&] {
    for (std::size_t row = 0; row < mine.size(); ++row) {
      const auto values = rows_->row(row).first(length);
      for (const std::int64_t level : levels_of(reports[mine[row]].client, values, weights[mine[row]], step)) {
        words.push_back(static_cast<Word>(level));
      }
    }
  });
  const std::vector<Word> sum = masked_sum(comm_, parties, std::span<Word>(words), length);
  proposal_.resize(length);
  const double unit = step / total_weight;
  for (std::size_t i = 0; i < length; ++i) {
    proposal_[i] = static_cast<float>(parameters_[i] + unit * static_cast<double>(signed_level(sum[i])));
  }
  return proposal_;
}

/// Collective. From the largest weighted change of any client.
double Federation::public_step(double range, int participants) const {
  std::array<double, 1> largest{range};
  comm_.all_reduce_max(std::span<double>(largest));
  return agreed(comm_,
                [&] { return fixed_point_step(power_of_two_above(largest[0]), participants, options_.bits, options_.modulus_bits); });
}

/// Collective. Of public quantities alone.
double Federation::private_step(int threshold) const {
  return agreed(comm_, [&] {
    const double deviation = std::sqrt(static_cast<double>(noise_variance));
    const double step = change_multiplier_ * clip_norm_ / (std::sqrt(threshold) * deviation);
    const double n = options_.num_clients, largest = n * clip_norm_ / step + 12 * std::sqrt(n) * deviation;
    if (largest > std::ldexp(1.0, options_.modulus_bits - 1)) {
      throw Error("changes and noise of {} clients do not fit {} bits: set fed.modulus_bits = 64", options_.num_clients,
                  options_.modulus_bits);
    }
    if (rounding_norm(step) > clip_norm_ / 10) {
      throw Error(
          "{} parameters rounded to the steps of masked sums move further than a clipped change does (noise multiplier {:.3g}): share "
          "fewer layers or lower the noise",
          parameters_.size(), change_multiplier_);
    }
    return step;
  });
}

/// By how much rounding to nearest can lengthen a change.
double Federation::rounding_norm(double step) const {
  return std::sqrt(static_cast<double>(parameters_.size())) / 2 * step;
}

std::vector<std::int64_t> Federation::levels_of(int client, std::span<const float> change, double weight, double step) {
  RandomStream stream(seed_, Draw::quantisation, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
  if (!client_private()) {
    const FixedPoint grid{.step = step, .rounding = options_.bits < 32 && options_.stochastic ? Rounding::stochastic : Rounding::nearest};
    return to_levels(change, weight, grid, clients_[client - hosted_.first].residual, stream);
  }
  std::vector<float> clipped(change.begin(), change.end());
  clip_to_norm(clipped, clip_norm_ - rounding_norm(step));
  auto levels = to_levels(clipped, weight, {.step = step}, {}, stream);
  SecureNoise source = noise(SecureNoise::fresh_key(), client);
  add_integer_noise(levels, privacy_.integer_noise, noise_variance, source);
  return levels;
}

}  // namespace gridfed
