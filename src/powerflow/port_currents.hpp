#pragma once

#include "powerflow/cluster_factor.hpp"
#include "powerflow/lanes.hpp"
#include "powerflow/nodal_model.hpp"

#include <array>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace gridfed {

/// The matrix of a model's present state, as ClusterFactor takes it; it stays with the model.
NodalMatrix matrix_of(const NodalModel& model);

/// Ports of a model: each pair of nodes where a load or DER connects, once, then the nodes of sources.
std::vector<ClusterFactor::Port> ports_of(const NodalModel& model);

/// What loads and DERs draw at their ports, channel by channel of a ClusterFactor, eight at a time.
///
/// A device's current at voltage u over its rated voltage m is y g(m) u with y = conj(s) / rated^2: constant power g = 1/m^2, constant
/// current 1/m, constant impedance 1, and other pieces outside vmin..vmax (see load_current()), so that a few numbers for the shape of g
/// serve nearly all devices. Where active and reactive power go by different laws (load models 3, 4, 8) each has its shape; models 6 and 7,
/// and what no such shape describes (broken exponents, a cut-off voltage), go through load_current() one by one.
class PortCurrents {
 public:
  /// g(m): 1 up to low, below_0 + below_1 / m up to min, c0 + c1 / m + c2 / m^2 up to max, above beyond.
  struct Shape {
    double low = 0, min = 0, max = 0, c0 = 0, c1 = 0, c2 = 0, below_0 = 1, below_1 = 0, above = 1;
    bool constant_power() const { return c0 == 0 && c1 == 0 && c2 == 1; }
    auto operator<=>(const Shape&) const = default;
  };
  struct Slot {  ///< devices of one shape at one port
    int channel = 0;
    double scale = 0;  ///< (base / rated)^2: |u|^2 [p.u.] to m^2
    Shape shape;
    Complex y;
  };
  enum class Kind { load, solar, wind, battery, generator };
  static constexpr int kinds = 5;
  /// Where a device's power p + jq goes: active p - j reactive q is added to the y of a slot.
  struct Share {
    int at = 0, device = 0;  ///< slot, or the channel whose first slot it is
    double active = 0, reactive = 0;
  };
  struct Irregular {
    const LoadPhase* phase = nullptr;
    int channel = 0;
    double base = 0;
    Complex power;
  };

  PortCurrents(const NodalModel& model, const ClusterFactor& factor);

  /// Takes the powers of the evaluations to come.
  void set_conditions(const LoadingConditions& conditions);
  /// Currents of the sources alone.
  void no_load(double* r_re, double* r_im) const;
  /// Currents into the network at voltages x beyond what the nominal admittances of loads in its matrix draw, by channel, scaled: [VA] from
  /// [p.u.]; in double or float.
  template <class Real>
  void evaluate(const Real* x_re, const Real* x_im, Real* r_re, Real* r_im) const;
  /// The same at voltages x = from + share (to - from), which it gives, too.
  template <class Real>
  struct At {
    const Real *re, *im;
  };
  template <class Real>
  void evaluate_between(At<Real> from, At<Real> to, Real share, Real* x_re, Real* x_im, Real* r_re, Real* r_im) const;

  // What it is made of, for those who evaluate it otherwise.
  std::span<const Slot> slots() const { return slots_; }
  /// Every share, those of first slots by their slot, too.
  std::vector<Share> shares_of(Kind kind) const;
  std::span<const Irregular> irregular() const { return irregular_; }
  std::span<const std::pair<int, Complex>> sources() const { return sources_; }
  Complex linear(int channel) const;

 private:
  template <class Real>
  struct Shapes {  ///< of eight channels
    std::array<std::array<Real, lane_count>, 9> value{};
    bool constant_power = true;
    auto operator<=>(const Shapes&) const = default;
  };
  template <class Real>
  struct Channels {  ///< their first slots
    Aligned<Real> y_re, y_im, linear_re, linear_im, scale;
    std::vector<Shapes<Real>> shapes;
  };
  template <class Real, class Voltages>
  void evaluate_at(Voltages voltages, const Real* x_re, const Real* x_im, Real* r_re, Real* r_im) const;
  void add(int channel, double base, double rated, const Shape& shape, Kind kind, int device, double active, double reactive);
  void lay_out(int channels);

  std::vector<Slot> slots_;
  std::multimap<int, int> slots_of_channel_;
  std::array<std::vector<Share>, kinds> shares_, further_shares_;  // by kind
  std::vector<Irregular> irregular_;
  std::vector<int> further_;  // slots beyond the first of their channel
  std::vector<std::pair<int, Complex>> sources_;
  std::vector<int> first_slot_;  // by channel
  std::vector<int> shapes_of_group_;
  std::tuple<Channels<double>, Channels<float>> channels_;
};

}  // namespace gridfed
