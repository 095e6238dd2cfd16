#include "rl/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <experimental/simd>
#include <numbers>

namespace gridfed {

namespace {

struct Coefficients {
  float beta1, rest1, beta2, rest2, rate, second_correction, epsilon, keep, tau;
};

/// T is float or a vector of floats, so that the tail of a run computes as its middle does.
template <class T>
void adam(const Coefficients& c, T& p, const T& g, T& m, T& v) {
  using std::max;
  using std::sqrt;
  m = c.beta1 * m + c.rest1 * g;
  v = c.beta2 * v + c.rest2 * g * g;
  v = max(v, T(0.0F));  // moments that went through lossy averaging may be slightly negative
  p = c.keep * p - c.rate * m / (sqrt(v) * c.second_correction + c.epsilon);
}

}  // namespace

void AdamStep::apply(std::span<float> parameters, std::span<const float> gradient, std::span<float> first_moment,
                     std::span<float> second_moment, std::span<float> target) const {
  const auto t = static_cast<double>(step);
  const Coefficients c{.beta1 = static_cast<float>(beta1),
                       .rest1 = static_cast<float>(1.0 - beta1),
                       .beta2 = static_cast<float>(beta2),
                       .rest2 = static_cast<float>(1.0 - beta2),
                       .rate = static_cast<float>(learning_rate / (1.0 - std::pow(beta1, t))),
                       .second_correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, t))),
                       .epsilon = static_cast<float>(epsilon),
                       .keep = static_cast<float>(1.0 - learning_rate * weight_decay),
                       .tau = static_cast<float>(tau)};
  using Lanes = std::experimental::native_simd<float>;
  constexpr std::experimental::element_aligned_tag unaligned{};
  std::size_t i = 0;
  for (; i + Lanes::size() <= parameters.size(); i += Lanes::size()) {
    Lanes p(&parameters[i], unaligned), m(&first_moment[i], unaligned), v(&second_moment[i], unaligned);
    adam(c, p, Lanes(&gradient[i], unaligned), m, v);
    p.copy_to(&parameters[i], unaligned);
    m.copy_to(&first_moment[i], unaligned);
    v.copy_to(&second_moment[i], unaligned);
    if (target.empty()) continue;
    Lanes t(&target[i], unaligned);
    t += c.tau * (p - t);
    t.copy_to(&target[i], unaligned);
  }
  for (; i < parameters.size(); ++i) {
    adam(c, parameters[i], gradient[i], first_moment[i], second_moment[i]);
    if (!target.empty()) target[i] += c.tau * (parameters[i] - target[i]);
  }
}

double cosine_decay(std::int64_t update, std::int64_t length) {
  const double progress = std::min(1.0, static_cast<double>(update) / static_cast<double>(length));
  return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace gridfed
