#include "powerflow/scenario_lanes.hpp"

#include "powerflow/contraction_test.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

namespace gridfed {

namespace {

namespace stdx = std::experimental;

/// A row holds one phasor of every scenario: real parts, then imaginary parts.
template <class Real, int width>
class SideBySide final : public ScenarioLanes {
 public:
  SideBySide(const NodalModel& model, const ClusterFactor& factor)
      : currents_(model, factor), base_(model.base().begin(), model.base().end()) {
    for (const Complex power : rated_conditions(model.network()).load_power) rated_power_ += power.real();
    shares_of_rated_.assign(width, 1);
    const auto blocks = in_order(factor.blocks());
    std::vector<int> row_of_channel(factor.channels(), -1);
    for (const auto& block : blocks) {
      for (std::size_t k = 0; k < block.channels.size(); ++k) {
        row_of_channel[block.channels[k]] = static_cast<int>(ends_.size());
        ends_.push_back(block.ends[k]);
      }
    }
    node_row_.assign(base_.size(), -1);
    for (std::size_t row = 0; row < ends_.size(); ++row) {
      if (ends_[row][1] < 0) node_row_[ends_[row][0]] = static_cast<int>(row);
    }
    lay_out_draws(row_of_channel);
    lay_out_clusters(blocks, row_of_channel);
    lay_out_recovery(blocks, factor);
    x_.assign((ends_.size() + recovered_.size()) * parts, 0);
    r_.assign(ends_.size() * parts, 0);
    y_.assign(draws_.size() * parts, 0);
    outcomes_.resize(width);
  }

  int lanes() const override { return width; }

  void prepare(const ClusterFactor& factor) override {
    Real* to = numbers_.data();
    const auto put = [&](Complex value) {
      *to++ = static_cast<Real>(value.real());
      *to++ = static_cast<Real>(value.imag());
    };
    for (const auto& block : in_order(factor.blocks())) {
      const std::size_t count = block.channels.size(), boundary = block.boundary.size();
      for (std::size_t first = 0; first < count; first += rows_together) {
        const std::size_t last = std::min<std::size_t>(first + rows_together, count);
        for (std::size_t k = 0; k < count + boundary; ++k) {
          for (std::size_t row = first; row < last; ++row) put(k < count ? block.m[row * count + k] : -block.w[row * boundary + k - count]);
        }
      }
      for (std::size_t b = 0; b < boundary; ++b) {
        for (std::size_t k = 0; k < count; ++k) put(-block.w[k * boundary + b]);
      }
      for (std::size_t row = 0; row < block.rest.size(); ++row) {
        for (std::size_t k = 0; k < count; ++k) put(block.rest_m[row * count + k]);
        for (std::size_t b = 0; b < boundary; ++b) put(-block.rest_w[row * boundary + b]);
      }
    }
  }

  void set_start(std::span<const Complex> unloaded, std::span<const Complex> rated) override {
    const auto across = [&](std::span<const Complex> v, std::size_t row) {
      const auto at = [&](int node) { return node < 0 ? Complex{} : v[node] / base_[node]; };
      return at(ends_[row][0]) - at(ends_[row][1]);
    };
    start_.clear();
    for (std::size_t row = 0; row < ends_.size(); ++row) {
      const Complex x = across(unloaded, row), change = across(rated, row) - x;
      for (const double number : {x.real(), change.real(), x.imag(), change.imag()}) start_.push_back(static_cast<Real>(number));
    }
  }

  void solve(std::span<const LoadingConditions> scenarios, double tolerance, int max_iterations) override {
    set_conditions(scenarios);
    begin();
    outcomes_.assign(width, {});
    std::vector<ContractionTest> tests(width, ContractionTest(tolerance));
    std::array<bool, width> going;
    going.fill(true);
    for (int iteration = 1; iteration <= max_iterations; ++iteration) {
      const V squares = iterate(V([&](auto lane) { return static_cast<Real>(going[lane]); }) > V(Real{0}));
      for (int lane = 0; lane < width; ++lane) {
        if (!going[lane]) continue;
        const double change = std::sqrt(static_cast<double>(squares[lane]));
        outcomes_[lane] = {tests[lane].done(change), iteration};
        going[lane] = !outcomes_[lane].converged && change < 1e6;
      }
      if (std::none_of(going.begin(), going.end(), [](bool lane) { return lane; })) break;
    }
    recover();
  }

