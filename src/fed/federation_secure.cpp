// The exchange of Federation where ranks see nothing of a client but a masked vector.
#include "fed/federation.hpp"
#include "fed/fixed_point.hpp"
#include "fed/masked_exchange.hpp"
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

}  // namespace

std::vector<float> Federation::exchange_masked(const Contribution& contribution, std::span<const Report> reports) {
  return options_.modulus_bits == 32 ? masked_mean<std::uint32_t>(contribution.dense, reports)
                                     : masked_mean<std::uint64_t>(contribution.dense, reports);
}

/// Shares are those of all participants when vectors are masked; what the missing ones leave is made up for afterwards.
template <class Word>
std::vector<float> Federation::masked_mean(std::span<const float> rows, std::span<const Report> reports) {
  const std::size_t length = parameters_.size();
  const std::vector<double> weights = round_weights(reports);
  const int participants = static_cast<int>(reports.size());
  MaskedParties parties{.hosted = hosted_, .threshold = mask_threshold(options_, participants)};
  double delivered_weight = 0;
  std::vector<std::size_t> mine;  // reports that rows belong to
  for (std::size_t i = 0; i < reports.size(); ++i) {
    parties.participants.push_back(reports[i].client);
    parties.delivered.push_back(delivers(reports[i]));
    if (!delivers(reports[i])) continue;
    delivered_weight += weights[i];
    if (hosted_.contains(reports[i].client)) mine.push_back(i);
  }
  const auto residual_of = [&](std::size_t i) -> std::span<float> { return clients_[reports[i].client - hosted_.first].residual; };
  std::array<double, 1> range{};
  for (std::size_t row = 0; row < mine.size(); ++row) {
    const auto residual = residual_of(mine[row]);
    for (std::size_t i = 0; i < length; ++i) {
      const double value = static_cast<double>(rows[row * length + i]) + (residual.empty() ? 0.0f : residual[i]);
      range[0] = std::max(range[0], weights[mine[row]] * std::abs(value));
    }
  }
  comm_.all_reduce_max(std::span<double>(range));
  FixedPoint grid{.rounding = options_.bits < 32 && options_.stochastic ? Rounding::stochastic : Rounding::nearest};
  std::vector<Word> words;
  agreed(comm_, [&] {
    grid.step = fixed_point_step(power_of_two_above(range[0]), participants, options_.bits, options_.modulus_bits);
    for (std::size_t row = 0; row < mine.size(); ++row) {
      const int client = reports[mine[row]].client;
      RandomStream stream(seed_, Draw::quantisation, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(round_));
      const auto levels = to_levels(rows.subspan(row * length, length), weights[mine[row]], grid, residual_of(mine[row]), stream);
      for (const std::int64_t level : levels) words.push_back(static_cast<Word>(level));
    }
  });
  const std::vector<Word> sum = masked_sum(comm_, parties, std::span<Word>(words), length);
  std::vector<float> target(length);
  const double unit = grid.step / delivered_weight;
  for (std::size_t i = 0; i < length; ++i) {
    target[i] = static_cast<float>(parameters_[i] + unit * static_cast<double>(signed_level(sum[i])));
  }
  return target;
}

}  // namespace gridfed
