// The exchange of Federation where ranks see nothing of a client but a masked vector or a ciphertext.
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
#include "secure/packing.hpp"

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

/// Of what a client hands over: its change and what it held back, if anything. Eight numbers are compared at a time.
double largest_magnitude(std::span<const float> change, std::span<const float> residual) {
  std::array<double, 8> largest{};
  for (std::size_t i = 0; i < change.size(); ++i) {
    const double value = static_cast<double>(change[i]) + (residual.empty() ? 0.0f : residual[i]);
    largest[i % 8] = std::max(largest[i % 8], std::abs(value));
  }
  return *std::max_element(largest.begin(), largest.end());
}

constexpr std::uint64_t noise_variance = (1ull << 36) + 69;  // in steps: 2^36 and one part in 10^9

template <class Word>
std::vector<std::int64_t> masked_levels(const Communicator& comm, const MaskedParties& parties, std::span<const std::int64_t> levels,
                                        std::size_t length) {
  std::vector<Word> words(levels.size());
  for (std::size_t i = 0; i < levels.size(); ++i) words[i] = static_cast<Word>(levels[i]);
  const std::vector<Word> sum = masked_sum(comm, parties, std::span<Word>(words), length);
  std::vector<std::int64_t> result(length);
  for (std::size_t i = 0; i < length; ++i) result[i] = signed_level(sum[i]);
  return result;
}

}  // namespace

/// Shares are those of all participants when vectors are hidden; what the missing ones leave is made up for afterwards.
std::span<const float> Federation::exchange_hidden(std::span<Report> reports) {
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
    range = std::max(range, weights[mine[row]] * largest_magnitude(rows_->row(row).first(length),
                                                                   clients_[reports[mine[row]].client - hosted_.first].residual));
  }
  const LevelGrid grid = client_private() ? private_grid(parties.threshold) : public_grid(range, participants);
  std::optional<SlotPacking> packing;
  std::vector<std::int64_t> levels;  // of the clients hosted here, one after the other
  agreed(comm_, [&] {
    if (encryption_) packing.emplace(grid.top, participants);
    levels.reserve(mine.size() * length);
    for (std::size_t row = 0; row < mine.size(); ++row) {
      const auto of_row = levels_of(reports[mine[row]].client, rows_->row(row).first(length), weights[mine[row]], grid);
      levels.insert(levels.end(), of_row.begin(), of_row.end());
    }
  });
  for (Report& report : reports) {
    if (!delivers(report)) continue;
    report.bytes = packing ? (length + packing->slots() - 1) / packing->slots() * sizeof(Ciphertext)
                           : length * static_cast<std::size_t>(options_.modulus_bits) / 8 + mask_overhead_bytes(reports.size());
  }
  const std::vector<std::int64_t> sum = packing                       ? encrypted_sum(parties, levels, *packing)
                                        : options_.modulus_bits == 32 ? masked_levels<std::uint32_t>(comm_, parties, levels, length)
                                                                      : masked_levels<std::uint64_t>(comm_, parties, levels, length);
  proposal_.resize(length);
  const double unit = grid.step / total_weight;
  for (std::size_t i = 0; i < length; ++i) {
    proposal_[i] = static_cast<float>(parameters_[i] + unit * static_cast<double>(sum[i]));
  }
  return proposal_;
}

/// Collective. A rank sees the clients that it hosts, so it encrypts their sum.
std::vector<std::int64_t> Federation::encrypted_sum(const MaskedParties& parties, std::span<const std::int64_t> levels,
                                                    const SlotPacking& packing) {
  const int delivered = static_cast<int>(std::count(parties.delivered.begin(), parties.delivered.end(), true));
  if (delivered < parties.threshold) {  // on every rank
    throw AgreedError("{} clients delivered, {} must (fed.mask_threshold): the sum of fewer would tell too much of each", delivered,
                      parties.threshold);
  }
  const std::size_t length = parameters_.size(), rows = levels.size() / length;
  std::vector<std::int64_t> sum(length, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < length; ++i) sum[i] += levels[row * length + i];
  }
  return encryption_->sum(packing, sum, static_cast<int>(rows), delivered);
}

/// Collective. From the largest weighted change of any client.
Federation::LevelGrid Federation::public_grid(double range, int participants) const {
  std::array<double, 1> largest{range};
  comm_.all_reduce_max(std::span<double>(largest));
  return agreed(comm_, [&] {
    return LevelGrid{.step = fixed_point_step(power_of_two_above(largest[0]), participants, options_.bits, options_.modulus_bits),
                     .top = largest_level(participants, options_.bits, options_.modulus_bits)};
  });
}

/// Collective. Of public quantities alone.
Federation::LevelGrid Federation::private_grid(int threshold) const {
  return agreed(comm_, [&] {
    const double deviation = std::sqrt(static_cast<double>(noise_variance)), n = options_.num_clients;
    const double step = change_multiplier_ * clip_norm_ / (std::sqrt(threshold) * deviation);
    const double largest = clip_norm_ / step + 12 * deviation;  // noise lies beyond that once in 10^32 draws
    if (n * largest > std::ldexp(1.0, options_.modulus_bits - 1)) {
      throw Error("changes and noise of {} clients do not fit {} bits: set fed.modulus_bits = 64", options_.num_clients,
                  options_.modulus_bits);
    }
    if (rounding_norm(step) > clip_norm_ / 10) {
      throw Error(
          "{} parameters rounded to the steps of masked sums move further than a clipped change does (noise multiplier {:.3g}): share "
          "fewer layers or lower the noise",
          parameters_.size(), change_multiplier_);
    }
    return LevelGrid{.step = step, .top = static_cast<std::int64_t>(largest)};
  });
}

/// By how much rounding to nearest can lengthen a change.
double Federation::rounding_norm(double step) const {
  return std::sqrt(static_cast<double>(parameters_.size())) / 2 * step;
}

std::vector<std::int64_t> Federation::levels_of(int client, std::span<const float> change, double weight, const LevelGrid& grid) {
  RandomStream stream(seed_, Draw::quantisation, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
  if (!client_private()) {
    const Rounding rounding = options_.bits < 32 && options_.stochastic ? Rounding::stochastic : Rounding::nearest;
    return to_levels(change, weight, {.step = grid.step, .rounding = rounding, .top = grid.top}, clients_[client - hosted_.first].residual,
                     stream);
  }
  std::vector<float> clipped(change.begin(), change.end());
  clip_to_norm(clipped, clip_norm_ - rounding_norm(grid.step));
  auto levels = to_levels(clipped, weight, {.step = grid.step}, {}, stream);
  SecureNoise source = noise(SecureNoise::fresh_key(), client);
  add_integer_noise(levels, privacy_.integer_noise, noise_variance, source);
  for (std::int64_t& level : levels) level = std::clamp(level, -grid.top, grid.top);
  return levels;
}

}  // namespace gridfed
