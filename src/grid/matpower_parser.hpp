#pragma once

#include <string>
#include <string_view>
#include <vector>

/// The part of MATLAB's language that MATPOWER cases are written in.
namespace gridfed::matpower {

struct Row {
  int line = 0;
  std::vector<double> values;
};
using Table = std::vector<Row>;

/// Tables of a case as written, columns as in MATPOWER's idx_bus, idx_gen and idx_brch.
struct CaseTables {
  double base_mva = 0;
  Table bus, gen, branch;
};

/// Carries out the assignments of a case file: numbers, tables, and arithmetic on scalars and on columns of the tables, by which
/// distribution cases turn kW and ohm into MW and per unit. Throws Error naming file and line for anything else.
CaseTables parse_case(const std::string& file, std::string_view text);

}  // namespace gridfed::matpower
