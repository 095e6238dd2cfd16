#include "privacy/options.hpp"

#include "runtime/error.hpp"

#include <boost/program_options/value_semantic.hpp>

#include <string>

namespace gridfed {

namespace po = boost::program_options;

void declare(po::options_description& deck, PrivacyOptions& o) {
  deck.add_options()  //
      ("privacy.unit", po::value<std::string>()->default_value(std::string(name(o.unit)))->notifier([&o](const std::string& text) {
        o.unit = privacy_unit(text);
      }),
       "whose presence is hidden: none, client (a whole utility) or record (one transition)")  //
      ("privacy.privacy_budget", po::value(&o.privacy_budget)->default_value(o.privacy_budget),
       "epsilon that the whole run may spend")  //
      ("privacy.delta", po::value(&o.delta)->default_value(o.delta, "1e-5"),
       "probability with which epsilon may be exceeded; keep it below one over the number of units")  //
      ("privacy.clip_norm", po::value(&o.clip_norm)->default_value(o.clip_norm),
       "largest Euclidean norm of one unit's contribution; longer ones are scaled down")  //
      ("privacy.noise_multiplier", po::value(&o.noise_multiplier)->default_value(o.noise_multiplier),
       "standard deviation of the noise over the clip norm; 0 sets the least that keeps the budget")  //
      ("privacy.integer_noise",
       po::value<std::string>()->default_value(std::string(name(o.integer_noise)))->notifier([&o](const std::string& text) {
         o.integer_noise = integer_noise(text);
       }),
       "noise of secure sums: discrete_gaussian or skellam")  //
      ("privacy.clip_quantile", po::value(&o.clip_quantile)->default_value(o.clip_quantile),
       "above 0: the clip norm of client-level privacy follows this quantile of the clients' norms, from clip_norm on")  //
      ("privacy.count_noise", po::value(&o.count_noise)->default_value(o.count_noise),
       "standard deviation of the noised count that tells the quantile; 0 = a twentieth of the clients")  //
      ("privacy.seeded", po::value(&o.seeded)->default_value(o.seeded),
       "draw the noise from the seed (tests only: every output is marked as not private)");
}

void validate(const PrivacyOptions& o) {
  if (o.unit == PrivacyUnit::none) return;
  if (!(o.privacy_budget > 0)) throw Error("privacy.privacy_budget is {}: set an epsilon above 0", o.privacy_budget);
  if (!(o.delta > 0 && o.delta < 1))
    throw Error("privacy.delta is {}: set a probability between 0 and 1, well below one over the number of units", o.delta);
  if (!(o.clip_norm > 0)) throw Error("privacy.clip_norm is {}: set it above 0", o.clip_norm);
  if (!(o.clip_quantile >= 0 && o.clip_quantile < 1)) throw Error("privacy.clip_quantile is {}: set it from 0 to below 1", o.clip_quantile);
  if (!(o.count_noise >= 0)) throw Error("privacy.count_noise is {}: set it to 0 or more", o.count_noise);
  if (!(o.noise_multiplier >= 0))
    throw Error("privacy.noise_multiplier is {}: set it above 0, or to 0 to have it follow from the budget", o.noise_multiplier);
}

}  // namespace gridfed
