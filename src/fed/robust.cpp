#include "fed/robust.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <numeric>

namespace gridfed {

namespace {

/// Calls work(i, column) with the values that coordinate i takes, in client order.
template <class Work>
void for_each_coordinate(std::span<const float> rows, std::size_t vectors, std::size_t size, Work work) {
  std::vector<float> column(vectors);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t v = 0; v < vectors; ++v) column[v] = rows[v * size + i];
    work(i, column);
  }
}

}  // namespace

void coordinate_median(std::span<const float> rows, std::size_t vectors, std::span<float> result) {
  const std::size_t upper = vectors / 2;
  for_each_coordinate(rows, vectors, result.size(), [&](std::size_t i, std::vector<float>& column) {
    const auto middle = column.begin() + static_cast<std::ptrdiff_t>(upper);
    std::nth_element(column.begin(), middle, column.end());
    result[i] =
        vectors % 2 == 1 ? *middle : static_cast<float>((static_cast<double>(*std::max_element(column.begin(), middle)) + *middle) / 2);
  });
}

void trimmed_mean(std::span<const float> rows, std::size_t vectors, int trimmed, std::span<float> result) {
  for_each_coordinate(rows, vectors, result.size(), [&](std::size_t i, std::vector<float>& column) {
    std::sort(column.begin(), column.end());
    const double sum = std::accumulate(column.begin() + trimmed, column.end() - trimmed, 0.0);
    result[i] = static_cast<float>(sum / static_cast<double>(vectors - 2 * static_cast<std::size_t>(trimmed)));
  });
}

std::vector<double> pair_distances(std::span<const float> rows, std::size_t vectors, std::size_t counted) {
  const std::size_t size = vectors > 0 ? rows.size() / vectors : 0;
  std::vector<double> distances;
  for (std::size_t first = 0; first < counted; first += coordinate_block) {
    const std::size_t last = std::min(first + coordinate_block, counted);
    for (std::size_t a = 0; a < vectors; ++a) {
      for (std::size_t b = a + 1; b < vectors; ++b) {
        double squares = 0;
        for (std::size_t i = first; i < last; ++i) {
          const double difference = static_cast<double>(rows[a * size + i]) - rows[b * size + i];
          squares += difference * difference;
        }
        distances.push_back(squares);
      }
    }
  }
  return distances;
}

std::vector<std::size_t> krum_choice(std::span<const double> distances, std::size_t vectors, int byzantine, std::size_t kept) {
  std::vector<std::vector<double>> from(vectors);
  const double* distance = distances.data();
  for (std::size_t a = 0; a < vectors; ++a) {
    for (std::size_t b = a + 1; b < vectors; ++b, ++distance) {
      from[a].push_back(*distance);
      from[b].push_back(*distance);
    }
  }
  const std::size_t nearest = vectors - static_cast<std::size_t>(byzantine) - 2;
  std::vector<double> score;
  for (auto& own : from) {
    std::sort(own.begin(), own.end());
    score.push_back(std::accumulate(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(nearest), 0.0));
  }
  std::vector<std::size_t> order(vectors);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] < score[b]; });
  order.resize(kept);
  std::sort(order.begin(), order.end());
  return order;
}

void require_enough(Aggregation rule, int byzantine, int vectors) {
  const int least = rule == Aggregation::median ? 1 : rule == Aggregation::trimmed_mean ? 2 * byzantine + 1 : 2 * byzantine + 3;
  if (vectors < least) {
    throw Error("fed.aggregation = {} withstands {} bad clients among {} at least ({} deliver): lower fed.byzantine or have more clients",
                name(rule), byzantine, least, vectors);
  }
}

}  // namespace gridfed
