#include "rl/learner.hpp"

#include "rl/objective.hpp"
#include "rl/optimizer.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

std::vector<NetworkShape> networks_of(const RlOptions& options, std::size_t observation_size, std::size_t action_size) {
  validate(options);
  if (observation_size == 0 || action_size == 0) {
    throw Error("a learner needs observations and actions (got {} and {}): check the interface of the dataset", observation_size,
                action_size);
  }
  const auto observations = static_cast<std::int64_t>(observation_size), actions = static_cast<std::int64_t>(action_size);
  switch (options.algorithm) {
    case LearnerKind::iql:
      return iql_networks(options, observations, actions);
    case LearnerKind::behaviour_cloning:
      return behaviour_cloning_networks(options, observations, actions);
  }
  throw Error("unknown learning algorithm");
}

void validate(const PrivateUpdate& privacy) {
  if (!(privacy.clip_norm > 0) || !(privacy.expected_batch_size > 0) || !(privacy.noise_multiplier >= 0) ||
      (privacy.noise_multiplier > 0 && !privacy.add_gaussian)) {
    throw Error(
        "a private update of clip norm {}, noise multiplier {} and expected batch {} has no meaning: make them positive and give it noise",
        privacy.clip_norm, privacy.noise_multiplier, privacy.expected_batch_size);
  }
}

std::vector<NetworkShape> with_targets(std::vector<NetworkShape> shapes) {
  std::erase_if(shapes, [](const NetworkShape& shape) { return !shape.has_target; });
  return shapes;
}

}  // namespace

Learner::Learner(const RlOptions& options, std::size_t observation_size, std::size_t action_size, std::uint64_t seed)
    : options_(options),
      shapes_(networks_of(options, observation_size, action_size)),
      layout_(make_layout(shapes_, options.shared)),
      target_layout_(make_layout(with_targets(shapes_), options.shared)) {
  state_.parameters.resize(layout_.total);
  state_.targets.resize(target_layout_.total);
  state_.moments.resize(2 * layout_.total);
  gradient_.resize(layout_.total);
  initialise(layout_, seed, state_.parameters);
  follow_targets(1.0);
  const LearnerBuffers buffers{layout_, state_.parameters, target_layout_, state_.targets};
  objective_ = options.algorithm == LearnerKind::iql ? make_iql(options, buffers) : make_behaviour_cloning(buffers);
}

Learner::Learner(Learner&&) noexcept = default;
Learner& Learner::operator=(Learner&&) noexcept = default;
Learner::~Learner() = default;

Losses Learner::update(const Batch& batch, const PrivateUpdate* privacy) {
  check(batch);
  if (privacy != nullptr) validate(*privacy);
  if (batch.size == 0 && privacy == nullptr) {
    throw Error("an update was given an empty batch (the dataset may be empty): give every client data, or train privately");
  }
  Losses losses = objective_->differentiate(batch, {.row_weight = privacy != nullptr ? 1.0F : 1.0F / static_cast<float>(batch.size),
                                                    .independent_rows = privacy != nullptr,
                                                    .advantage_scale = &state_.advantage_scale});
  if (privacy != nullptr) losses.clipped_fraction = clip(batch.size, privacy->clip_norm);
  for (const TrainedNetwork& trained : objective_->networks()) trained.network.write_gradient(trained.pass, gradient_);
  if (privacy != nullptr) {
    if (privacy->noise_multiplier > 0) privacy->add_gaussian(gradient_, privacy->noise_multiplier * privacy->clip_norm);
    const auto share = static_cast<float>(1.0 / privacy->expected_batch_size);
    for (float& g : gradient_) g *= share;
  }
  if (guide_) guide_(shared_parameters(), std::span(gradient_).first(layout_.shared));
  step();
  return losses;
}

void Learner::check(const Batch& batch) const {
  const NetworkShape& policy = shapes_[policy_network()];
  const auto n = static_cast<std::size_t>(batch.size);
  const auto observations = n * static_cast<std::size_t>(policy.inputs), actions = n * static_cast<std::size_t>(policy.outputs);
  if (batch.observations.size() != observations || batch.next_observations.size() != observations || batch.actions.size() != actions ||
      batch.rewards.size() != n || batch.terminals.size() != n || batch.costs.size() != n) {
    throw Error(
        "a batch of {} transitions does not have the learner's {} observations and {} actions each: use the dataset it was made for", n,
        policy.inputs, policy.outputs);
  }
}

