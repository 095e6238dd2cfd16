#include "rl/learner.hpp"

#include "rl/optimizer.hpp"
#include "rl/safety_critic.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace gridfed {

namespace {

std::vector<NetworkShape> own_networks(const RlOptions& options, std::int64_t observations, std::int64_t actions) {
  switch (options.algorithm) {
    case LearnerKind::iql:
      return iql_networks(options, observations, actions);
    case LearnerKind::cql:
      return cql_networks(options, observations, actions);
    case LearnerKind::td3_bc:
      return td3_bc_networks(options, observations, actions);
    case LearnerKind::behaviour_cloning:
      return behaviour_cloning_networks(options, observations, actions);
  }
  throw Error("unknown learning algorithm");
}

/// The algorithm's, and last the safety critic.
std::vector<NetworkShape> networks_of(const RlOptions& options, std::size_t observation_size, std::size_t action_size) {
  validate(options);
  if (observation_size == 0 || action_size == 0) {
    throw Error("a learner needs observations and actions (got {} and {}): check the interface of the dataset", observation_size,
                action_size);
  }
  const auto observations = static_cast<std::int64_t>(observation_size), actions = static_cast<std::int64_t>(action_size);
  auto networks = own_networks(options, observations, actions);
  if (options.safety_critic) networks.push_back(safety_critic_network(options, observations, actions));
  return networks;
}

std::unique_ptr<Objective> objective_of(const RlOptions& options, const LearnerBuffers& buffers) {
  switch (options.algorithm) {
    case LearnerKind::iql:
      return make_iql(options, buffers);
    case LearnerKind::cql:
      return make_cql(options, buffers);
    case LearnerKind::td3_bc:
      return make_td3_bc(options, buffers);
    case LearnerKind::behaviour_cloning:
      return make_behaviour_cloning(buffers);
  }
  throw Error("unknown learning algorithm");
}

double learning_rate(const RlOptions& options, Role role) {
  const double own = role == Role::actor ? options.actor_learning_rate : options.critic_learning_rate;
  if (own > 0) return own;
  if (options.algorithm == LearnerKind::cql) return role == Role::actor ? 1e-4 : 3e-4;
  if (options.algorithm == LearnerKind::td3_bc) return 3e-4;
  return options.learning_rate;
}

/// Discounted steps to come, mean over the states the safety critic judges.
double cost_horizon(const RlOptions& options) {
  return options.cost_horizon > 0 ? options.cost_horizon : 1 / (1 - options.cost_discount);
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

/// Neighbouring layers that step alike, in one run of all flat buffers.
struct StepRun {
  std::size_t offset, size;  ///< in the parameters
  std::size_t first_moment, second_moment;
  std::optional<std::size_t> target;  ///< in the targets
  double learning_rate;
  bool decays;
  std::int64_t period, target_period;
};

Learner::Learner(const RlOptions& options, std::size_t observation_size, std::size_t action_size, std::uint64_t seed)
    : options_(options),
      observation_size_(observation_size),
      action_size_(action_size),
      seed_(seed),
      shapes_(networks_of(options, observation_size, action_size)),
      layout_(make_layout(shapes_, options.shared)),
      target_layout_(make_layout(with_targets(shapes_), options.shared)),
      runs_(step_runs()) {
  state_.multiplier = {.value = options.safety_weight, .integral = options.safety_weight};
  state_.parameters.resize(layout_.total);
  state_.targets.resize(target_layout_.total);
  state_.moments.resize(2 * layout_.total);
  gradient_.resize(layout_.total);
  initialise(layout_, seed, state_.parameters);
  for (const StepRun& run : runs_) {
    if (run.target) std::copy_n(&state_.parameters[run.offset], run.size, &state_.targets[*run.target]);
  }
  objective_ = objective_of(options, {layout_, state_.parameters, target_layout_, state_.targets});
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
  const bool steered = options_.safety_critic && options_.cost_limit >= 0;
  if (steered && privacy != nullptr) {
    throw Error("rl.cost_limit steers by the mean cost of a batch, which a private update may not look at: set rl.safety_weight instead");
  }
  Losses losses = objective_->differentiate(batch, {.row_weight = privacy != nullptr ? 1.0F : 1.0F / static_cast<float>(batch.size),
                                                    .independent_rows = privacy != nullptr,
                                                    .advantage_scale = &state_.advantage_scale,
                                                    .multiplier = state_.multiplier.value,
                                                    .seed = seed_,
                                                    .update = state_.updates + 1});
  if (privacy != nullptr) losses.clipped_fraction = clip(batch.size, privacy->clip_norm);
  objective_->write_gradient(gradient_);
  if (privacy != nullptr) {
    if (privacy->noise_multiplier > 0) privacy->add_gaussian(gradient_, privacy->noise_multiplier * privacy->clip_norm);
    const auto share = static_cast<float>(1.0 / privacy->expected_batch_size);
    for (float& g : gradient_) g *= share;
  }
  if (guide_) guide_(shared_parameters(), std::span(gradient_).first(layout_.shared));
  step();
  if (options_.safety_critic) losses.multiplier = state_.multiplier.value;
  if (steered) state_.multiplier.steer(options_.multiplier_gains, losses.cost / cost_horizon(options_), options_.cost_limit);
  return losses;
}

Losses Learner::losses(const Batch& batch) {
  check(batch);
  if (batch.size == 0) throw Error("losses were asked of an empty batch (validation may hold no episode): give it data");
  double advantage_scale = state_.advantage_scale;
  return objective_->differentiate(batch, {.row_weight = 1.0F / static_cast<float>(batch.size),
                                           .advantage_scale = &advantage_scale,
                                           .multiplier = state_.multiplier.value,
                                           .seed = seed_,
                                           .update = state_.updates + 1});
}

void Learner::check(const Batch& batch) const {
  const auto n = static_cast<std::size_t>(batch.size), observations = n * observation_size_, actions = n * action_size_;
  if (batch.observations.size() != observations || batch.next_observations.size() != observations || batch.actions.size() != actions ||
      batch.rewards.size() != n || batch.terminals.size() != n || batch.costs.size() != n) {
    throw Error(
        "a batch of {} transitions does not have the learner's {} observations and {} actions each: use the dataset it was made for", n,
        observation_size_, action_size_);
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

std::vector<StepRun> Learner::step_runs() const {
  std::vector<StepRun> runs;
  std::size_t target = 0;
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const NetworkShape& shape = shapes_[i];
    const bool decays =
        options_.cosine_decay == CosineDecay::all || (shape.role == Role::actor && options_.cosine_decay == CosineDecay::actor);
    for (std::size_t l = 0; l < layout_.networks[i].size(); ++l) {
      const LayerSlice& layer = layout_.networks[i][l];
      // moments: [m shared | v shared | m local | v local]
      const bool shared = layer.offset < layout_.shared;
      const std::size_t moment = shared ? layer.offset : layout_.shared + layer.offset;
      const std::size_t length = shared ? layout_.shared : layout_.total - layout_.shared;
      const auto at = shape.has_target ? std::optional(target_layout_.networks[target][l].offset) : std::nullopt;
      runs.push_back({.offset = layer.offset,
                      .size = layer.size(),
                      .first_moment = moment,
                      .second_moment = moment + length,
                      .target = at,
                      .learning_rate = learning_rate(options_, shape.role),
                      .decays = decays,
                      .period = shape.period,
                      .target_period = shape.target_period});
    }
    target += shape.has_target;
  }
  std::ranges::sort(runs, {}, &StepRun::offset);
  const auto continues = [&](const StepRun& a, const StepRun& b) {
    return a.offset + a.size == b.offset && a.first_moment + a.size == b.first_moment && a.target.has_value() == b.target.has_value() &&
           (!a.target || *a.target + a.size == *b.target) && a.learning_rate == b.learning_rate && a.decays == b.decays &&
           a.period == b.period && a.target_period == b.target_period;
  };
  std::vector<StepRun> merged;
  for (const StepRun& run : runs) {
    if (!merged.empty() && continues(merged.back(), run)) {
      merged.back().size += run.size;
    } else {
      merged.push_back(run);
    }
  }
  return merged;
}

void Learner::step() {
  const double cosine = cosine_decay(state_.updates, options_.updates);
  const std::int64_t update = ++state_.updates;
  for (const StepRun& run : runs_) {
    const AdamStep adam{.learning_rate = run.learning_rate * (run.decays ? cosine : 1.0),
                        .weight_decay = options_.weight_decay,
                        .step = update / run.period,
                        .tau = update % run.target_period == 0 ? options_.tau : 0.0};
    if (update % run.period != 0) continue;
    const auto part = [&](std::vector<float>& values, std::size_t offset) { return std::span(values).subspan(offset, run.size); };
    adam.apply(part(state_.parameters, run.offset), part(gradient_, run.offset), part(state_.moments, run.first_moment),
               part(state_.moments, run.second_moment), run.target ? part(state_.targets, *run.target) : std::span<float>());
  }
}

PolicyNetwork Learner::policy() const {
  std::vector<PolicyNetwork::Layer> layers;
  const auto values = std::span<const float>(state_.parameters);
  const auto& slices = layout_.networks[policy_network()];
  for (const LayerSlice& slice : slices) {
    const std::int64_t rows = &slice == &slices.back() ? static_cast<std::int64_t>(action_size_) : slice.outputs;  // no log_std of cql
    const auto weights = values.subspan(slice.offset, static_cast<std::size_t>(rows * slice.inputs));
    const auto biases = values.subspan(slice.offset + slice.weight_count(), static_cast<std::size_t>(rows));
    layers.push_back(
        {.rows = rows, .cols = slice.inputs, .weights = {weights.begin(), weights.end()}, .biases = {biases.begin(), biases.end()}});
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
  state_.multiplier = state.multiplier;
}

}  // namespace gridfed