  Complex voltage(int node, int lane) const override {
    const Real* row = &x_[static_cast<std::size_t>(node_row_[node]) * parts];
    return base_[node] * Complex(row[lane], row[width + lane]);
  }

  void replace(int lane, std::span<const Complex> voltages, Outcome outcome) override {
    outcomes_[lane] = outcome;
    for (std::size_t node = 0; node < base_.size(); ++node) {
      Real* row = &x_[static_cast<std::size_t>(node_row_[node]) * parts];
      row[lane] = static_cast<Real>(voltages[node].real() / base_[node]);
      row[width + lane] = static_cast<Real>(voltages[node].imag() / base_[node]);
    }
  }

 private:
  using V = stdx::simd<Real, stdx::simd_abi::deduce_t<Real, width>>;
  using Mask = typename V::mask_type;
  static constexpr int parts = 2 * width;
  static constexpr int rows_together = 4;

  struct Draw {                      ///< devices of one shape at one port
    Real low = 0, min = 0, max = 0;  ///< squares of the voltages at which another piece begins
    Real c0 = 0, c1 = 0, c2 = 0, below_0 = 0, below_1 = 0, above = 0, scale = 0;
  };
  struct Channel {
    Real linear_re = 0, linear_im = 0, source_re = 0, source_im = 0;
    int first_draw = 0, draws = 0;
    bool receives = false;  ///< from clusters further out, or from a source
  };
  struct Cluster {
    int first = 0, count = 0, boundary = 0, boundary_rows = 0;
    int irregular = 0, irregulars = 0;
    std::size_t numbers = 0;
    bool receives = false;
  };
  struct Share {
    int draw = 0, device = 0;
    Real active = 0, reactive = 0;
  };
  struct Recovered {  ///< of a rest node by its cluster, of an eliminated one by terms
    int node = 0, cluster = -1, terms = 0;
    std::size_t numbers = 0;
  };

  static V load(const Real* from) { return V(from, stdx::vector_aligned); }
  static void store(const V& value, Real* to) { value.copy_to(to, stdx::vector_aligned); }

