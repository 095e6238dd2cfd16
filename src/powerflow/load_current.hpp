#pragma once

#include "grid/network_data.hpp"

namespace gridfed {

/// One phase of a load: what its current depends on.
struct LoadPhase {
  int a = 0, b = 0;  ///< nodes, ground = -1
  int load = 0;
  double share = 1;                        ///< of the load's power
  double rated_voltage = 0;                ///< across the phase [V]
  double v_low = 0, v_min = 0, v_max = 0;  ///< [V]
  LoadModel model = LoadModel::constant_power;
  const LoadData* data = nullptr;
  Complex linear;  ///< admittance that stands in the nodal matrix [S]
};

/// Current drawn at voltage v across the phase [A] for nominal power s [VA]. Outside v_min..v_max a load is an impedance; below v_low its
/// nominal one, with the current interpolated in between (not so models 6 and 7). Where models 3, 4, 6, 7 and 8 jump at a limit they do so
/// in OpenDSS, whose Load element this follows at every voltage. Models 6 and 7 take their reactive power from `data`, not from s.
Complex load_current(const LoadPhase& phase, Complex s, Complex v);

/// Derivative of a current with respect to a voltage that it does not follow analytically: dI = to_v dv + to_conj_v conj(dv) [S]
/// (Wirtinger calculus).
struct CurrentDerivative {
  Complex to_v, to_conj_v;
};

/// Of I = h(|v|) v with the slope h' = dh / d|v| of its admittance h: to_v = h + h' |v| / 2, to_conj_v = h' v^2 / (2 |v|).
CurrentDerivative current_derivative(Complex h, Complex slope, Complex v);

/// Derivative of load_current() with respect to v; at a limit, that of the side it takes its value from.
CurrentDerivative load_current_derivative(const LoadPhase& phase, Complex s, Complex v);

}  // namespace gridfed
