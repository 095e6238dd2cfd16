#pragma once

#include "grid/synthetic_network.hpp"

#include <string>

namespace gridfed::synthetic {

/// What a random stream of a substation is for.
enum class Stage : std::uint64_t { size, tree, loads, lines, lengths, phases, customers };

/// Builds one substation: a tree of medium-voltage nodes, loads, lines that carry them, and what stands below each node. What the two
/// styles have in common is here, what differs in synthetic_europe.cpp and synthetic_america.cpp.
class SubstationBuilder {
 public:
  SubstationBuilder(const Plan& plan, int index);
  Substation build();

 private:
  struct Site {
    Complex power;  ///< of the node's own load [VA]
    int load_class = 0;
    int customers = 0;                            ///< us
    int phase = 0;                                ///< 1 to 3 of a single-phase node or of a service transformer; 0 = three-phase
    bool three_phase = true;                      ///< the branch to the node
    Complex downstream;                           ///< with everything beyond the node [VA]
    std::array<double, 3> downstream_by_phase{};  ///< magnitudes added up [VA]
    int type = 0, parallel = 1;                   ///< of the lines to it
    double line_rating = 0;                       ///< of them together [A]
  };
  struct LineChoice {
    int type = 0, parallel = 1;
    double rating = 0;
  };

  bool european() const { return plan_.options().style == Style::eu; }
  RandomStream stream(Stage stage, std::uint64_t trial = 0) const;
  std::string name(const std::string& what) const { return prefix_ + what; }
  std::string name(const char* kind, int number) const { return prefix_ + kind + std::to_string(number); }

  void draw_nodes();
  bool split_buses(double no_load_share, int& without_load);
  void draw_loads();
  void assign_phases();
  void sum_downstream();
  void choose_lines();
  LineChoice draw_line(double current, double downstream_rating, int hop, RandomStream& random) const;
  double current(const Site& site) const;

  void add_bus(const std::string& bus, double x, double y);
  void add_substation();
  void add_lines();
  void add_stations();
  void add_customers();
  int section_of(int child) const;
  std::string bus_of(int node) const { return name("n", node); }

  const Plan& plan_;
  int index_;
  std::string prefix_;
  std::array<double, 2> origin_;
  Substation made_;
  Tree tree_;
  std::vector<Site> sites_;
  int sections_ = 0, customers_ = 0;
};

inline constexpr int branches_a_section = 10;  ///< of a substation's busbar

}  // namespace gridfed::synthetic
