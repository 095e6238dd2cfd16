#pragma once

#include <Eigen/Core>

#include <experimental/simd>
#include <vector>

namespace gridfed {

/// Eight doubles that are worked on at once: one AVX-512 register, two of AVX2, four of SSE.
using Lanes = std::experimental::simd<double, std::experimental::simd_abi::deduce_t<double, 8>>;
using LaneMask = Lanes::mask_type;
inline constexpr int lane_count = 8;

/// Begins where a register may: a load that straddles two cache lines costs two.
using AlignedDoubles = std::vector<double, Eigen::aligned_allocator<double>>;

inline Lanes load(const double* from) {
  return Lanes(from, std::experimental::element_aligned);
}
inline void store(const Lanes& value, double* to) {
  value.copy_to(to, std::experimental::element_aligned);
}
/// a b + c. std::experimental::fma goes lane by lane, so the sources that include this are compiled with contraction (src/CMakeLists.txt).
inline Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
  return a * b + c;
}
inline double hmax(const Lanes& value) {
  return std::experimental::hmax(value);
}
inline double sum(const Lanes& value) {
  return std::experimental::reduce(value);
}

}  // namespace gridfed
