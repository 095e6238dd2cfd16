#include "grid/synthetic_statistics.hpp"

#include "grid/synthetic_distributions.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace gridfed::synthetic {

namespace {

constexpr int hops = last_hop + 1, branches = 8, loadings = 20, lengths = 26;
// Up to seven branches are wanted at a node, and all that have more count as seven: parents take whoever is left.
constexpr double loading_step = 1.0 / loadings, length_step = 100;  // -, m
// Where the counts of each quantity begin.
constexpr int hop_at = 0, no_load_at = hop_at + hops, inner_at = no_load_at + hops, branch_at = inner_at + hops,
              loading_at = branch_at + branches, length_at = loading_at + loadings, count = length_at + lengths;

}  // namespace

double Comparison::divergence() const {
  return synthetic::divergence(observed, expected);
}

Statistics::Statistics() : counts_(count, 0) {}

void Statistics::add_tree(const Tree& tree) {
  const int last = tree.hop.back();
  for (int i = 1; i < tree.size(); ++i) {
    const int hop = tree.hop[i];
    ++counts_[hop_at + hop];
    counts_[no_load_at + hop] += tree.no_load[i];
    // Nothing hangs on the outermost nodes, whatever the law.
    if (hop < last) {
      ++counts_[inner_at + hop];
      ++counts_[branch_at + std::min(tree.children[i] + 1, branches - 1)];
    }
    ++counts_[length_at + std::min(static_cast<int>(tree.length[i] / length_step), lengths - 1)];
  }
}

void Statistics::add_loading(double loading) {
  ++counts_[loading_at + std::min(static_cast<int>(loading / loading_step), loadings - 1)];
}

Statistics& Statistics::operator+=(const Statistics& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

std::vector<Comparison> Statistics::compare() const {
  const auto compared = [&](const std::string& quantity, int at, int size, auto&& label, auto&& probability) {
    Comparison c{.quantity = quantity, .classes = {}, .observed = {}, .expected = {}};
    double all = 0;
    for (int i = 0; i < size; ++i) all += static_cast<double>(counts_[at + i]);
    for (int i = 0; i < size; ++i) {
      c.classes.push_back(label(i));
      c.observed.push_back(static_cast<double>(counts_[at + i]));
      c.expected.push_back(all * probability(i));
    }
    return c;
  };
  const auto number = [](int i) { return std::to_string(i); };
  // Laws that depend on the hop, weighted by how many nodes stand at each.
  const auto by_hop = [&](int at, auto&& probability) {
    double sum = 0, all = 0;
    for (int h = 2; h < hops; ++h) {
      const auto weight = static_cast<double>(counts_[at + h]);
      all += weight;
      if (weight > 0) sum += weight * probability(h);
    }
    return all > 0 ? sum / all : 0;
  };
  return {compared("hop", hop_at, hops, number, [](int h) { return hop_law().probability(h); }),
          compared("branches", branch_at, branches, number,
                   [&](int d) { return by_hop(inner_at, [&](int h) { return degree_law(h).probability(d); }); }),
          compared("hop_without_load", no_load_at, hops, number, [](int h) { return no_load_hop_law().probability(h); }),
          compared(
              "loading", loading_at, loadings, [](int i) { return fmt::format("{:.2f}", i * loading_step); },
              [](int i) { return loading_probability(i * loading_step, (i + 1) * loading_step); }),
          compared(
              "length_m", length_at, lengths, [](int i) { return fmt::format("{:.0f}", i * length_step); },
              [&](int i) {
                const double to = i + 1 < lengths ? (i + 1) * length_step : std::numeric_limits<double>::max();
                return by_hop(hop_at, [&](int h) { return length_probability(h, i * length_step, to); });
              })};
}

}  // namespace gridfed::synthetic
