#include "problems/control_problems.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gridfed {

namespace {

Numbers clipped(Numbers action) {
  for (double& u : action) u = std::clamp(u, -1.0, 1.0);
  return action;
}

std::vector<float> singles(const Numbers& values) {
  return {values.begin(), values.end()};
}

/// u = -share K x, K optimal for x' = A x + B u and the reward -(x'Q x + effort u'u) (Riccati, by iteration).
Controller riccati_controller(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, const Eigen::MatrixXd& q, double effort, double discount,
                              double share) {
  Eigen::MatrixXd p = q, gain;
  for (int i = 0; i < 500; ++i) {
    gain = (effort * Eigen::MatrixXd::Identity(b.cols(), b.cols()) + discount * b.transpose() * p * b)
               .ldlt()
               .solve(discount * b.transpose() * p * a);
    p = q + discount * a.transpose() * p * (a - b * gain);
  }
  return [gain, share](const Numbers& state) {
    const Eigen::VectorXd u = -share * gain * Eigen::Map<const Eigen::VectorXd>(state.data(), static_cast<Eigen::Index>(state.size()));
    return clipped({u.begin(), u.end()});
  };
}

std::function<double(Numbers&, const Numbers&)> linear_quadratic_step(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b,
                                                                      const Eigen::MatrixXd& q, double effort) {
  return [=](Numbers& state, const Numbers& action) {
    Eigen::Map<Eigen::VectorXd> x(state.data(), static_cast<Eigen::Index>(state.size()));
    const Eigen::Map<const Eigen::VectorXd> u(action.data(), static_cast<Eigen::Index>(action.size()));
    const double reward = -(x.dot(q * x) + effort * u.squaredNorm());
    x = (a * x + b * u).eval();
    return reward;
  };
}

constexpr double effort = 0.3;

/// Angle from upright, in [-pi, pi).
double wrapped(double angle) {
  return angle - 2 * std::numbers::pi * std::floor((angle + std::numbers::pi) / (2 * std::numbers::pi));
}

/// Torque as a share of its limit: pumps energy away from the top and stabilises near it.
Controller swing_up(double pump, double stiffness, double damping) {
  return [=](const Numbers& state) -> Numbers {
    const double angle = wrapped(state[0]), speed = state[1];
    if (std::abs(angle) < 0.6) return clipped({-stiffness * angle - damping * speed});
    const double energy = speed * speed / 6 + 5 * std::cos(angle) - 5;  // 0 at rest upright; inertia 1/3, weight 10 N at half a metre
    return clipped({std::clamp(-pump * energy * (speed < 0 ? -1.0 : 1.0), -pump, pump)});
  };
}

}  // namespace

ControlProblem linear_quadratic(int axes) {
  const Eigen::Index m = axes, d = 2 * m;
  Eigen::MatrixXd a = Eigen::MatrixXd::Identity(d, d), b = Eigen::MatrixXd::Zero(d, m);
  for (Eigen::Index i = 0; i < m; ++i) {
    a(2 * i, 2 * i + 1) = 0.3;
    a(2 * i + 1, 2 * i) = -0.1;
    if (m > 1) a(2 * i + 1, 2 * ((i + 1) % m)) += 0.05;
    b(2 * i, i) = 0.05;
    b(2 * i + 1, i) = 0.4;
  }
  ControlProblem problem{.name = "linear-quadratic " + std::to_string(d),
                         .observation_size = static_cast<std::size_t>(d),
                         .action_size = static_cast<std::size_t>(m),
                         .discount = 0.95,
                         .steps = 40,
                         .noise = 0.3};
  const Eigen::MatrixXd q = Eigen::MatrixXd::Identity(d, d);
  problem.best = riccati_controller(a, b, q, effort, problem.discount, 1.0);
  problem.mediocre = riccati_controller(a, b, q, effort, problem.discount, 0.25);
  problem.start = [d](RandomStream& stream) {
    Numbers state(static_cast<std::size_t>(d));
    for (double& x : state) x = stream.uniform(-0.5, 0.5);
    return state;
  };
  problem.advance = linear_quadratic_step(a, b, q, effort);
  problem.observe = [](const Numbers& state) { return state; };
  return problem;
}

ControlProblem forced_oscillator(double price_of_cost) {
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(4, 4), b = Eigen::MatrixXd::Zero(4, 1), q = Eigen::MatrixXd::Zero(4, 4);
  a.topLeftCorner(2, 2) << 1, 0.3, -0.1, 1;
  a(1, 2) = 0.2;                                                                             // the force
  a.bottomRightCorner(2, 2) << std::cos(0.3), std::sin(0.3), -std::sin(0.3), std::cos(0.3);  // its phase
  b.topRows(2) << 0.05, 0.4;
  q.topLeftCorner(2, 2).setIdentity();
  ControlProblem problem{.name = "forced oscillator", .observation_size = 4, .action_size = 1, .discount = 0.95, .steps = 40, .noise = 0.3};
  problem.best = riccati_controller(a, b, q, effort + price_of_cost, problem.discount, 1.0);
  problem.mediocre = riccati_controller(a, b, q, effort, problem.discount, 1.0);
  problem.cost = [](const Numbers& action) { return action[0] * action[0]; };
  problem.start = [](RandomStream& stream) {
    const double phase = stream.uniform(-std::numbers::pi, std::numbers::pi);
    return Numbers{stream.uniform(-0.5, 0.5), stream.uniform(-0.5, 0.5), std::cos(phase), std::sin(phase)};
  };
  problem.advance = linear_quadratic_step(a, b, q, effort);
  problem.observe = [](const Numbers& state) { return state; };
  return problem;
}

