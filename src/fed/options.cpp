#include "fed/options.hpp"

#include "fed/participation.hpp"
#include "fed/robust.hpp"
#include "runtime/error.hpp"

#include <boost/program_options/value_semantic.hpp>

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace gridfed {

namespace po = boost::program_options;

namespace {

constexpr std::array<std::string_view, 14> aggregation_names{"fedavg",       "fedavgm",  "fedprox",    "fedadam", "fedyogi",
                                                             "fedadagrad",   "scaffold", "fednova",    "fedora",  "median",
                                                             "trimmed_mean", "krum",     "multi_krum", "none"};

Sparsification sparsification(const std::string& name) {
  if (name == "none") return Sparsification::none;
  if (name == "top_k") return Sparsification::top_k;
  throw Error("fed.compression '{}' is unknown: choose none or top_k", name);
}

SecureAggregation secure_aggregation(const std::string& name) {
  if (name == "none") return SecureAggregation::none;
  if (name == "masks") return SecureAggregation::masks;
  if (name == "paillier") return SecureAggregation::paillier;
  throw Error("fed.secure_aggregation '{}' is unknown: choose none, masks or paillier", name);
}

void validate_secure(const FederationOptions& o) {
  if (o.modulus_bits != 32 && o.modulus_bits != 64) throw Error("fed.modulus_bits is {}: set 32 or 64", o.modulus_bits);
  if (!(o.mask_threshold > 0.5 && o.mask_threshold <= 1)) {
    throw Error("fed.mask_threshold is {}: set it above 0.5, up to 1, so that no two halves can unmask on their own", o.mask_threshold);
  }
  if (o.secure_aggregation == SecureAggregation::none) return;
  const int participants = participant_count(o.num_clients, o.participation);
  if (participants < 2 || (o.secure_aggregation == SecureAggregation::masks && participants > 255)) {
    throw Error(
        "fed.secure_aggregation = {} hides one client among {} (fed.num_clients x fed.participation): have 2 or more, masks up to 255",
        name(o.secure_aggregation), participants);
  }
  if (o.compression == Sparsification::top_k) {
    throw Error(
        "fed.compression = top_k cannot be {} (which coordinates a client sends would show, and sums need all to send the same): set "
        "fed.compression = none and lower fed.bits",
        o.secure_aggregation == SecureAggregation::masks ? "masked" : "encrypted");
  }
  if (is_robust(o.aggregation)) {
    throw Error("fed.aggregation = {} compares single clients (fed.secure_aggregation = {} hides them): choose a mean", name(o.aggregation),
                name(o.secure_aggregation));
  }
  if (o.aggregation == Aggregation::scaffold || o.aggregation == Aggregation::fednova || o.aggregation == Aggregation::none) {
    throw Error(
        "fed.aggregation = {} is no weighted mean of the clients' changes (fed.secure_aggregation sums nothing else): choose another",
        name(o.aggregation));
  }
}

}  // namespace

int mask_threshold(const FederationOptions& options, int participants) {
  return std::clamp(static_cast<int>(std::ceil(options.mask_threshold * participants)), 1, std::max(1, participants));
}

std::string_view name(SecureAggregation aggregation) {
  return aggregation == SecureAggregation::none ? "none" : aggregation == SecureAggregation::masks ? "masks" : "paillier";
}

std::string_view name(Aggregation aggregation) {
  return aggregation_names[static_cast<std::size_t>(aggregation)];
}

Aggregation aggregation(std::string_view name) {
  const auto found = std::find(aggregation_names.begin(), aggregation_names.end(), name);
  if (found == aggregation_names.end()) {
    throw Error("fed.aggregation '{}' is unknown: choose one of {}", name, fmt::join(aggregation_names, ", "));
  }
  return static_cast<Aggregation>(found - aggregation_names.begin());
}

bool is_robust(Aggregation aggregation) {
  return aggregation == Aggregation::median || aggregation == Aggregation::trimmed_mean || aggregation == Aggregation::krum ||
         aggregation == Aggregation::multi_krum;
}

bool has_server_optimiser(Aggregation aggregation) {
  return aggregation == Aggregation::fedavgm || aggregation == Aggregation::fedadam || aggregation == Aggregation::fedyogi ||
         aggregation == Aggregation::fedadagrad;
}

void declare(po::options_description& deck, FederationOptions& o) {
  const std::string default_compression = o.compression == Sparsification::top_k ? "top_k" : "none";
  deck.add_options()                                                                                                 //
      ("fed.num_clients", po::value(&o.num_clients)->default_value(o.num_clients), "utilities that learn together")  //
      ("fed.rounds", po::value(&o.rounds)->default_value(o.rounds), "exchanges of updates in the whole run")         //
      ("fed.aggregation",
       po::value<std::string>()->default_value(std::string(name(o.aggregation)))->notifier([&o](const std::string& text) {
         o.aggregation = aggregation(text);
       }),
       "fedavg (average weighted by samples), fedavgm, fedprox, fedadam, fedyogi, fedadagrad, scaffold, fednova, fedora, median, "
       "trimmed_mean, krum, multi_krum, or none: every client learns alone")                                                           //
      ("fed.participation", po::value(&o.participation)->default_value(o.participation), "share of the clients drawn for each round")  //
      ("fed.dropout", po::value(&o.dropout)->default_value(o.dropout),
       "probability that a client trains but does not deliver (simulated)")  //
      ("fed.proximal", po::value(&o.proximal)->default_value(o.proximal, "0.01"),
       "fedprox: weight of half the squared distance to the shared model in a client's loss")  //
      ("fed.server_learning_rate", po::value(&o.server_learning_rate)->default_value(o.server_learning_rate),
       "fedavgm, fedadam, fedyogi, fedadagrad: step along the mean change; 0 = 1 for fedavgm, 0.01 for the others")                //
      ("fed.server_momentum", po::value(&o.server_momentum)->default_value(o.server_momentum, "0.9"), "decay of the mean change")  //
      ("fed.server_second_momentum", po::value(&o.server_second_momentum)->default_value(o.server_second_momentum, "0.99"),
       "fedadam, fedyogi: decay of its square")  //
      ("fed.server_adaptivity", po::value(&o.server_adaptivity)->default_value(o.server_adaptivity, "0.001"),
       "fedadam, fedyogi, fedadagrad: added to the root of the square; small = adaptive")  //
      ("fed.fedora_temperature", po::value(&o.fedora_temperature)->default_value(o.fedora_temperature),
       "fedora: weights are samples x exp(temperature x value); 0 is fedavg")  //
      ("fed.byzantine", po::value(&o.byzantine)->default_value(o.byzantine),
       "clients that trimmed_mean (at either end), krum and multi_krum withstand")  //
      ("fed.secure_aggregation",
       po::value<std::string>()->default_value(std::string(name(o.secure_aggregation)))->notifier([&o](const std::string& text) {
         o.secure_aggregation = secure_aggregation(text);
       }),
       "none: ranks see single updates; masks: only their sum, by pairwise masks; paillier: ciphertexts, rank 0 their sum")   //
      ("fed.modulus_bits", po::value(&o.modulus_bits)->default_value(o.modulus_bits), "words of secure sums: 32 or 64 bits")  //
      ("fed.mask_threshold", po::value(&o.mask_threshold)->default_value(o.mask_threshold, "0.67"),
       "share of the participants that must deliver for a secure sum to be opened")  //
      ("fed.compression", po::value<std::string>()->default_value(default_compression)->notifier([&o](const std::string& name) {
        o.compression = sparsification(name);
      }),
       "none: every parameter is sent; top_k: only the largest changes")  //
      ("fed.compression_ratio", po::value(&o.compression_ratio)->default_value(o.compression_ratio, "0.1"),
       "share of the parameters that top_k sends")  //
      ("fed.error_feedback", po::value(&o.error_feedback)->default_value(o.error_feedback),
       "keep what was not sent and add it to the next update")                                                                      //
      ("fed.bits", po::value(&o.bits)->default_value(o.bits), "bits of a sent value: 32 sends it as it is, 8, 4 or 2 quantise it")  //
      ("fed.stochastic", po::value(&o.stochastic)->default_value(o.stochastic),
       "round quantised values up or down at random, so that they are right on average")  //
      ("fed.local_epochs", po::value(&o.local_epochs)->default_value(o.local_epochs),
       "passes over a client's data between two rounds")  //
      ("fed.local_sgd_steps", po::value(&o.local_sgd_steps)->default_value(o.local_sgd_steps),
       "updates between two rounds; above 0 it replaces local_epochs")  //
      ("fed.average_moments", po::value(&o.average_moments)->default_value(o.average_moments),
       "average the optimiser's moments too (only where updates are sent whole and without client-level noise)");
}

void validate(const FederationOptions& o) {
  if (o.num_clients < 1) throw Error("fed.num_clients is {}: set at least 1", o.num_clients);
  if (o.rounds < 1) throw Error("fed.rounds is {}: set at least 1", o.rounds);
  if (!(o.participation > 0 && o.participation <= 1)) throw Error("fed.participation is {}: set it above 0, up to 1", o.participation);
  if (!(o.dropout >= 0 && o.dropout < 1)) throw Error("fed.dropout is {}: set it from 0 to below 1", o.dropout);
  for (const auto& [key, number] : {std::pair{"fed.proximal", o.proximal},
                                    {"fed.server_learning_rate", o.server_learning_rate},
                                    {"fed.fedora_temperature", o.fedora_temperature}}) {
    if (!(number >= 0 && std::isfinite(number))) throw Error("{} is {}: set it to 0 or more", key, number);
  }
  for (const auto& [key, number] :
       {std::pair{"fed.server_momentum", o.server_momentum}, {"fed.server_second_momentum", o.server_second_momentum}}) {
    if (!(number >= 0 && number < 1)) throw Error("{} is {}: set it from 0 to below 1", key, number);
  }
  if (!(o.server_adaptivity > 0)) throw Error("fed.server_adaptivity is {}: set it above 0", o.server_adaptivity);
  if (o.byzantine < 0) throw Error("fed.byzantine is {}: set it to 0 or more", o.byzantine);
  if (is_robust(o.aggregation)) require_enough(o.aggregation, o.byzantine, participant_count(o.num_clients, o.participation));
  if (o.aggregation == Aggregation::scaffold && (o.compression != Sparsification::none || o.bits != 32)) {
    throw Error(
        "fed.aggregation = scaffold sends control variates whole (fed.compression or fed.bits asks for less): choose another strategy");
  }
  validate_secure(o);
  if (!(o.compression_ratio > 0 && o.compression_ratio <= 1))
    throw Error("fed.compression_ratio is {}: set it above 0, up to 1", o.compression_ratio);
  if (o.bits != 32 && !(o.bits >= 2 && o.bits <= 8)) throw Error("fed.bits is {}: set 32, or 2 to 8 to quantise", o.bits);
  if (o.local_epochs < 0 || o.local_sgd_steps < 0 || o.local_epochs + o.local_sgd_steps == 0) {
    throw Error("fed.local_epochs is {} and fed.local_sgd_steps {}: set one above 0", o.local_epochs, o.local_sgd_steps);
  }
}

std::int64_t local_updates(const FederationOptions& options, std::int64_t samples, std::int64_t batch_size) {
  if (options.local_sgd_steps > 0) return options.local_sgd_steps;
  const std::int64_t per_epoch = (samples + batch_size - 1) / batch_size;
  return options.local_epochs * std::max<std::int64_t>(1, per_epoch);
}

}  // namespace gridfed
