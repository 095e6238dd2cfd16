// The numeric half of ClusterFactor.
#include "powerflow/cluster_factor.hpp"

#include "powerflow/lanes.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

constexpr double zero_pivot = 1e-4;  // [VA at nominal voltage]: below a part per million of the smallest transformer

/// Without the checks for infinities of std::complex.
inline Complex multiply(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// acc += M v for `blocks` vectors of rows; M column by column, real rows then imaginary rows.
template <int blocks>
inline void multiply(const double* m, int rows, const double* v_re, const double* v_im, int columns, Lanes (&re)[blocks],
                     Lanes (&im)[blocks]) {
  Lanes minus[blocks], cross[blocks];  // four chains of multiply-adds a block hide their latency
  for (int b = 0; b < blocks; ++b) minus[b] = cross[b] = 0;
  for (int k = 0; k < columns; ++k, m += 2 * rows) {
    const Lanes x(v_re[k]), y(v_im[k]);
    for (int b = 0; b < blocks; ++b) {
      const Lanes a = load(m + lane_count * b), c = load(m + rows + lane_count * b);
      re[b] = fma(a, x, re[b]);
      minus[b] = fma(c, y, minus[b]);
      im[b] = fma(a, y, im[b]);
      cross[b] = fma(c, x, cross[b]);
    }
  }
  for (int b = 0; b < blocks; ++b) {
    re[b] -= minus[b];
    im[b] += cross[b];
  }
}

/// out = [M W] [v; w], all columns one after the other.
template <int blocks>
inline void product(const double* m, int rows, const double* v_re, const double* v_im, int count, const double* w_re, const double* w_im,
                    int boundary, double* out_re, double* out_im) {
  Lanes re[blocks], im[blocks];
  for (int b = 0; b < blocks; ++b) re[b] = im[b] = 0;
  multiply<blocks>(m, rows, v_re, v_im, count, re, im);
  if (boundary > 0) multiply<blocks>(m + 2 * static_cast<std::size_t>(rows) * count, rows, w_re, w_im, boundary, re, im);
  for (int b = 0; b < blocks; ++b) {
    store(re[b], out_re + lane_count * b);
    store(im[b], out_im + lane_count * b);
  }
}

void product(const double* m, int rows, const double* v_re, const double* v_im, int count, const double* w_re, const double* w_im,
             int boundary, double* out_re, double* out_im) {
  for (int row = 0; row < rows;) {
    const int blocks = std::min(4, (rows - row) / lane_count);
    const auto part = [&]<int n>() { product<n>(m + row, rows, v_re, v_im, count, w_re, w_im, boundary, out_re + row, out_im + row); };
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

}  // namespace

int ClusterFactor::factorise(const NodalMatrix& y) {
  for (std::size_t k = 0; k < value_.size(); ++k) value_[k] = fill_[k] + (source_slot_[k] >= 0 ? y.value[source_slot_[k]] : Complex{});
  for (auto& cluster : clusters_) {
    if (const int node = factorise(cluster); node >= 0) return node;
  }
  return -1;
}

int ClusterFactor::refactorise(const NodalMatrix& y, std::span<const int> changed) {
  std::fill(dirty_.begin(), dirty_.end(), false);
  for (const int node : changed) {
    for (int k = row_start_[node]; k < row_start_[node + 1]; ++k) {
      if (source_slot_[k] >= 0) value_[k] = fill_[k] + y.value[source_slot_[k]];
    }
    dirty_[cluster_of_node_[node]] = true;
  }
  for (std::size_t c = 0; c < clusters_.size(); ++c) {
    if (!dirty_[c]) continue;
    if (const int node = factorise(clusters_[c]); node >= 0) return node;
    if (clusters_[c].parent >= 0) dirty_[clusters_[c].parent] = true;
  }
  return -1;
}

// Y_II = L D L^T in the order of the elimination tree, where a radial feeder fills nothing in, then X = Y_II^-1 [A Y_IB], eight columns at
// a time. Ports enter as differences of nodes: a section that hardly anything ties to ground has a huge common voltage, which would swallow
// the differences if they were taken afterwards.
int ClusterFactor::factorise(Cluster& c) {
  const int inside = static_cast<int>(c.interior.size()), outside = static_cast<int>(c.boundary.size());
  const int width = (c.count + outside + lane_count - 1) / lane_count * lane_count;
  front_.assign(static_cast<std::size_t>(inside) * inside, Complex{});
  right_.assign(static_cast<std::size_t>(2) * inside * width, 0.0);
  const auto y = [&](int row, int column) -> Complex& { return front_[static_cast<std::size_t>(row) * inside + column]; };
  const auto re = [&](int row) { return right_.data() + static_cast<std::size_t>(2) * row * width; };
  const auto im = [&](int row) { return re(row) + width; };
  const auto add = [&](int row, int place, Complex value) {
    if (place < inside) {
      y(row, place) += value;
    } else {
      re(row)[c.count + place - inside] += value.real();
      im(row)[c.count + place - inside] += value.imag();
    }
  };
  for (const auto& [slot, row, place] : c.entries) add(row, place, value_[slot]);
  std::fill(c.schur.begin(), c.schur.end(), Complex{});
  for (std::size_t i = 0; i < c.children.size(); ++i) {
    const Cluster& child = clusters_[c.children[i]];
    const auto& places = c.child_places[i];
    const int n = static_cast<int>(places.size());
    for (int row = 0; row < n; ++row) {
      for (int column = 0; column < n; ++column) {
        const Complex value = child.schur[static_cast<std::size_t>(row) * n + column];
        if (places[row] < inside) {
          add(places[row], places[column], value);
        } else if (places[column] >= inside) {
          c.schur[static_cast<std::size_t>(places[row] - inside) * outside + places[column] - inside] += value;
        }
      }
    }
  }
  std::vector<std::array<int, 2>> coupled;  // nonzero entries of Y_IB
  std::vector<Complex> coupling;
  for (int i = 0; i < inside; ++i) {
    for (int b = 0; b < outside; ++b) {
      const Complex value(re(i)[c.count + b], im(i)[c.count + b]);
      if (value == Complex{}) continue;
      coupled.push_back({i, b});
      coupling.push_back(value);
    }
  }
  for (int k = 0; k < c.count; ++k) {
    const auto& [a, b] = c.ends[k];
    if (a >= 0) re(a)[k] += 1;
    if (b >= 0) re(b)[k] -= 1;
  }

  const auto subtract = [&](int row, int from, Complex factor) {  // right row -= factor * right from
    double *r_re = re(row), *r_im = im(row);
    const double *f_re = re(from), *f_im = im(from);
    const Lanes a(factor.real()), b(factor.imag());
    for (int k = 0; k < width; k += lane_count) {
      const Lanes x = load(f_re + k), z = load(f_im + k);
      store(load(r_re + k) - (a * x - b * z), r_re + k);
      store(load(r_im + k) - (a * z + b * x), r_im + k);
    }
  };
  for (int p = 0; p < inside; ++p) {
    const Complex pivot = y(p, p);
    if (!(std::norm(pivot) > zero_pivot * zero_pivot)) return c.interior[p];
    const Complex inverse = 1.0 / pivot;
    const auto& below = c.below[p];
    for (const int row : below) {
      const Complex factor = multiply(y(row, p), inverse);
      for (const int column : below) {
        if (column <= row) y(row, column) -= multiply(factor, y(column, p));
      }
      subtract(row, p, factor);
    }
    for (const int row : below) y(row, p) = multiply(y(row, p), inverse);
    y(p, p) = inverse;
  }
  for (int p = inside - 1; p >= 0; --p) {
    double *r_re = re(p), *r_im = im(p);
    const Lanes a(y(p, p).real()), b(y(p, p).imag());
    for (int k = 0; k < width; k += lane_count) {
      const Lanes x = load(r_re + k), z = load(r_im + k);
      store(a * x - b * z, r_re + k);
      store(a * z + b * x, r_im + k);
    }
    for (const int row : c.below[p]) subtract(p, row, y(row, p));
  }

  const int rows = c.rows(), rest_rows = c.recovery_rows();
  for (int row = 0; row < c.count; ++row) {
    const auto& [a, b] = c.ends[row];
    double* to = matrices_.data() + c.matrix + row;
    for (int k = 0; k < c.count + outside; ++k, to += 2 * rows) {
      to[0] = (a >= 0 ? re(a)[k] : 0.0) - (b >= 0 ? re(b)[k] : 0.0);
      to[rows] = (a >= 0 ? im(a)[k] : 0.0) - (b >= 0 ? im(b)[k] : 0.0);
    }
  }
  for (std::size_t row = 0; row < c.rest.size(); ++row) {
    double* to = recovery_.data() + c.recovery + row;
    const double base = base_[c.interior[c.rest[row]]];
    for (int k = 0; k < c.count + outside; ++k, to += 2 * rest_rows) {
      to[0] = base * re(c.rest[row])[k];
      to[rest_rows] = base * im(c.rest[row])[k];
    }
  }
  for (std::size_t i = 0; i < coupled.size(); ++i) {
    const auto& [node, a] = coupled[i];
    for (int b = 0; b < outside; ++b)
      c.schur[static_cast<std::size_t>(a) * outside + b] -= multiply(coupling[i], Complex(re(node)[c.count + b], im(node)[c.count + b]));
  }
  return -1;
}

void ClusterFactor::solve(double* r_re, double* r_im, double* x_re, double* x_im) const {
  const double* matrices = matrices_.data();
  const int* boundary_channels = boundary_channels_.data();
  for (const Pass& c : passes_) {
    const double* w = matrices + c.matrix + static_cast<std::size_t>(2) * c.count * c.rows;
    const double *in_re = r_re + c.first_channel, *in_im = r_im + c.first_channel;
    for (int b = 0; b < c.boundary; ++b, w += 2 * c.rows) {
      Lanes re = 0, im = 0;
      for (int k = 0; k < c.rows; k += lane_count) {
        const Lanes y_re = load(w + k), y_im = load(w + c.rows + k), x = load(in_re + k), z = load(in_im + k);
        re += y_re * x - y_im * z;
        im += y_re * z + y_im * x;
      }
      const int channel = boundary_channels[c.channels + b];
      r_re[channel] -= sum(re);
      r_im[channel] -= sum(im);
    }
  }
  constexpr int few = 64;
  double few_re[few], few_im[few];
  std::vector<double> many;  // a meshed network may have wider boundaries
  for (auto pass = passes_.rbegin(); pass != passes_.rend(); ++pass) {
    const Pass& c = *pass;
    double *b_re = few_re, *b_im = few_im;
    if (c.boundary > few) {
      many.resize(static_cast<std::size_t>(2) * c.boundary);
      b_re = many.data();
      b_im = many.data() + c.boundary;
    }
    for (int b = 0; b < c.boundary; ++b) {
      const int channel = boundary_channels[c.channels + b];
      b_re[b] = -x_re[channel];
      b_im[b] = -x_im[channel];
    }
    product(matrices + c.matrix, c.rows, r_re + c.first_channel, r_im + c.first_channel, c.count, b_re, b_im, c.boundary,
            x_re + c.first_channel, x_im + c.first_channel);
  }
}

// g++ 12 would pair real and imaginary parts into vectors that it writes in halves and reads whole, which waits for the store: four times
// slower.
__attribute__((optimize("no-tree-slp-vectorize"))) void ClusterFactor::recover(const double* r_re, const double* r_im, const double* x_re,
                                                                               const double* x_im, std::span<Complex> v) const {
  std::vector<double> work;
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    const Cluster& c = clusters_[i];
    for (const int node : c.interior) {
      const int channel = node_channel_[node];
      if (channel >= 0) v[node] = {base_[node] * x_re[channel], base_[node] * x_im[channel]};
    }
    if (c.rest.empty()) continue;
    const int boundary = static_cast<int>(c.boundary.size()), rows = c.recovery_rows();
    if (static_cast<int>(work.size()) < 2 * (boundary + rows)) work.resize(2 * (boundary + rows));
    double *w_re = work.data(), *w_im = w_re + boundary, *out_re = w_im + boundary, *out_im = out_re + rows;
    for (int b = 0; b < boundary; ++b) {
      const int channel = boundary_channels_[passes_[i].channels + b];
      w_re[b] = -x_re[channel];
      w_im[b] = -x_im[channel];
    }
    product(recovery_.data() + c.recovery, rows, r_re + c.first_channel, r_im + c.first_channel, c.count, w_re, w_im, boundary, out_re,
            out_im);
    for (std::size_t k = 0; k < c.rest.size(); ++k) v[c.interior[c.rest[k]]] = {out_re[k], out_im[k]};
  }
  const int* nodes = recovery_nodes_.data();
  const double* gains = recovery_gains_.data();
  for (const auto& [node, terms] : recovered_) {
    double re = 0, im = 0;
    for (int n = 0; n < terms; ++n) {
      const double* at = reinterpret_cast<const double*>(&v[nodes[n]]);
      const double v_re = at[0], v_im = at[1], g_re = gains[2 * n], g_im = gains[2 * n + 1];
      re += g_re * v_re - g_im * v_im;
      im += g_re * v_im + g_im * v_re;
    }
    v[node] = {re, im};
    nodes += terms;
    gains += 2 * terms;
  }
}

}  // namespace gridfed
