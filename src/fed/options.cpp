#include "fed/options.hpp"

#include "runtime/error.hpp"

#include <boost/program_options/value_semantic.hpp>

#include <algorithm>

namespace gridfed {

namespace po = boost::program_options;

namespace {

Aggregation aggregation(const std::string& name) {
  if (name == "fedavg") return Aggregation::fedavg;
  if (name == "none") return Aggregation::none;
  throw Error("fed.aggregation '{}' is unknown: choose fedavg or none", name);
}

Sparsification sparsification(const std::string& name) {
  if (name == "none") return Sparsification::none;
  if (name == "top_k") return Sparsification::top_k;
  throw Error("fed.compression '{}' is unknown: choose none or top_k", name);
}

}  // namespace

void declare(po::options_description& deck, FederationOptions& o) {
  const std::string default_aggregation = o.aggregation == Aggregation::fedavg ? "fedavg" : "none";
  const std::string default_compression = o.compression == Sparsification::top_k ? "top_k" : "none";
  deck.add_options()                                                                                                 //
      ("fed.num_clients", po::value(&o.num_clients)->default_value(o.num_clients), "utilities that learn together")  //
      ("fed.rounds", po::value(&o.rounds)->default_value(o.rounds), "exchanges of updates in the whole run")         //
      ("fed.aggregation", po::value<std::string>()->default_value(default_aggregation)->notifier([&o](const std::string& name) {
        o.aggregation = aggregation(name);
      }),
       "fedavg: average weighted by samples; none: every client learns alone")  //
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
