#pragma once

#include <array>
#include <cstdint>

namespace gridfed {

/// What a random number is drawn for; part of a stream's identity, so adding a purpose never moves the numbers of another.
enum class Draw : std::uint32_t {
  load,
  solar,
  wind,
  price,
  temperature,
  scenario,
  behaviour,
  initial_weights,
  minibatch,
  quantisation,
  subset,
  evaluation,
  test,
  outage,
  synthetic_network,
  load_field,
  participation,
  dropout,
  policy_sample,
};

/// Random numbers that depend on what is drawn, never on rank or call order: (seed, purpose, client, index) names the stream.
/// xoshiro256** (Blackman and Vigna, 2021) seeded through SplitMix64. Never used for privacy noise.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Draw purpose, std::uint64_t client = 0, std::uint64_t index = 0);

  /// 64 random bits.
  std::uint64_t bits();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal (Box and Muller, 1958; both values of a pair are used).
  double normal();
  /// Uniform in {0, ..., count - 1}, unbiased (Lemire, 2019). count > 0.
  std::uint64_t below(std::uint64_t count);

  /// The whole state, for checkpoints: restoring it continues the sequence.
  struct State {
    std::array<std::uint64_t, 4> words;
    double spare_normal;
    std::uint64_t has_spare;
  };
  State state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  State state_{};
};

}  // namespace gridfed
