#pragma once

#include "grid/network_data.hpp"

#include <Eigen/Dense>

#include <span>

namespace gridfed {

/// Primitive admittances [S] between the conductors of an element, terminals stacked in order. They follow OpenDSS's element models
/// (Dugan, "OpenDSS reference guide", EPRI), so that a solution can be compared with that engine digit by digit. Open
/// conductors of lines and windings are eliminated: what stays connected keeps its charging and its no-load losses.

/// Pi-model behind an ideal transformer at `from`: [from; to], with half the charging at each end. Not symmetric where it shifts phase.
Eigen::MatrixXcd line_admittance(const LineData& line);

/// Which neighbour the far end of each phase of a delta winding lands on: +1 = next, -1 = previous. A delta high side leads a wye low side
/// by 30 degrees (ANSI) unless lag_leads says otherwise.
int delta_direction(const TransformerData& transformer);

/// All windings' conductors stacked; taps per unit, one a winding.
Eigen::MatrixXcd transformer_admittance(const TransformerData& transformer, std::span<const double> taps);

/// Steps with state 1 in service; [terminal] or [terminal; to].
Eigen::MatrixXcd capacitor_admittance(const CapacitorData& capacitor, std::span<const int> states);

Eigen::MatrixXcd reactor_admittance(const ReactorData& reactor);

/// Thevenin impedance of the source, inverted: phases x phases; zero for an ideal source, whose voltages are fixed instead.
Eigen::MatrixXcd source_admittance(const SourceData& source);

/// Voltages behind that impedance [V].
Eigen::VectorXcd source_voltages(const SourceData& source);

}  // namespace gridfed
