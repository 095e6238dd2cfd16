#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gridfed {

class Communicator;
class File;

/// Wall seconds of one stage over the ranks; a rank that never entered it counts as zero.
struct StageSummary {
  std::string name;
  double min = 0, mean = 0, max = 0;  ///< [s]
  double peak_memory_mb = 0;          ///< largest resident set of any rank by the end of the stage [MB]
};

/// Where the time of a run went.
struct TimingSummary {
  std::vector<StageSummary> stages;  ///< in order of first use
  double peak_memory_mb = 0;         ///< largest resident set of any rank [MB]

  /// One line a stage: `stage=simulate min_s=1.2 mean_s=1.3 max_s=1.5 peak_mb=290`, and `peak_memory_mb=310`.
  std::string text() const;
  void write(File& file, const std::string& group) const;
};

/// Wall time of named stages on this rank: `{ auto scope = times.stage("simulate"); ... }`. The scope must not outlive the times.
class StageTimes {
 public:
  class Scope {
   public:
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    friend StageTimes;
    Scope(StageTimes& times, std::size_t index);
    StageTimes& times_;
    std::size_t index_;
    std::chrono::steady_clock::time_point start_;
  };

  [[nodiscard]] Scope stage(const std::string& name);
  /// Seconds spent in a stage so far, its open scopes excluded.
  double seconds(const std::string& name) const;
  /// Collective on comm.
  TimingSummary summary(const Communicator& comm) const;

 private:
  struct Stage {
    std::string name;
    double seconds = 0, peak_memory_mb = 0;
  };
  std::vector<Stage> stages_;
};

/// Largest resident set of this process so far, and the present one [MB].
double peak_memory_mb();
double resident_memory_mb();

}  // namespace gridfed
