#include "rl/squashed_gaussian.hpp"

#include <algorithm>
#include <cmath>

// With u = m + s e, s = exp(l): log pi(a) = sum_j -e_j^2 / 2 - l_j - log(2 pi) / 2 - log(1 - tanh(u_j)^2), and
// log(1 - tanh(u)^2) = 2 (log 2 - u - log(1 + exp(-2 u))), which keeps its digits where tanh saturates. Its derivative is -2 tanh(u), so
//   d log pi / du = 2 a at fixed e, du/dm = 1, du/dl = s e, and l itself adds -1.

namespace gridfed {

namespace {

constexpr float log_std_low = -20.0F, log_std_high = 2.0F;
constexpr float half_log_two_pi = 0.9189385332F, log_two = 0.6931471806F;

float softplus(float x) {
  return std::max(x, 0.0F) + std::log1p(std::exp(-std::abs(x)));
}

}  // namespace

float SquashedGaussian::sample(std::int64_t row, std::span<const float> noise, std::span<float> action) const {
  const float* mean = output.data() + row * 2 * action_size;
  const float* log_std = mean + action_size;
  float density = 0;
  for (std::size_t j = 0; j < action.size(); ++j) {
    const float l = std::clamp(log_std[j], log_std_low, log_std_high);
    const float u = mean[j] + std::exp(l) * noise[j];
    action[j] = std::tanh(u);
    density -= 0.5F * noise[j] * noise[j] + l + half_log_two_pi + 2.0F * (log_two - u - softplus(-2.0F * u));
  }
  return density;
}

void SquashedGaussian::mode(std::int64_t row, std::span<float> action) const {
  const float* mean = output.data() + row * 2 * action_size;
  for (std::size_t j = 0; j < action.size(); ++j) action[j] = std::tanh(mean[j]);
}

void SquashedGaussian::gradient(std::int64_t row, std::span<const float> noise, std::span<const float> action, float weight,
                                std::span<const float> action_gradient, std::span<float> output_gradient) const {
  const float* log_std = output.data() + row * 2 * action_size + action_size;
  for (std::size_t j = 0; j < action.size(); ++j) {
    const float l = std::clamp(log_std[j], log_std_low, log_std_high);
    const float du = 2.0F * weight * action[j] + action_gradient[j] * (1.0F - action[j] * action[j]);
    output_gradient[j] = du;
    output_gradient[action.size() + j] = l == log_std[j] ? du * std::exp(l) * noise[j] - weight : 0.0F;
  }
}

}  // namespace gridfed
