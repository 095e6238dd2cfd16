#pragma once

#include "privacy/noise.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace gridfed {

/// Noise of integers, for sums that are taken modulo a power of two.
enum class IntegerNoise { discrete_gaussian, skellam };

std::string_view name(IntegerNoise noise);
/// Throws Error naming the choices.
IntegerNoise integer_noise(std::string_view name);

/// From the discrete Gaussian, P(k) proportional to exp(-k^2 / (2 variance)): exact, by integers and random bits alone (Canonne, Kamath and
/// Steinke, 2020, algorithms 1 to 3). 1 <= variance <= 2^48.
std::int64_t discrete_gaussian(SecureNoise& source, std::uint64_t variance);

/// Difference of two Poisson numbers of mean variance / 2 each (Agarwal et al., 2021); the sum of independent ones is one of the sum of the
/// variances. By transformed rejection (Hoermann, 1993) in double precision. 1 <= variance <= 2^48.
std::int64_t skellam(SecureNoise& source, std::uint64_t variance);

/// Adds independent noise to every value.
void add_integer_noise(std::span<std::int64_t> values, IntegerNoise noise, std::uint64_t variance, SecureNoise& source);

}  // namespace gridfed
