#include "dynamics/load_profile.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

// IEEE Reliability Test System, IEEE Trans. PAS-98(6), 1979, tables 1 to 3.
constexpr std::array<double, 52> weekly_percent = {86.2, 90,   87.8, 83.4, 88,   84.1, 83.2, 80.6, 74,   73.7, 71.5, 72.7, 70.4,
                                                   75,   72.1, 80,   75.4, 83.7, 87,   88,   85.6, 81.1, 90,   88.7, 89.6, 86.1,
                                                   75.5, 81.6, 80.1, 88,   72.2, 77.6, 80,   72.9, 72.6, 70.5, 78,   69.5, 72.4,
                                                   72.4, 74.3, 74.4, 80,   88.1, 88.5, 90.9, 94,   89,   94.2, 97,   100,  95.2};
constexpr std::array<double, 7> daily_percent = {93, 100, 98, 96, 94, 77, 75};  // Monday to Sunday

// By season and kind of day; 24 hours ending at 1, 2, ..., 24.
constexpr std::array<std::array<double, 24>, 6> hourly_percent = {
    {{67, 63, 60, 59, 59, 60, 74, 86, 95, 96, 96, 95, 95, 95, 93, 94, 99, 100, 100, 96, 91, 83, 73, 63},
     {78, 72, 68, 66, 64, 65, 66, 70, 80, 88, 90, 91, 90, 88, 87, 87, 91, 100, 99, 97, 94, 92, 87, 81},
     {64, 60, 58, 56, 56, 58, 64, 76, 87, 95, 99, 100, 99, 100, 100, 97, 96, 96, 93, 92, 92, 93, 87, 72},
     {74, 70, 66, 65, 64, 62, 62, 66, 81, 86, 91, 93, 93, 92, 91, 91, 92, 94, 95, 95, 100, 93, 88, 80},
     {63, 62, 60, 58, 59, 65, 72, 85, 95, 99, 100, 99, 93, 92, 90, 88, 90, 92, 96, 98, 96, 90, 80, 70},
     {75, 73, 69, 66, 65, 65, 68,  74, 83, 89, 92, 94, 91,
      90, 90, 86, 85, 88, 92, 100, 97, 95, 90, 85}}};  // winter weekday, winter weekend, summer weekday, summer weekend, spring and fall
                                                       // weekday, spring and fall weekend

}  // namespace

double rts79_load_factor(int week, int day, double hour) {
  week = std::clamp(week, 1, 52);
  const bool winter = week <= 8 || week >= 44, summer = week >= 18 && week <= 30;
  const int column = (winter ? 0 : summer ? 2 : 4) + (day >= 6 ? 1 : 0);
  const auto& profile = hourly_percent[column];
  // The table gives hourly means; they are joined at the middles of the hours so that the curve has no steps.
  const double position = hour - 0.5;
  const double floor = std::floor(position);
  const int before = (static_cast<int>(floor) + 24) % 24, after = (before + 1) % 24;
  const double weight = position - floor;
  const double percent = (1 - weight) * profile[before] + weight * profile[after];
  return weekly_percent[week - 1] * daily_percent[std::clamp(day, 1, 7) - 1] * percent * 1e-6;
}

}  // namespace gridfed
