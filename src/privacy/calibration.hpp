#pragma once

#include "privacy/ledger.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace gridfed {

/// How epsilon is worked out: by Renyi divergences (fast, loose) or by privacy loss distributions (their upper bound: tight).
enum class Accountant { rdp, pld };

std::string_view name(Accountant accountant);
/// Throws Error naming the choices.
Accountant accountant(std::string_view name);

/// Epsilon that the steps of a ledger have spent, at this delta.
double spent_epsilon(std::span<const PrivacyEvent> ledger, double delta, Accountant accountant);

/// The least noise multiplier, to 1e-6 of itself and never less, whose steps stay within (epsilon, delta), on top of those of a ledger.
/// Throws Error if the ledger alone exceeds them.
double noise_multiplier_for(double epsilon, double delta, double sampling_rate, std::int64_t steps, Accountant accountant = Accountant::rdp,
                            std::span<const PrivacyEvent> spent = {});

/// Smallest delta for which one Gaussian release is (epsilon, delta)-private (Balle and Wang, 2018, theorem 8).
double gaussian_delta(double sigma, double epsilon, double sensitivity = 1.0);
/// Standard deviation at which one Gaussian release is (epsilon, delta)-private, exact for every epsilon (ibid., algorithm 1).
double gaussian_sigma(double epsilon, double delta, double sensitivity = 1.0);

}  // namespace gridfed