ControlProblem pendulum() {
  ControlProblem problem{.name = "pendulum", .observation_size = 3, .action_size = 1, .discount = 0.96, .steps = 80, .noise = 0.4};
  problem.start = [](RandomStream& stream) { return Numbers{stream.uniform(-std::numbers::pi, std::numbers::pi), stream.uniform(-1, 1)}; };
  problem.advance = [](Numbers& state, const Numbers& action) {
    const double torque = 2 * action[0], angle = wrapped(state[0]);
    const double reward = -(angle * angle + 0.1 * state[1] * state[1] + 0.001 * torque * torque) / 10;
    for (int half = 0; half < 2; ++half) {
      state[1] = std::clamp(state[1] + (15 * std::sin(state[0]) + 3 * torque) * 0.05, -8.0, 8.0);  // 3 g / (2 l) and 3 / (m l^2), g = 10
      state[0] += 0.05 * state[1];
    }
    return reward;
  };
  problem.observe = [](const Numbers& state) { return Numbers{std::cos(state[0]), std::sin(state[0]), state[1] / 8}; };
  problem.mediocre = swing_up(0.6, 3, 0.5);
  problem.best = swing_up(1, 8, 1.5);
  return problem;
}

Dataset history(const ControlProblem& problem, int episodes, std::uint64_t seed) {
  Dataset data{.observation_size = problem.observation_size, .action_size = problem.action_size};
  RandomStream stream(seed, Draw::test);
  for (int episode = 0; episode < episodes; ++episode) {
    Numbers state = problem.start(stream);
    for (int t = 0; t < problem.steps; ++t) {
      const auto before = singles(problem.observe(state));
      Numbers action = problem.mediocre(state);
      for (double& u : action) u += problem.noise * stream.normal();
      action = clipped(action);
      const double reward = problem.advance(state, action);
      data.append(before, singles(action), static_cast<float>(reward), singles(problem.observe(state)), false, t + 1 == problem.steps,
                  static_cast<float>(problem.cost(action)));
    }
  }
  return data;
}

double expected_return(const ControlProblem& problem, const Controller& controller, int episodes) {
  RandomStream stream(99, Draw::evaluation);
  double sum = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    Numbers state = problem.start(stream);
    double weight = 1;
    for (int t = 0; t < problem.steps; ++t, weight *= problem.discount) {
      const Numbers action = controller(state);
      sum += weight * problem.advance(state, action) / episodes;
    }
  }
  return sum;
}

double mean_cost(const ControlProblem& problem, const Controller& controller, const Dataset& data, double discount) {
  constexpr int starts = 200, steps = 300;
  RandomStream stream(99, Draw::evaluation);
  double sum = 0;
  for (int i = 0; i < starts; ++i) {
    const auto first = data.observations.begin() + static_cast<std::ptrdiff_t>(stream.below(data.size()) * data.observation_size);
    Numbers state(first, first + static_cast<std::ptrdiff_t>(data.observation_size));
    double weight = 1 - discount;
    for (int t = 0; t < steps; ++t, weight *= discount) {
      const Numbers action = controller(state);
      sum += weight * problem.cost(action) / starts;
      problem.advance(state, action);
    }
  }
  return sum;
}

double closed_gap(const ControlProblem& problem, const Controller& controller) {
  const double low = expected_return(problem, problem.mediocre), high = expected_return(problem, problem.best);
  return (expected_return(problem, controller) - low) / (high - low);
}

Controller learned_controller(const ControlProblem& problem, RlOptions options, Dataset data, std::uint64_t seed) {
  const auto scale = [](std::vector<float>& values) {
    double mean = 0, squares = 0;
    for (const float r : values) mean += r / static_cast<double>(values.size());
    for (const float r : values) squares += (r - mean) * (r - mean) / static_cast<double>(values.size());
    const double deviation = squares > 0 ? std::sqrt(squares) : 1.0;
    for (float& r : values) r = static_cast<float>(r / deviation);
    return deviation;
  };
  scale(data.rewards);
  const double cost_unit = scale(data.costs);
  if (options.cost_limit >= 0) options.cost_limit /= cost_unit;
  Learner learner(options, data.observation_size, data.action_size, seed);
  BatchBuffer buffer;
  RandomStream stream(seed, Draw::minibatch);
  for (std::int64_t i = 0; i < options.updates; ++i)
    learner.update(data.sample(stream, static_cast<std::size_t>(options.batch_size), buffer));
  return [policy = learner.policy(), observe = problem.observe](const Numbers& state) {
    std::vector<float> action(policy.action_size());
    policy.act(singles(observe(state)), action);
    return Numbers(action.begin(), action.end());
  };
}

}  // namespace gridfed
