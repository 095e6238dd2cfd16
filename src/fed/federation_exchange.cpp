// The exchange of Federation where ranks see what single clients hand over.
#include "fed/federation.hpp"
#include "fed/robust.hpp"
#include "privacy/noise.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace gridfed {

/// How many of the clients that deliver each rank hosts.
std::vector<int> Federation::rows_of_ranks(std::span<const Report> delivered) const {
  std::vector<int> rows(comm_.size(), 0);
  for (const Report& report : delivered) ++rows[owner(report.client, options_.num_clients, comm_.size())];
  return rows;
}

/// Of the clients that deliver, in the mean: shares by samples that sum to 1, for FEDORA times exp(temperature * value); fixed under
/// client-level privacy, where the number of those who deliver would tell who does.
std::vector<double> Federation::round_weights(std::span<const Report> reports) const {
  std::vector<double> weights;
  double highest = -std::numeric_limits<double>::infinity();
  for (const Report& report : reports) highest = std::max(highest, report.value);
  for (const Report& report : reports) {
    double weight = weights_[report.client];
    if (options_.aggregation == Aggregation::fedora) weight *= std::exp(options_.fedora_temperature * (report.value - highest));
    weights.push_back(weight);
  }
  const double sum =
      client_private() ? options_.num_clients * options_.participation : std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight = sum > 0 ? weight / sum : 1.0 / static_cast<double>(weights.size());
  return weights;
}

void Federation::exchange(std::span<Report> reports) {
  std::vector<Report> delivered;
  std::copy_if(reports.begin(), reports.end(), std::back_inserter(delivered), [&](const Report& report) { return delivers(report); });
  const auto lost = [](const Report& report) { return report.fate == Fate::not_finite; };
  if (!reports.empty() && std::all_of(reports.begin(), reports.end(), lost)) {  // on every rank, as all have the reports
    throw AgreedError("no client returned finite values in round {} (client {} first): lower the learning rate or check the data",
                      round_ + 1, reports.front().client);
  }
  if (is_robust(options_.aggregation)) {
    agreed(comm_, [&] { require_enough(options_.aggregation, options_.byzantine, static_cast<int>(delivered.size())); });
  }
  if (delivered.empty() && !client_private() && !hidden()) return;  // nobody delivered: the model stays
  const auto next = hidden() ? exchange_hidden(reports) : compressed() ? exchange_encoded(delivered) : exchange_dense(delivered);
  if (server_) server_->step(parameters_, proposed(next));
  if (next.data() == proposal_.data() || server_) {
    std::swap(model_, proposal_);
    parameters_ = model_;
  } else {
    parameters_ = next;
    rows_->keep();
  }
}

/// A result of this rank's own, to be changed.
std::span<float> Federation::proposed(std::span<const float> result) {
  if (result.data() != proposal_.data()) proposal_.assign(result.begin(), result.end());
  return proposal_;
}

/// The model that the clients' models or changes make, before the server's own step.
std::span<const float> Federation::exchange_dense(std::span<const Report> delivered) {
  const std::vector<double> weights = round_weights(delivered);
  const std::vector<int> rows = rows_of_ranks(delivered);
  const std::size_t length = parameters_.size();
  const auto base = client_private() ? std::span<const float>(parameters_) : std::span<const float>();
  const auto target =
      is_robust(options_.aggregation)
          ? rows_->combine(message_length(), rows, {.rule = options_.aggregation, .byzantine = options_.byzantine, .judged = length})
          : rows_->weighted_sum({0, message_length()}, rows, weights, base);
  if (averages_moments()) std::copy_n(target.begin() + static_cast<std::ptrdiff_t>(length), moments_.size(), moments_.begin());
  if (has_control()) {
    std::vector<double> shares;
    for (const Report& report : delivered)
      shares.push_back(weights_[report.client] / std::accumulate(weights_.begin(), weights_.end(), 0.0));
    const auto control = rows_->weighted_sum({message_length(), length}, rows, shares, control_);
    std::copy(control.begin(), control.end(), control_.begin());
  }
  const auto model = target.first(length);
  if (options_.aggregation == Aggregation::fednova) {
    double steps = 0;  // effective ones: the mean
    for (std::size_t i = 0; i < delivered.size(); ++i) steps += weights[i] * delivered[i].steps;
    const auto change = proposed(model);
    for (std::size_t i = 0; i < length; ++i) change[i] = static_cast<float>(parameters_[i] + steps * change[i]);
    return change;
  }
  if (!client_private() || shares_noise()) return model;
  shared_noise().add_to(proposed(model), mean_noise());
  return proposal_;
}

std::span<const float> Federation::exchange_encoded(std::span<const Report> delivered) {
  const std::vector<int> rows = rows_of_ranks(delivered);
  std::vector<std::size_t> lengths;
  for (const Report& report : delivered) lengths.push_back(report.length);
  if (is_robust(options_.aggregation)) {
    const auto change = rows_->combine_messages(
        rows, lengths, {.rule = options_.aggregation, .byzantine = options_.byzantine, .judged = parameters_.size()});
    const auto model = proposed(change);
    for (std::size_t i = 0; i < model.size(); ++i) model[i] += parameters_[i];
    return model;
  }
  const double longest = client_private() ? clip_norm_ : std::numeric_limits<double>::infinity();
  const auto target = rows_->weighted_message_sum(rows, lengths, round_weights(delivered), longest, parameters_);
  if (!client_private()) return target;
  shared_noise().add_to(proposed(target), mean_noise());
  return proposal_;
}

}  // namespace gridfed
