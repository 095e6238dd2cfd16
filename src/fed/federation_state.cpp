#include "fed/federation.hpp"
#include "runtime/error.hpp"

#include <algorithm>

namespace gridfed {

FederationState Federation::state() const {
  const auto events = accountant_.events();
  return {.round = round_,
          .parameters = {parameters_.begin(), parameters_.end()},
          .moments = moments_,
          .server_moments = server_ ? server_->moments() : std::vector<float>{},
          .control = control_,
          .clients = clients_,
          .ledger = {events.begin(), events.end()},
          .clip_norm = clip_norm_};
}

void Federation::restore(FederationState state) {
  if (state.parameters.size() != parameters_.size() || state.moments.size() != moments_.size()) {
    throw Error("the checkpoint holds {} parameters and {} moments (the model has {} and {}): resume with the deck that wrote it",
                state.parameters.size(), state.moments.size(), parameters_.size(), moments_.size());
  }
  if (state.control.size() != control_.size() || state.server_moments.size() != (server_ ? server_->moments().size() : 0)) {
    throw Error("the checkpoint's server state is of another strategy (fed.aggregation = {}): resume with the deck that wrote it",
                name(options_.aggregation));
  }
  std::vector<ClientState> restored;
  for (const ClientState& own : clients_) {
    const auto saved =
        std::find_if(state.clients.begin(), state.clients.end(), [&](const ClientState& c) { return c.client == own.client; });
    if (saved == state.clients.end())
      throw Error("the checkpoint holds nothing of client {}: resume with the deck that wrote it", own.client);
    if (saved->parameters.size() != own.parameters.size() || saved->moments.size() != own.moments.size() ||
        saved->residual.size() != own.residual.size() || saved->control.size() != own.control.size()) {
      throw Error("the checkpoint's client {} was federated in another way: resume with the deck that wrote it", own.client);
    }
    restored.push_back(std::move(*saved));
  }
  RenyiAccountant ledger;
  for (const PrivacyEvent& event : state.ledger) ledger.add(event.sampling_rate, event.noise_multiplier, event.steps);
  clients_ = std::move(restored);
  accountant_ = std::move(ledger);
  model_ = std::move(state.parameters);
  parameters_ = model_;
  moments_ = std::move(state.moments);
  control_ = std::move(state.control);
  if (server_) server_->restore(std::move(state.server_moments));
  clip_norm_ = state.clip_norm;
  round_ = state.round;
}

}  // namespace gridfed
