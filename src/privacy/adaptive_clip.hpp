#pragma once

namespace gridfed {

// Adaptive clipping (Andrew et al., 2021): the clip norm follows a quantile of the clients' norms, told by a noised count of those within.

/// Clip norm of the next round: clip_norm * exp(-rate * (share_within - quantile)).
double next_clip_norm(double clip_norm, double share_within, double quantile, double rate);

/// Noise multiplier for the changes at which they and the count, noised by count_deviation, are together one Gaussian mechanism of
/// noise_multiplier (their theorem 1). Throws Error if the count alone spends more.
double multiplier_beside_count(double noise_multiplier, double count_deviation);

}  // namespace gridfed
