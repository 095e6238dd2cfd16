#pragma once

#include "grid/components.hpp"
#include "grid/network.hpp"

#include <map>
#include <source_location>

namespace gridfed {

/// Builds a feeder component by component. Buses come before what stands at them. A component that cannot be is refused at once, by an
/// Error that names it, the line of the program and the remedy; what only the whole feeder shows is found by build().
class FeederBuilder {
 public:
  using Here = std::source_location;

  explicit FeederBuilder(std::string name = "feeder", double frequency = 60);

  FeederBuilder& add_bus(const components::Bus& bus, Here here = Here::current());
  FeederBuilder& add_line(const components::Line& line, Here here = Here::current());
  FeederBuilder& add_switch(const components::Switch& device, Here here = Here::current());
  FeederBuilder& add_transformer(const components::Transformer& transformer, Here here = Here::current());
  FeederBuilder& add_regulator(const components::Regulator& regulator, Here here = Here::current());
  FeederBuilder& add_load(const components::Load& load, Here here = Here::current());
  FeederBuilder& add_capacitor(const components::Capacitor& capacitor, Here here = Here::current());
  FeederBuilder& add_der(const components::SolarPV& plant, Here here = Here::current());
  FeederBuilder& add_der(const components::WindTurbine& turbine, Here here = Here::current());
  FeederBuilder& add_der(const components::Battery& battery, Here here = Here::current());

  /// What has been added, to be refined by what components have no word for.
  const NetworkData& data() const { return data_; }
  /// The network, validated.
  std::shared_ptr<const Network> build() const;

 private:
  struct Place;
  struct Ends;
  template <class Elements>
  std::string named(const std::string& name, const char* kind, const Elements& elements, const Origin& origin) const;
  const components::Bus& bus(const std::string& name, const std::string& element, const Origin& origin) const;
  void check_phases(const std::vector<int>& phases, const components::Bus& bus, const std::string& element, const Origin& origin) const;
  Ends ends(const std::string& from, const std::string& to, const std::vector<int>& phases, const std::string& element,
            const Origin& origin) const;
  Place place(const std::string& bus, const std::vector<int>& phases, Connection connection, const std::string& element,
              const Origin& origin) const;
  WindingData winding(const components::Bus& bus, const std::vector<int>& phases, Connection connection, double rating) const;
  template <class Device>
  void put(Device& device, const Place& place, const Origin& origin) const;

  NetworkData data_;
  std::map<std::string, components::Bus> buses_;
};

}  // namespace gridfed