  /// Each cluster before what hangs on it, those of one shape together, so that the processor foresees the loops.
  static std::vector<ClusterFactor::Block> in_order(std::vector<ClusterFactor::Block> blocks) {
    std::vector<int> height(blocks.size(), 0), order(blocks.size());
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      if (const int parent = blocks[b].parent; parent >= 0) height[parent] = std::max(height[parent], height[b] + 1);
    }
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      const auto key = [&](int i) { return std::tuple(-height[i], blocks[i].channels.size(), blocks[i].boundary.size()); };
      return key(a) < key(b);
    });
    std::vector<ClusterFactor::Block> ordered;
    for (const int b : order) ordered.push_back(std::move(blocks[b]));
    return ordered;
  }

  void lay_out_draws(std::span<const int> row_of_channel) {
    channels_.resize(ends_.size());
    const auto slots = currents_.slots();
    std::vector<std::vector<int>> slots_of_row(ends_.size());
    for (std::size_t s = 0; s < slots.size(); ++s) slots_of_row[row_of_channel[slots[s].channel]].push_back(static_cast<int>(s));
    std::vector<int> draw_of_slot(slots.size());
    for (std::size_t row = 0; row < ends_.size(); ++row) {
      channels_[row].first_draw = static_cast<int>(draws_.size());
      channels_[row].draws = static_cast<int>(slots_of_row[row].size());
      for (const int s : slots_of_row[row]) {
        draw_of_slot[s] = static_cast<int>(draws_.size());
        const auto real = [](double value) { return static_cast<Real>(value); };
        const auto& shape = slots[s].shape;
        draws_.push_back({.low = real(shape.low * shape.low),
                          .min = real(shape.min * shape.min),
                          .max = real(shape.max * shape.max),
                          .c0 = real(shape.c0),
                          .c1 = real(shape.c1),
                          .c2 = real(shape.c2),
                          .below_0 = real(shape.below_0),
                          .below_1 = real(shape.below_1),
                          .above = real(shape.above),
                          .scale = real(slots[s].scale)});
      }
    }
    for (std::size_t channel = 0; channel < row_of_channel.size(); ++channel) {
      if (row_of_channel[channel] < 0) continue;
      const Complex linear = currents_.linear(static_cast<int>(channel));
      channels_[row_of_channel[channel]].linear_re = static_cast<Real>(linear.real());
      channels_[row_of_channel[channel]].linear_im = static_cast<Real>(linear.imag());
    }
    for (int kind = 0; kind < PortCurrents::kinds; ++kind) {
      for (const auto& share : currents_.shares_of(static_cast<PortCurrents::Kind>(kind)))
        shares_[kind].push_back({draw_of_slot[share.at], share.device, static_cast<Real>(share.active), static_cast<Real>(share.reactive)});
    }
    for (const auto& [channel, current] : currents_.sources()) {
      Channel& at = channels_[row_of_channel[channel]];
      at.receives = true;
      at.source_re = static_cast<Real>(current.real());
      at.source_im = static_cast<Real>(current.imag());
    }
    irregular_.assign(currents_.irregular().begin(), currents_.irregular().end());
    for (auto& device : irregular_) device.channel = row_of_channel[device.channel];
    std::stable_sort(irregular_.begin(), irregular_.end(), [](const auto& a, const auto& b) { return a.channel < b.channel; });
    irregular_power_.resize(irregular_.size() * width);
  }

  void lay_out_clusters(std::span<const ClusterFactor::Block> blocks, std::span<const int> row_of_channel) {
    std::size_t numbers = 0;
    int row = 0, irregular = 0;
    for (const auto& block : blocks) {
      const int count = static_cast<int>(block.channels.size()), boundary = static_cast<int>(block.boundary.size());
      Cluster c{.first = row,
                .count = count,
                .boundary = boundary,
                .boundary_rows = static_cast<int>(boundary_rows_.size()),
                .irregular = irregular,
                .numbers = numbers};
      for (const int channel : block.boundary) {
        boundary_rows_.push_back(row_of_channel[channel]);
        channels_[row_of_channel[channel]].receives = true;
      }
      row += count;
      while (irregular < static_cast<int>(irregular_.size()) && irregular_[irregular].channel < row) ++irregular;
      c.irregulars = irregular - c.irregular;
      clusters_.push_back(c);
      numbers += static_cast<std::size_t>(2) * count * (count + 2 * boundary) + 2 * block.rest.size() * (count + boundary);
    }
    numbers_.assign(numbers, 0);
    for (auto& c : clusters_) {
      for (int k = 0; k < c.count; ++k) c.receives = c.receives || channels_[c.first + k].receives;
    }
  }

  void lay_out_recovery(std::span<const ClusterFactor::Block> blocks, const ClusterFactor& factor) {
    const auto append = [&](Recovered recovered) {
      node_row_[recovered.node] = static_cast<int>(ends_.size() + recovered_.size());
      recovered_.push_back(recovered);
    };
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const std::size_t count = blocks[i].channels.size(), boundary = blocks[i].boundary.size();
      std::size_t at = clusters_[i].numbers + 2 * count * (count + 2 * boundary);
      for (const int node : blocks[i].rest) {
        append({.node = node, .cluster = static_cast<int>(i), .numbers = at});
        at += 2 * (count + boundary);
      }
    }
    for (const auto& eliminated : factor.eliminated()) {
      append({.node = eliminated.node, .terms = static_cast<int>(eliminated.from.size()), .numbers = gains_.size()});
      for (std::size_t n = 0; n < eliminated.from.size(); ++n) {
        gain_rows_.push_back(node_row_[eliminated.from[n]]);
        gains_.push_back(static_cast<Real>(eliminated.gain[n].real()));
        gains_.push_back(static_cast<Real>(eliminated.gain[n].imag()));
      }
    }
  }

  /// Lanes without a scenario repeat the last.
  void set_conditions(std::span<const LoadingConditions> scenarios) {
    std::array<const LoadingConditions*, width> by_lane;
    for (int lane = 0; lane < width; ++lane) by_lane[lane] = &scenarios[std::min<std::size_t>(lane, scenarios.size() - 1)];
    for (int lane = 0; lane < width; ++lane) {
      const double drawn = std::accumulate(by_lane[lane]->load_power.begin(), by_lane[lane]->load_power.end(), Complex{}).real();
      shares_of_rated_[lane] = rated_power_ > 0 ? static_cast<Real>(std::clamp(drawn / rated_power_, 0.0, 1.5)) : Real{1};
    }
    std::fill(y_.begin(), y_.end(), Real{0});
    using Member = std::vector<Complex> LoadingConditions::*;
    constexpr Member members[] = {&LoadingConditions::load_power, &LoadingConditions::solar_power, &LoadingConditions::wind_power,
                                  &LoadingConditions::battery_power, &LoadingConditions::generator_power};
    for (int kind = 0; kind < PortCurrents::kinds; ++kind) {
      std::array<const Complex*, width> power;
      for (int lane = 0; lane < width; ++lane) power[lane] = (by_lane[lane]->*members[kind]).data();
      for (const Share& share : shares_[kind]) {
        Real* y = &y_[static_cast<std::size_t>(share.draw) * parts];
        for (int lane = 0; lane < width; ++lane) {
          y[lane] += share.active * static_cast<Real>(power[lane][share.device].real());
          y[width + lane] -= share.reactive * static_cast<Real>(power[lane][share.device].imag());
        }
      }
    }
    for (std::size_t i = 0; i < irregular_.size(); ++i) {
      for (int lane = 0; lane < width; ++lane)
        irregular_power_[i * width + lane] = by_lane[lane]->load_power[irregular_[i].phase->load] * irregular_[i].phase->share;
    }
  }

  /// 1 / sqrt(square): three or four of Newton's steps from a parabola are cheaper than a root and a division, and good to rounding where
  /// voltages usually are.
  [[gnu::always_inline]] static V inverse_root(const V& square) {
    constexpr Real nearest = 0.36, farthest = 1.7;
    V inverse = (V(Real(0.50185447)) * square - V(Real(1.64510745))) * square + V(Real(2.1386822));  // within 3.4 % there
    for (int step = 0; step < (sizeof(Real) == sizeof(float) ? 3 : 4); ++step) {
      const V half = V(Real(0.5)) * square * inverse;
      inverse = inverse * (V(Real(1.5)) - half * inverse);
    }
    const auto beyond = square < V(nearest) || square > V(farthest);
    if (stdx::any_of(beyond)) where(beyond, inverse) = V(Real{1}) / stdx::sqrt(square);
    return inverse;
  }

  /// A draw's admittance over its nominal one, at the square of the voltage [p.u.].
  [[gnu::always_inline]] static V factor_of(const Draw& draw, const V& square_pu) {
    const V square = square_pu * V(draw.scale), inverse = inverse_root(square);
    V g = (V(draw.c2) * inverse + V(draw.c1)) * inverse + V(draw.c0);
    where(square <= V(draw.min), g) = V(draw.below_1) * inverse + V(draw.below_0);
    where(square <= V(draw.low), g) = V(Real{1});
    where(square > V(draw.max), g) = V(draw.above);
    return g;
  }

  /// Start voltages by how much power a scenario draws of what is rated, and the currents at them.
  void begin() {
    for (std::size_t row = 0; row < ends_.size(); ++row) {
      const Real* from = &start_[4 * row];
      const V share = load(shares_of_rated_.data());
      store(V(from[0]) + share * V(from[1]), &x_[row * parts]);
      store(V(from[2]) + share * V(from[3]), &x_[row * parts + width]);
    }
    for (const Cluster& c : clusters_) await(c);
    for (auto c = clusters_.rbegin(); c != clusters_.rend(); ++c) up(*c);
  }

  /// From currents to voltages, and on to the currents at these. Returns the largest square of a change by lane; lanes that do not go on
  /// keep their voltages.
  V iterate(const Mask& going) {
    V worst = 0;
    for (const Cluster& c : clusters_) worst = larger(worst, down(c, going));
    for (auto c = clusters_.rbegin(); c != clusters_.rend(); ++c) up(*c);
    return worst;
  }

  /// Makes room for currents from further out.
  void await(const Cluster& c) {
    if (!c.receives) return;
    for (int row = c.first; row < c.first + c.count; ++row) {
      const Channel& channel = channels_[row];
      if (!channel.receives) continue;
      store(V(channel.source_re), &r_[static_cast<std::size_t>(row) * parts]);
      store(V(channel.source_im), &r_[static_cast<std::size_t>(row) * parts + width]);
    }
  }

  /// What is drawn at the present voltages, with the sums from further out; r_B -= W^T r_I.
  void up(const Cluster& c) {
    for (int row = c.first; row < c.first + c.count; ++row) {
      const Channel& channel = channels_[row];
      if (channel.draws == 0 && channel.receives) continue;
      Real* r = &r_[static_cast<std::size_t>(row) * parts];
      V re = 0, im = 0;
      if (channel.receives) {
        re = load(r);
        im = load(r + width);
      }
      if (channel.draws > 0) {
        const V u = load(&x_[static_cast<std::size_t>(row) * parts]), v = load(&x_[static_cast<std::size_t>(row) * parts + width]);
        V a(channel.linear_re), b(channel.linear_im);
        const V square = u * u + v * v;
        const Draw* draw = &draws_[channel.first_draw];
        const Real* y = &y_[static_cast<std::size_t>(channel.first_draw) * parts];
        for (int d = 0; d < channel.draws; ++d, ++draw, y += parts) {
          const V factor = factor_of(*draw, square);
          a -= factor * load(y);
          b -= factor * load(y + width);
        }
        re += a * u - b * v;
        im += a * v + b * u;
      }
      store(re, r);
      store(im, r + width);
    }
    if (c.irregulars > 0) add_irregular(c);
    const Real* w = &numbers_[c.numbers + static_cast<std::size_t>(2) * c.count * (c.count + c.boundary)];
    const Real* own = &r_[static_cast<std::size_t>(c.first) * parts];
    for (int b = 0; b < c.boundary; ++b) {
      Real* to = &r_[static_cast<std::size_t>(boundary_rows_[c.boundary_rows + b]) * parts];
      V re = 0, im = 0, minus = 0, cross = 0;
      for (int k = 0; k < c.count; ++k, w += 2) {
        const V x = load(own + static_cast<std::ptrdiff_t>(k) * parts), y = load(own + static_cast<std::ptrdiff_t>(k) * parts + width);
        re += V(w[0]) * x;
        minus += V(w[1]) * y;
        im += V(w[0]) * y;
        cross += V(w[1]) * x;
      }
      store(load(to) + (re - minus), to);
      store(load(to + width) + (im + cross), to + width);
    }
  }

  void add_irregular(const Cluster& c) {
    for (int i = c.irregular; i < c.irregular + c.irregulars; ++i) {
      const auto& device = irregular_[i];
      Real* r = &r_[static_cast<std::size_t>(device.channel) * parts];
      const Real* at = &x_[static_cast<std::size_t>(device.channel) * parts];
      const Channel& channel = channels_[device.channel];
      for (int lane = 0; lane < width; ++lane) {
        const Complex x(at[lane], at[width + lane]);
        Complex current =
            -device.base * load_current(*device.phase, irregular_power_[static_cast<std::size_t>(i) * width + lane], device.base * x);
        // The nominal admittance, once a channel, where no draw has brought it in.
        if (channel.draws == 0 && (i == c.irregular || irregular_[i - 1].channel != device.channel))
          current += Complex(channel.linear_re, channel.linear_im) * x;
        r[lane] += static_cast<Real>(current.real());
        r[width + lane] += static_cast<Real>(current.imag());
      }
    }
  }

  /// x_I = M r_I - W x_B. Returns the largest square of a change.
  V down(const Cluster& c, const Mask& going) {
    const Real* m = &numbers_[c.numbers];
    const std::size_t columns = static_cast<std::size_t>(2) * (c.count + c.boundary);
    V worst = 0;
    int row = 0;
    for (; row + rows_together <= c.count; row += rows_together, m += rows_together * columns)
      worst = larger(worst, down_rows<rows_together>(c, row, m, going));
    switch (c.count - row) {
      case 1:
        worst = larger(worst, down_rows<1>(c, row, m, going));
        break;
      case 2:
        worst = larger(worst, down_rows<2>(c, row, m, going));
        break;
      case 3:
        worst = larger(worst, down_rows<3>(c, row, m, going));
        break;
      default:
        break;
    }
    await(c);
    return worst;
  }

  /// The larger one in each lane; what is not a number stands out.
  [[gnu::always_inline]] static V larger(const V& a, V b) {
    where(!(a <= b) && b == b, b) = a;
    return b;
  }

  template <int rows>
  [[gnu::always_inline]] V down_rows(const Cluster& c, int first, const Real* m, const Mask& going) {
    V re[rows], im[rows];
    for (int i = 0; i < rows; ++i) re[i] = im[i] = 0;
    const auto add = [&](const Real* from) __attribute__((always_inline)) {
      const V x = load(from), y = load(from + width);
      for (int i = 0; i < rows; ++i, m += 2) {
        const V a(m[0]), b(m[1]);
        re[i] += a * x;
        im[i] += a * y;
        re[i] -= b * y;
        im[i] += b * x;
      }
    };
    const Real* own = &r_[static_cast<std::size_t>(c.first) * parts];
    for (int k = 0; k < c.count; ++k, own += parts) add(own);
    const int* boundary = &boundary_rows_[c.boundary_rows];
    for (int b = 0; b < c.boundary; ++b) add(&x_[static_cast<std::size_t>(boundary[b]) * parts]);
    V worst = 0;
    Real* x = &x_[static_cast<std::size_t>(c.first + first) * parts];
    for (int i = 0; i < rows; ++i, x += parts) {
      const V before_re = load(x), before_im = load(x + width);
      const V left_re = re[i] - before_re, left_im = im[i] - before_im;
      worst = larger(worst, left_re * left_re + left_im * left_im);
      where(!going, re[i]) = before_re;
      where(!going, im[i]) = before_im;
      store(re[i], x);
      store(im[i], x + width);
    }
    return worst;
  }

  void recover() {
    std::size_t term = 0;
    Real* to = &x_[ends_.size() * parts];
    for (const Recovered& node : recovered_) {
      V re = 0, im = 0;
      const auto add = [&](const Real* gain, const Real* from) {
        const V a(gain[0]), b(gain[1]), x = load(from), y = load(from + width);
        re += a * x - b * y;
        im += a * y + b * x;
      };
      if (node.cluster >= 0) {
        const Cluster& c = clusters_[node.cluster];
        const Real* gain = &numbers_[node.numbers];
        for (int k = 0; k < c.count; ++k, gain += 2) add(gain, &r_[static_cast<std::size_t>(c.first + k) * parts]);
        for (int b = 0; b < c.boundary; ++b, gain += 2)
          add(gain, &x_[static_cast<std::size_t>(boundary_rows_[c.boundary_rows + b]) * parts]);
      } else {
        for (int n = 0; n < node.terms; ++n, ++term)
          add(&gains_[node.numbers + 2 * n], &x_[static_cast<std::size_t>(gain_rows_[term]) * parts]);
      }
      store(re, to);
      store(im, to + width);
      to += parts;
    }
  }

  double rated_power_ = 0;  // [W], of all loads
  PortCurrents currents_;
  std::vector<double> base_;
  std::vector<ClusterFactor::Port> ends_;  // of each row, nodes
  std::vector<int> node_row_;
  std::vector<Channel> channels_;
  std::vector<Draw> draws_;
  std::array<std::vector<Share>, PortCurrents::kinds> shares_;
  std::vector<PortCurrents::Irregular> irregular_;  // by row
  std::vector<Complex> irregular_power_;            // by device and lane
  std::vector<Cluster> clusters_;
  std::vector<int> boundary_rows_;
  std::vector<Recovered> recovered_;
  std::vector<int> gain_rows_;
  Aligned<Real> numbers_, gains_, shares_of_rated_;
  std::vector<Real> start_;  // of each row: real part without load, how rated load changes it; the same of the imaginary part
  Aligned<Real> x_, r_, y_;  // voltages, currents, what devices draw at nominal voltage
};

}  // namespace

std::unique_ptr<ScenarioLanes> make_double_lanes(const NodalModel& model, const ClusterFactor& factor) {
  return std::make_unique<SideBySide<double, 8>>(model, factor);
}
std::unique_ptr<ScenarioLanes> make_single_lanes(const NodalModel& model, const ClusterFactor& factor) {
  return std::make_unique<SideBySide<float, 16>>(model, factor);
}

}  // namespace gridfed
