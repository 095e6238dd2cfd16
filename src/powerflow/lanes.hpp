#pragma once

#include <Eigen/Core>

#include <experimental/simd>
#include <vector>

namespace gridfed {

inline constexpr int lane_count = 8;
/// Eight numbers that are worked on at once: doubles fill one AVX-512 register, two of AVX2, four of SSE. std::experimental::fma goes lane
/// by lane, so the sources that include this leave a * b + c to the compiler's contraction (src/CMakeLists.txt).
template <class Real>
using LanesOf = std::experimental::simd<Real, std::experimental::simd_abi::deduce_t<Real, lane_count>>;
using Lanes = LanesOf<double>;

/// Begins where a register may: a load that straddles two cache lines costs two.
template <class Real>
using Aligned = std::vector<Real, Eigen::aligned_allocator<Real>>;
using AlignedDoubles = Aligned<double>;

template <class Real>
LanesOf<Real> load(const Real* from) {
  return LanesOf<Real>(from, std::experimental::element_aligned);
}
template <class Real>
void store(const LanesOf<Real>& value, Real* to) {
  value.copy_to(to, std::experimental::element_aligned);
}
template <class Simd>
auto hmax(const Simd& value) {
  return std::experimental::hmax(value);
}
template <class Simd>
auto sum(const Simd& value) {
  return std::experimental::reduce(value);
}

}  // namespace gridfed
