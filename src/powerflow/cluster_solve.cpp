// What ClusterFactor does in every iteration.
#include "powerflow/cluster_factor.hpp"

#include <algorithm>
#include <utility>

namespace gridfed {

namespace {

/// acc += M v for `blocks` vectors of rows; M column by column, real rows then imaginary rows.
template <int blocks, class Real>
inline void multiply(const Real* m, int rows, const Real* v_re, const Real* v_im, int columns, LanesOf<Real> (&re)[blocks],
                     LanesOf<Real> (&im)[blocks]) {
  LanesOf<Real> minus[blocks], cross[blocks];  // four chains of multiply-adds a block hide their latency
  for (int b = 0; b < blocks; ++b) minus[b] = cross[b] = 0;
  for (int k = 0; k < columns; ++k, m += 2 * rows) {
    const LanesOf<Real> x(v_re[k]), y(v_im[k]);
    for (int b = 0; b < blocks; ++b) {
      const auto a = load(m + lane_count * b), c = load(m + rows + lane_count * b);
      re[b] += a * x;
      minus[b] += c * y;
      im[b] += a * y;
      cross[b] += c * x;
    }
  }
  for (int b = 0; b < blocks; ++b) {
    re[b] -= minus[b];
    im[b] += cross[b];
  }
}

/// out = [M W] [v; w], all columns one after the other.
template <int blocks, class Real>
inline void multiply(const Real* m, int rows, const Real* v_re, const Real* v_im, int count, const Real* w_re, const Real* w_im,
                     int boundary, Real* out_re, Real* out_im) {
  LanesOf<Real> re[blocks], im[blocks];
  for (int b = 0; b < blocks; ++b) re[b] = im[b] = 0;
  multiply<blocks, Real>(m, rows, v_re, v_im, count, re, im);
  if (boundary > 0) multiply<blocks, Real>(m + 2 * static_cast<std::size_t>(rows) * count, rows, w_re, w_im, boundary, re, im);
  for (int b = 0; b < blocks; ++b) {
    store(re[b], out_re + lane_count * b);
    store(im[b], out_im + lane_count * b);
  }
}

template <class Real>
void multiply(const Real* m, int rows, const Real* v_re, const Real* v_im, int count, const Real* w_re, const Real* w_im, int boundary,
              Real* out_re, Real* out_im) {
  for (int row = 0; row < rows;) {
    const int blocks = std::min(4, (rows - row) / lane_count);
    const auto part = [&]<int n>() {
      multiply<n, Real>(m + row, rows, v_re, v_im, count, w_re, w_im, boundary, out_re + row, out_im + row);
    };
    switch (blocks) {
      case 1:
        part.template operator()<1>();
        break;
      case 2:
        part.template operator()<2>();
        break;
      case 3:
        part.template operator()<3>();
        break;
      default:
        part.template operator()<4>();
    }
    row += lane_count * blocks;
  }
}

/// A number for each lane from the channels that are given.
template <class Real>
inline LanesOf<Real> gather(const Real* from, const int* channels) {
  return LanesOf<Real>([&](auto lane) { return from[channels[lane]]; });
}

constexpr int parts = 2 * lane_count;  // of a complex number for each lane: real parts, then imaginary parts

/// r_B -= W^T r_I for eight clusters of n channels.
template <int n, class Real>
inline void pass_up(const Real* w, const int* boundary_channels, int boundary, const Real* in_re, const Real* in_im, Real* r_re,
                    Real* r_im) {
  LanesOf<Real> x[n], y[n];
  for (int k = 0; k < n; ++k) {
    x[k] = load(in_re + lane_count * k);
    y[k] = load(in_im + lane_count * k);
  }
  for (int b = 0; b < boundary; ++b, boundary_channels += lane_count) {
    LanesOf<Real> re = 0, im = 0;
    for (int k = 0; k < n; ++k, w += parts) {
      const auto a = load(w), c = load(w + lane_count);
      re += a * x[k] - c * y[k];
      im += a * y[k] + c * x[k];
    }
    Real by_lane[parts];
    store(re, by_lane);
    store(im, by_lane + lane_count);
    for (int lane = 0; lane < lane_count; ++lane) {  // lanes may share a channel
      r_re[boundary_channels[lane]] -= by_lane[lane];
      r_im[boundary_channels[lane]] -= by_lane[lane_count + lane];
    }
  }
}

/// x_I = M r_I - W x_B for eight clusters of n channels; of M the lower triangle.
template <int n, class Real>
inline void pass_down(const Real* m, const int* boundary_channels, int boundary, const Real* in_re, const Real* in_im, Real* x_re,
                      Real* x_im, Real* out_re, Real* out_im) {
  LanesOf<Real> re[n], im[n];
  for (int i = 0; i < n; ++i) {
    const auto u = load(in_re + lane_count * i), v = load(in_im + lane_count * i);
    LanesOf<Real> row_re = 0, row_im = 0;
    for (int j = 0; j < i; ++j, m += parts) {
      const auto a = load(m), c = load(m + lane_count), x = load(in_re + lane_count * j), y = load(in_im + lane_count * j);
      row_re += a * x - c * y;
      row_im += a * y + c * x;
      re[j] += a * u - c * v;
      im[j] += a * v + c * u;
    }
    const auto a = load(m), c = load(m + lane_count);
    m += parts;
    re[i] = row_re + a * u - c * v;
    im[i] = row_im + a * v + c * u;
  }
  for (int b = 0; b < boundary; ++b, boundary_channels += lane_count) {
    const auto x = gather(x_re, boundary_channels), y = gather(x_im, boundary_channels);
    for (int i = 0; i < n; ++i, m += parts) {
      const auto a = load(m), c = load(m + lane_count);
      re[i] -= a * x - c * y;
      im[i] -= a * y + c * x;
    }
  }
  for (int i = 0; i < n; ++i) {
    store(re[i], out_re + lane_count * i);
    store(im[i], out_im + lane_count * i);
  }
}

/// Calls run with n as a constant.
template <class Run>
inline void for_count(int n, Run run) {
  const auto among = [&]<int... k>(std::integer_sequence<int, k...>) {
    ((n == k + 1 ? run.template operator()<k + 1>() : void()), ...);
  };
  among(std::make_integer_sequence<int, ClusterFactor::most_packed>());
}

}  // namespace

template <>
const double* ClusterFactor::matrices<double>() const {
  return matrices_.data();
}
template <>
const float* ClusterFactor::matrices<float>() const {
  return single_matrices_.data();
}

template <class Real>
void ClusterFactor::solve(Real* r_re, Real* r_im, Real* x_re, Real* x_im) const {
  const Real* numbers = matrices<Real>();
  for (const Pass& c : passes_) {
    const Real *in_re = r_re + c.first_channel, *in_im = r_im + c.first_channel;
    const int* channels = boundary_channels_.data() + c.channels;
    const Real* w = numbers + c.matrix + c.own_numbers();
    if (c.packed) {
      for_count(c.count, [&]<int n>() { pass_up<n>(w, channels, c.boundary, in_re, in_im, r_re, r_im); });
      continue;
    }
    for (int b = 0; b < c.boundary; ++b, w += 2 * c.rows) {
      LanesOf<Real> re = 0, im = 0;
      for (int k = 0; k < c.rows; k += lane_count) {
        const auto y_re = load(w + k), y_im = load(w + c.rows + k), x = load(in_re + k), z = load(in_im + k);
        re += y_re * x - y_im * z;
        im += y_re * z + y_im * x;
      }
      r_re[channels[b]] -= sum(re);
      r_im[channels[b]] -= sum(im);
    }
  }
  constexpr int few = 64;
  Real few_re[few], few_im[few];
  std::vector<Real> many;  // a meshed network may have wider boundaries
  for (auto pass = passes_.rbegin(); pass != passes_.rend(); ++pass) {
    const Pass& c = *pass;
    const Real *m = numbers + c.matrix, *in_re = r_re + c.first_channel, *in_im = r_im + c.first_channel;
    const int* channels = boundary_channels_.data() + c.channels;
    Real *out_re = x_re + c.first_channel, *out_im = x_im + c.first_channel;
    if (c.packed) {
      for_count(c.count, [&]<int n>() { pass_down<n>(m, channels, c.boundary, in_re, in_im, x_re, x_im, out_re, out_im); });
      continue;
    }
    Real *b_re = few_re, *b_im = few_im;
    if (c.boundary > few) {
      many.resize(static_cast<std::size_t>(2) * c.boundary);
      b_re = many.data();
      b_im = many.data() + c.boundary;
    }
    for (int b = 0; b < c.boundary; ++b) {
      b_re[b] = -x_re[channels[b]];
      b_im[b] = -x_im[channels[b]];
    }
    multiply(m, c.rows, in_re, in_im, c.count, b_re, b_im, c.boundary, out_re, out_im);
  }
}
template void ClusterFactor::solve(double*, double*, double*, double*) const;
template void ClusterFactor::solve(float*, float*, float*, float*) const;

}  // namespace gridfed
