// What a TrainingRun writes and reads: checkpoints and policies.
#include "study/training.hpp"

#include "rl/torchscript.hpp"

#include <algorithm>
#include <cstring>

namespace gridfed {

namespace {

constexpr const char* row_group = "/training/rows";

std::vector<double> flat_rows(const std::vector<TrainingRow>& rows) {
  static_assert(sizeof(TrainingRow) == training_columns * sizeof(double));
  std::vector<double> flat(rows.size() * training_columns);
  if (!rows.empty()) std::memcpy(flat.data(), rows.data(), flat.size() * sizeof(double));
  return flat;
}

}  // namespace

void TrainingRun::write_checkpoint(const std::filesystem::path& path, const FileHeader& header, int variant_index) const {
  const int learners = variant_.fed.num_clients;
  const Range hosted = federation_->hosted();
  File file = File::create(comm_, path);
  file.write_header(header);
  file.set_attribute("/", "variant", variant_.name);
  file.set_attribute("/", "variant_index", static_cast<std::int64_t>(variant_index));
  file.set_attribute("/", "training_seed", static_cast<std::int64_t>(training_seed_));
  file.set_attribute("/", "round", static_cast<std::int64_t>(round()));
  file.write<double>("/last_validation", std::vector{last_validation_.score, last_validation_.critic_loss, last_validation_.actor_loss});
  file.write<double>(row_group, flat_rows(rows_), {rows_.size(), training_columns});

  // One row a client; ranks agree on the row length, as some host no client.
  const auto put = [&](const std::string& name, int rows, const Range& mine, const auto& row_of) {
    using T = std::remove_cvref_t<decltype(row_of(0)[0])>;
    std::vector<T> values;
    for (const int i : mine) {
      const auto& row = row_of(i);
      values.insert(values.end(), row.begin(), row.end());
    }
    std::array<std::int64_t, 1> width{mine.size() > 0 ? static_cast<std::int64_t>(values.size()) / mine.size() : 0};
    comm_.all_reduce_max(std::span<std::int64_t>(width));
    if (width[0] == 0) return;
    file.write_all<T>(name, std::span<const T>(values), static_cast<hsize_t>(rows), static_cast<hsize_t>(mine.first),
                      {static_cast<hsize_t>(width[0])});
  };
  const auto state = [&](int client) -> const LearnerState& { return clients_.at(client).learner->state(); };
  put(
      "/learners/parameters", learners, hosted, [&](int c) -> const auto& { return state(c).parameters; });
  put(
      "/learners/targets", learners, hosted, [&](int c) -> const auto& { return state(c).targets; });
  put(
      "/learners/moments", learners, hosted, [&](int c) -> const auto& { return state(c).moments; });
  put("/learners/scalars", learners, hosted, [&](int c) {
    const CostMultiplier& m = state(c).multiplier;
    return std::vector<double>{static_cast<double>(state(c).updates), state(c).advantage_scale, m.value, m.integral, m.cost};
  });

  const FederationState fed = federation_->state();
  file.write<float>("/federation/parameters", fed.parameters);
  file.write<float>("/federation/moments", fed.moments);
  file.write<float>("/federation/server_moments", fed.server_moments);
  file.write<float>("/federation/control", fed.control);
  file.set_attribute("/federation", "clip_norm", fed.clip_norm);
  std::vector<double> ledger;
  for (const auto& event : fed.ledger)
    ledger.insert(ledger.end(), {event.sampling_rate, event.noise_multiplier, static_cast<double>(event.steps)});
  file.write<double>("/federation/ledger", ledger, {fed.ledger.size(), 3});
  const auto owned = [&](int client) -> const ClientState& { return fed.clients[static_cast<std::size_t>(client - hosted.first)]; };
  put(
      "/federation/client_parameters", learners, hosted, [&](int c) -> const auto& { return owned(c).parameters; });
  put(
      "/federation/client_moments", learners, hosted, [&](int c) -> const auto& { return owned(c).moments; });
  put(
      "/federation/client_residual", learners, hosted, [&](int c) -> const auto& { return owned(c).residual; });

  put(
      "/federation/client_control", learners, hosted, [&](int c) -> const auto& { return owned(c).control; });

  const int judged = options_.fed.num_clients;
  const Range mine = judges_.empty() ? Range{judged, judged} : Range{judges_.begin()->first, judges_.rbegin()->first + 1};
  put(
      "/best/weights", judged, mine, [&](int c) -> const auto& { return best_.at(c).weights; });
  put("/best/scalars", judged, mine, [&](int c) {
    const Best& best = best_.at(c);
    return std::vector<double>{best.score, best.cost, static_cast<double>(best.round)};
  });
  file.commit();
}

void TrainingRun::restore(const File& file) {
  agreed(comm_, [&] {
    const auto rows = file.read<double>(row_group);
    rows_.resize(rows.size() / training_columns);
    if (!rows_.empty()) std::memcpy(static_cast<void*>(rows_.data()), rows.data(), rows.size() * sizeof(double));
    const auto validation = file.read<double>("/last_validation");
    last_validation_ = {validation.at(0), validation.at(1), validation.at(2)};
    const auto row = [&]<class T>(const std::string& name, int client, T) -> std::vector<T> {
      if (!file.exists(name)) return {};
      return file.read_rows<T>(name, static_cast<hsize_t>(client), 1);
    };
    FederationState fed{.round = static_cast<int>(file.attribute<std::int64_t>("/", "round")),
                        .parameters = file.read<float>("/federation/parameters"),
                        .moments = file.read<float>("/federation/moments"),
                        .server_moments = file.read<float>("/federation/server_moments"),
                        .control = file.read<float>("/federation/control"),
                        .ledger = {},
                        .clip_norm = file.attribute<double>("/federation", "clip_norm")};
    const auto ledger = file.read<double>("/federation/ledger");
    for (std::size_t i = 0; i + 2 < ledger.size(); i += 3)
      fed.ledger.push_back({ledger[i], ledger[i + 1], static_cast<std::int64_t>(ledger[i + 2])});
    for (auto& [client, c] : clients_) {
      const auto scalars = row("/learners/scalars", client, 0.0);
      if (scalars.size() != 5) throw Error("'{}' lacks the state of client {}: remove it to start again", file.path().string(), client);
      c.learner->restore({.parameters = row("/learners/parameters", client, 0.0f),
                          .targets = row("/learners/targets", client, 0.0f),
                          .moments = row("/learners/moments", client, 0.0f),
                          .updates = static_cast<std::int64_t>(scalars[0]),
                          .advantage_scale = scalars[1],
                          .multiplier = {scalars[2], scalars[3], scalars[4]}});
      fed.clients.push_back({.client = client,
                             .parameters = row("/federation/client_parameters", client, 0.0f),
                             .moments = row("/federation/client_moments", client, 0.0f),
                             .residual = row("/federation/client_residual", client, 0.0f),
                             .control = row("/federation/client_control", client, 0.0f)});
    }
    for (auto& [client, best] : best_) {
      const auto scalars = row("/best/scalars", client, 0.0);
      best = {scalars.at(0), scalars.at(1), static_cast<std::int64_t>(scalars.at(2)), row("/best/weights", client, 0.0f)};
    }
    federation_->restore(std::move(fed));
  });
}

void TrainingRun::write_policies(const std::filesystem::path& path, const FileHeader& header) const {
  std::vector<float> weights;
  std::vector<double> scalars;
  for (const auto& [client, best] : best_) {
    weights.insert(weights.end(), best.weights.begin(), best.weights.end());
    scalars.insert(scalars.end(), {best.score, static_cast<double>(best.round)});
  }
  const auto all_weights = comm_.all_gather_v<float>(weights);
  const auto all_scalars = comm_.all_gather_v<double>(scalars);
  std::vector<double> fitted;
  for (const auto& [client, value] : fitted_) fitted.insert(fitted.end(), {value.recorded, value.estimate, value.lower});
  const auto all_fitted = comm_.all_gather_v<double>(fitted);
  const std::size_t fitted_columns = all_fitted.size() / static_cast<std::size_t>(variant_.fed.num_clients);
  agreed(comm_, [&] {
    if (comm_.rank() != 0) return;
    const PolicyNetwork shape = clients_.at(0).learner->policy();
    File file = File::create(path);
    file.write_header(header);
    file.set_attribute("/", "variant", variant_.name);
    file.set_attribute("/", "training_seed", static_cast<std::int64_t>(training_seed_));
    file.set_attribute("/", "privacy", statement().describe());
    file.set_attribute("/", "clients", static_cast<std::int64_t>(options_.fed.num_clients));
    std::size_t at = 0;
    for (int client = 0; client < options_.fed.num_clients; ++client) {
      const std::string group = fmt::format("/client_{:03d}", client);
      int number = 0;
      for (const auto& layer : shape.layers()) {
        const std::span<const float> w(all_weights.data() + at, layer.weights.size()),
            b(all_weights.data() + at + layer.weights.size(), layer.biases.size());
        at += layer.weights.size() + layer.biases.size();
        file.write<float>(fmt::format("{}/layer_{}/weights", group, number), w,
                          {static_cast<hsize_t>(layer.rows), static_cast<hsize_t>(layer.cols)});
        file.write<float>(fmt::format("{}/layer_{}/biases", group, number++), b);
      }
      file.set_attribute(group, "layers", static_cast<std::int64_t>(number));
      file.set_attribute(group, "feeder", options_.feeder(client));
      file.set_attribute(group, "validation_return", all_scalars[2 * client]);
      file.set_attribute(group, "round", static_cast<std::int64_t>(all_scalars[2 * client + 1]));
      if (fitted_columns > 0) {
        const double* value = &all_fitted[fitted_columns * (variant_.pooled ? 0 : client)];
        file.set_attribute(group, "recorded_return", value[0]);
        file.set_attribute(group, "fitted_return", value[1]);
        file.set_attribute(group, "fitted_lower_bound", value[2]);
      }
    }
    file.write<double>(row_group, flat_rows(rows_), {rows_.size(), training_columns});
    const auto names = training_column_names();
    file.write_texts("/training/columns", names);
    file.commit();
    if (!options_.torchscript) return;
    const auto policies = read_policies(path);
    for (std::size_t client = 0; client < policies.size(); ++client)
      write_torchscript(path.parent_path() / fmt::format("{}_client_{:03d}.pt", path.stem().string(), client), policies[client]);
  });
}

std::vector<PolicyNetwork> read_policies(const std::filesystem::path& path) {
  const File file = File::open(path);
  file.check_kind("policy", policy_version.major);
  std::vector<PolicyNetwork> networks;
  const auto clients = file.attribute<std::int64_t>("/", "clients");
  for (std::int64_t client = 0; client < clients; ++client) {
    const std::string group = fmt::format("/client_{:03d}", client);
    std::vector<PolicyNetwork::Layer> layers;
    const auto count = file.attribute<std::int64_t>(group, "layers");
    for (std::int64_t number = 0; number < count; ++number) {
      const std::string name = fmt::format("{}/layer_{}", group, number);
      const auto shape = file.shape(name + "/weights");
      if (shape.size() != 2) throw Error("'{}': {}/weights is no matrix: train again", path.string(), name);
      layers.push_back({.rows = static_cast<std::int64_t>(shape[0]),
                        .cols = static_cast<std::int64_t>(shape[1]),
                        .weights = file.read<float>(name + "/weights"),
                        .biases = file.read<float>(name + "/biases")});
    }
    networks.emplace_back(std::move(layers));
  }
  return networks;
}

}  // namespace gridfed