std::size_t Learner::policy_network() const {
  const auto policy =
      std::find_if(shapes_.begin(), shapes_.end(), [](const NetworkShape& s) { return s.role == Role::actor && s.inputs > 0; });
  return static_cast<std::size_t>(policy - shapes_.begin());
}

double Learner::clip(std::int64_t rows, double clip_norm) {
  row_weights_.assign(static_cast<std::size_t>(rows), 0.0F);
  for (const TrainedNetwork& trained : objective_->networks()) trained.network.add_squared_norms(trained.pass, row_weights_);
  const double bound = clip_norm * (1.0 - 1e-5);
  std::int64_t clipped = 0;
  for (float& weight : row_weights_) {
    const double norm = std::sqrt(static_cast<double>(weight));
    // The margin covers the rounding of norms in single precision. A gradient that is not finite has no bounded share: it is left out.
    weight = norm <= bound ? 1.0F : std::isfinite(norm) ? static_cast<float>(bound / norm) : 0.0F;
    clipped += weight < 1.0F;
  }
  for (TrainedNetwork& trained : objective_->networks()) scale_rows(trained.pass, row_weights_);
  return rows > 0 ? static_cast<double>(clipped) / static_cast<double>(rows) : 0.0;
}

void Learner::step() {
  const double cosine = cosine_decay(state_.updates, options_.updates);
  ++state_.updates;
  AdamStep adam{.weight_decay = options_.weight_decay, .step = state_.updates};
  const auto moments = std::span(state_.moments);
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const bool actor = shapes_[i].role == Role::actor;
    const double own_rate = actor ? options_.actor_learning_rate : options_.critic_learning_rate;
    const bool decays = options_.cosine_decay == CosineDecay::all || (actor && options_.cosine_decay == CosineDecay::actor);
    adam.learning_rate = (own_rate > 0 ? own_rate : options_.learning_rate) * (decays ? cosine : 1.0);
    for (const LayerSlice& layer : layout_.networks[i]) {
      // moments: [m shared | v shared | m local | v local]
      const bool shared = layer.offset < layout_.shared;
      const std::size_t run = shared ? layout_.shared : layout_.total - layout_.shared;
      const std::size_t first = shared ? layer.offset : layout_.shared + layer.offset;
      adam.apply(std::span(state_.parameters).subspan(layer.offset, layer.size()), std::span(gradient_).subspan(layer.offset, layer.size()),
                 moments.subspan(first, layer.size()), moments.subspan(first + run, layer.size()));
    }
  }
  follow_targets(options_.tau);
}

void Learner::follow_targets(double tau) {
  std::size_t target = 0;
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    if (!shapes_[i].has_target) continue;
    for (std::size_t l = 0; l < layout_.networks[i].size(); ++l) {
      const LayerSlice& from = layout_.networks[i][l];
      follow(std::span(state_.targets).subspan(target_layout_.networks[target][l].offset, from.size()),
             std::span(state_.parameters).subspan(from.offset, from.size()), tau);
    }
    ++target;
  }
}

PolicyNetwork Learner::policy() const {
  std::vector<PolicyNetwork::Layer> layers;
  const auto values = std::span<const float>(state_.parameters);
  for (const LayerSlice& slice : layout_.networks[policy_network()]) {
    const auto weights = values.subspan(slice.offset, slice.weight_count());
    const auto biases = values.subspan(slice.offset + slice.weight_count(), static_cast<std::size_t>(slice.outputs));
    layers.push_back({.rows = slice.outputs,
                      .cols = slice.inputs,
                      .weights = {weights.begin(), weights.end()},
                      .biases = {biases.begin(), biases.end()}});
  }
  return PolicyNetwork(std::move(layers));
}

void Learner::restore(const LearnerState& state) {
  const auto copy = [](const char* what, const std::vector<float>& from, std::vector<float>& to) {
    if (from.size() != to.size()) {
      throw Error("the saved learner has {} {} and this one {}: resume with the networks and algorithm it was trained with", from.size(),
                  what, to.size());
    }
    std::copy(from.begin(), from.end(), to.begin());  // in place: the networks are views of these buffers
  };
  copy("parameters", state.parameters, state_.parameters);
  copy("target parameters", state.targets, state_.targets);
  copy("moments", state.moments, state_.moments);
  state_.updates = state.updates;
  state_.advantage_scale = state.advantage_scale;
}

}  // namespace gridfed
