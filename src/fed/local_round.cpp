#include "fed/local_round.hpp"

namespace gridfed {

void LocalRound::guide(std::span<const float> at, std::span<float> gradient) {
  ++steps;
  if (proximal > 0) {
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = static_cast<float>(gradient[i] + proximal * (static_cast<double>(at[i]) - anchor[i]));
    }
  }
  if (control.empty()) return;
  gradient_sum.resize(gradient.size());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient_sum[i] += gradient[i];
    gradient[i] += shared_control[i] - control[i];
  }
}

}  // namespace gridfed
