#include "study/variant.hpp"

namespace gridfed {

namespace {

double epsilon_of(const std::string& name, std::size_t at) {
  try {
    std::size_t used = 0;
    const double epsilon = std::stod(name.substr(at), &used);
    if (at + used == name.size() && epsilon > 0) return epsilon;
  } catch (const std::exception&) {
  }
  throw Error("train.variants names '{}': after record_ or client_ stands a positive epsilon, such as record_4", name);
}

Variant make_variant(const StudyOptions& o, const std::string& name) {
  Variant v{.name = name, .rl = o.rl, .fed = o.fed, .privacy = o.privacy};
  const auto alone = [&] {
    v.fed.aggregation = Aggregation::none;
    v.fed.compression = Sparsification::none;
    v.fed.bits = 32;
    v.fed.secure_aggregation = SecureAggregation::none;
    v.privacy.unit = PrivacyUnit::none;
  };
  if (name == "local") {
    alone();
  } else if (name == "pooled") {
    alone();
    v.pooled = true;
    v.fed.num_clients = 1;
  } else if (name == "federated_all") {
    v.rl.shared = Sharing::all;
  } else if (name == "compressed") {
    v.fed.compression = Sparsification::top_k;
    v.fed.bits = 8;
  } else if (name.starts_with("record_") || name.starts_with("client_")) {
    v.privacy.unit = name.starts_with("record_") ? PrivacyUnit::record : PrivacyUnit::client;
    v.privacy.privacy_budget = epsilon_of(name, 7);
    v.privacy.noise_multiplier = 0;
  } else if (name != "federated") {
    throw Error("train.variants names '{}': it may list local, pooled, federated, federated_all, compressed, record_E and client_E", name);
  }
  return v;
}

}  // namespace

std::vector<Variant> make_variants(const StudyOptions& options) {
  std::vector<Variant> variants;
  for (const auto& name : options.variants) variants.push_back(make_variant(options, name));
  for (const auto& v : variants) {
    if (v.privacy.unit != PrivacyUnit::record) continue;
    if (v.rl.algorithm == LearnerKind::cql)
      throw Error("variant {} asks cql for record-level privacy, which it has not: use rl.algorithm = iql, td3_bc or bc", v.name);
    if (v.rl.cost_limit >= 0)
      throw Error("variant {}: rl.cost_limit steers by the costs of the data, which record-level privacy does not cover: leave it negative",
                  v.name);
    if (options.augment_safety_violations > 0)
      throw Error(
          "variant {}: train.augment_safety_violations changes how often a record is drawn, which record-level privacy counts on: "
          "leave it 0",
          v.name);
    if (options.normalise_observations)
      throw Error("variant {}: train.normalise_observations measures the data, which record-level privacy does not cover: leave it false",
                  v.name);
  }
  if (variants.empty()) throw Error("train.variants is empty: name at least one variant");
  return variants;
}

}  // namespace gridfed
