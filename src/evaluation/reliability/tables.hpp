#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gridfed {

/// How a component fails and what ends the interruptions.
struct FailureData {
  double rate = 0;                    ///< sustained faults [1/year]
  double temporary_rate = 0;          ///< faults that clear once the line is dead [1/year]
  double repair = 0;                  ///< [h]
  std::optional<double> replacement;  ///< by a spare [h]
  double switching = 0;               ///< to find the fault, isolate it and close what can be closed [h]
};

/// Failure data by element, as a CSV of the columns element, per, failure rate [1/yr], temporary rate [1/yr], repair [h], replacement [h],
/// switching [h], transfer [kVA]. `element` is a class (line, switch, transformer, reactor, bus, disconnector, fuse, recloser, breaker),
/// one element (line.s12), or a pattern (line.ug*); the closest one counts. `per` is km or unit.
class FailureTable {
 public:
  static FailureTable read(const std::filesystem::path& file);

  /// Rates of an element `length` metres long; nothing where no row speaks of it. Throws for a rate per km of an element without length.
  std::optional<FailureData> of(std::string_view element_class, std::string_view name, double length) const;
  /// Power that an open line or switch can take over [kVA]; nothing where the table does not say.
  std::optional<double> transfer(std::string_view element_class, std::string_view name) const;

 private:
  struct Row {
    std::string element;
    bool per_km = false;
    FailureData data;
    std::optional<double> transfer;
  };
  const Row* find(std::string_view element_class, std::string_view name) const;
  std::filesystem::path file_;
  std::vector<Row> rows_;
};

/// Who is behind a load, as a CSV of the columns load, customers, class, average [kW], peak [kW], feeder.
struct CustomerRow {
  std::string load;  ///< name of a Load
  double customers = 0;
  std::string customer_class;
  std::optional<double> average, peak;  ///< [kW]
  std::string feeder;                   ///< that the load is counted under
};
std::vector<CustomerRow> read_customers(const std::filesystem::path& file);

}  // namespace gridfed
