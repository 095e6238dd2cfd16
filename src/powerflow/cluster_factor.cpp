// The numeric half of ClusterFactor.
#include "powerflow/cluster_factor.hpp"

#include "powerflow/lanes.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

constexpr double zero_pivot = 1e-4;  // [VA at nominal voltage]: below a part per million of the smallest transformer

// Without the checks for infinities of std::complex.
inline Complex multiply(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
inline Complex inverse_of(Complex a) {
  const double scale = 1 / std::norm(a);
  return {a.real() * scale, -a.imag() * scale};
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
  front_.resize(std::max(front_.size(), static_cast<std::size_t>(inside) * inside));  // of zeros, which it is left with
  right_.assign(static_cast<std::size_t>(2) * inside * width, 0.0);
  const auto y = [&](int row, int column) -> Complex& { return front_[static_cast<std::size_t>(row) * inside + column]; };
  const auto re = [&](int row) { return right_.data() + static_cast<std::size_t>(2) * row * width; };
  const auto im = [&](int row) { return re(row) + width; };
  const auto add = [&](int row, int place, Complex value) {
    if (place < inside) {
      if (place <= row) y(row, place) += value;
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
    if (!(std::norm(pivot) > zero_pivot * zero_pivot)) {
      std::fill(front_.begin(), front_.end(), Complex{});
      return c.interior[p];
    }
    const Complex inverse = inverse_of(pivot);
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
    for (const int row : c.below[p]) {
      subtract(p, row, y(row, p));
      y(row, p) = 0;
    }
    y(p, p) = 0;
  }

  store_numbers(c, width);
  for (std::size_t i = 0; i < coupled.size(); ++i) {
    const auto& [node, a] = coupled[i];
    for (int b = 0; b < outside; ++b)
      c.schur[static_cast<std::size_t>(a) * outside + b] -= multiply(coupling[i], Complex(re(node)[c.count + b], im(node)[c.count + b]));
  }
  return -1;
}

// Takes M, W and the rows of nodes without a channel from the columns that were solved for.
void ClusterFactor::store_numbers(const Cluster& c, int width) {
  const auto re = [&](int row) { return right_.data() + static_cast<std::size_t>(2) * row * width; };
  const Pass& pass = passes_[c.pass];
  const int columns = c.count + pass.boundary;
  const std::size_t further = pass.packed ? lane_count : pass.rows;
  for (int row = 0; row < c.count; ++row) {
    const auto& [a, b] = c.ends[row];
    const auto put = [&](std::size_t at, double real, double imaginary) {
      matrices_[at] = real;
      matrices_[at + further] = imaginary;
      if (single_matrices_.empty()) return;
      single_matrices_[at] = static_cast<float>(real);
      single_matrices_[at + further] = static_cast<float>(imaginary);
    };
    const auto store_row = [&](auto number) {
      if (pass.packed) {
        std::size_t at = pass.matrix + static_cast<std::size_t>(lane_count) * row * (row + 1) + c.lane;  // the lower triangle
        for (int k = 0; k <= row; ++k, at += 2 * lane_count) put(at, number(k), number(width + k));
        at = pass.matrix + pass.own_numbers() + static_cast<std::size_t>(2 * lane_count) * row + c.lane;
        for (int k = c.count; k < columns; ++k, at += static_cast<std::size_t>(2 * lane_count) * c.count)
          put(at, number(k), number(width + k));
      } else {
        std::size_t at = pass.matrix + row;
        for (int k = 0; k < columns; ++k, at += 2 * static_cast<std::size_t>(pass.rows)) put(at, number(k), number(width + k));
      }
    };
    if (b < 0) {
      store_row([from = re(a)](int k) { return from[k]; });
    } else if (a < 0) {
      store_row([from = re(b)](int k) { return -from[k]; });
    } else {
      store_row([from = re(a), to = re(b)](int k) { return from[k] - to[k]; });
    }
  }
  for (std::size_t row = 0; row < c.rest.size(); ++row) {
    const double base = base_[c.interior[c.rest[row]]];
    const double* from = re(c.rest[row]);
    for (int k = 0; k < columns; ++k) {
      const auto [at, imaginary] = recovery_place(c, static_cast<int>(row), k);
      recovery_[at] = base * from[k];
      recovery_[at + imaginary] = base * from[width + k];
    }
  }
}

std::array<std::size_t, 2> ClusterFactor::recovery_place(const Cluster& c, int row, int k) const {
  const Pass& pass = passes_[c.pass];
  if (!pass.packed) return {pass.recovery + static_cast<std::size_t>(2) * k * pass.rest + row, static_cast<std::size_t>(pass.rest)};
  const std::size_t columns = pass.count + pass.boundary;
  return {pass.recovery + 2 * lane_count * (row * columns + k) + c.lane, static_cast<std::size_t>(lane_count)};
}

ClusterFactor::Recovery ClusterFactor::recovery_of(std::span<const int> nodes) const {
  std::vector<bool> wanted(base_.size(), false), of_cluster(clusters_.size(), false);
  for (const int node : nodes) wanted[node] = true;
  Recovery some;
  std::size_t at = 0;
  for (const auto& one : all_.recovered) {
    if (wanted[one.node]) {
      some.recovered.push_back(one);
      for (std::size_t n = at; n < at + one.terms; ++n) {
        some.nodes.push_back(all_.nodes[n]);
        some.gains.insert(some.gains.end(), {all_.gains[2 * n], all_.gains[2 * n + 1]});
        wanted[all_.nodes[n]] = true;
      }
    }
    at += one.terms;
  }
  for (const auto& one : all_.direct) {
    if (wanted[one.node]) some.direct.push_back(one);
  }
  for (const int pass : all_.with_rest) {
    const auto& nodes = rest_nodes_[pass];
    if (std::any_of(nodes.begin(), nodes.end(), [&](int node) { return node >= 0 && wanted[node]; })) some.with_rest.push_back(pass);
  }
  return some;
}

void ClusterFactor::recover(const Recovery& recovery, const double* r_re, const double* r_im, const double* x_re, const double* x_im,
                            std::span<Complex> v) const {
  for (const auto& [node, channel] : recovery.direct) v[node] = {base_[node] * x_re[channel], base_[node] * x_im[channel]};
  std::vector<Lanes> columns;  // of a packed pass: what enters, real and imaginary parts
  for (const int number : recovery.with_rest) {
    const Pass& pass = passes_[number];
    const int* nodes = rest_nodes_[number].data();
    const int* channels = boundary_channels_.data() + pass.channels;
    const double* m = recovery_.data() + pass.recovery;
    Lanes re = 0, im = 0;
    const auto add = [&](const double* a_re, const double* a_im, const auto& x, const auto& y) {
      const Lanes a = load(a_re), b = load(a_im);
      re += a * x - b * y;
      im += a * y + b * x;
    };
    const auto put = [&] {
      for (int lane = 0; lane < lane_count; ++lane, ++nodes) {
        if (*nodes >= 0) v[*nodes] = {re[lane], im[lane]};
      }
    };
    if (pass.packed) {
      columns.clear();
      for (int k = 0; k < pass.count; ++k) {
        columns.push_back(load(r_re + pass.first_channel + lane_count * k));
        columns.push_back(load(r_im + pass.first_channel + lane_count * k));
      }
      for (int b = 0; b < pass.boundary; ++b, channels += lane_count) {
        columns.push_back(Lanes([&](auto lane) { return -x_re[channels[lane]]; }));
        columns.push_back(Lanes([&](auto lane) { return -x_im[channels[lane]]; }));
      }
      for (int row = 0; row < pass.rest; ++row) {
        re = im = 0;
        for (std::size_t k = 0; k < columns.size(); k += 2, m += 2 * lane_count) add(m, m + lane_count, columns[k], columns[k + 1]);
        put();
      }
      continue;
    }
    for (int first = 0; first < pass.rest; first += lane_count) {
      re = im = 0;
      const double* column = m + first;
      for (int k = 0; k < pass.count; ++k, column += 2 * pass.rest)
        add(column, column + pass.rest, r_re[pass.first_channel + k], r_im[pass.first_channel + k]);
      for (int b = 0; b < pass.boundary; ++b, column += 2 * pass.rest)
        add(column, column + pass.rest, -x_re[channels[b]], -x_im[channels[b]]);
      put();
    }
  }
  recover_eliminated(recovery, v);
}

// g++ 12 would pair real and imaginary parts into vectors that it writes in halves and reads whole, which waits for the store: four times
// slower.
__attribute__((optimize("no-tree-slp-vectorize"))) void ClusterFactor::recover_eliminated(const Recovery& recovery, std::span<Complex> v) {
  const int* nodes = recovery.nodes.data();
  const double* gains = recovery.gains.data();
  for (const auto& [node, terms] : recovery.recovered) {
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

std::vector<ClusterFactor::Block> ClusterFactor::blocks() const {
  std::vector<Block> blocks;
  for (const auto& c : clusters_) {
    const Pass& pass = passes_[c.pass];
    Block& block = blocks.emplace_back();
    block.parent = c.parent;
    for (int k = 0; k < c.count; ++k) {
      block.channels.push_back(c.channel(k));
      const auto node = [&](int end) { return end < 0 ? -1 : c.interior[end]; };
      block.ends.push_back({node(c.ends[k][0]), node(c.ends[k][1])});
    }
    for (int b = 0; b < pass.boundary; ++b)
      block.boundary.push_back(boundary_channels_[pass.channels + (pass.packed ? lane_count * b + c.lane : b)]);
    const auto number = [&](int row, int k) {
      if (pass.packed && k > row && k < c.count) std::swap(row, k);
      std::size_t at = pass.matrix;
      if (!pass.packed) {
        at += static_cast<std::size_t>(2) * k * pass.rows + row;
      } else if (k < c.count) {
        at += static_cast<std::size_t>(2 * lane_count) * (row * (row + 1) / 2 + k) + c.lane;
      } else {
        at += pass.own_numbers() + static_cast<std::size_t>(2 * lane_count) * ((k - c.count) * c.count + row) + c.lane;
      }
      return Complex(matrices_[at], matrices_[at + (pass.packed ? lane_count : pass.rows)]);
    };
    for (int row = 0; row < c.count; ++row) {
      for (int k = 0; k < c.count; ++k) block.m.push_back(number(row, k));
      for (int b = 0; b < pass.boundary; ++b) block.w.push_back(number(row, c.count + b));
    }
    for (std::size_t row = 0; row < c.rest.size(); ++row) {
      const int node = c.interior[c.rest[row]];
      block.rest.push_back(node);
      for (int k = 0; k < c.count + pass.boundary; ++k) {
        const auto [at, imaginary] = recovery_place(c, static_cast<int>(row), k);
        (k < c.count ? block.rest_m : block.rest_w).push_back(Complex(recovery_[at], recovery_[at + imaginary]) / base_[node]);
      }
    }
  }
  return blocks;
}

std::vector<ClusterFactor::Eliminated> ClusterFactor::eliminated() const {
  std::vector<Eliminated> all;
  std::size_t at = 0;
  for (const auto& [node, terms] : all_.recovered) {
    auto& one = all.emplace_back();
    one.node = node;
    for (int n = 0; n < terms; ++n, ++at) {
      const int from = all_.nodes[at];
      one.from.push_back(from);
      one.gain.push_back(Complex(all_.gains[2 * at], all_.gains[2 * at + 1]) * base_[from] / base_[node]);
    }
  }
  return all;
}

}  // namespace gridfed
