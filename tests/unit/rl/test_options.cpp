#include "rl/options.hpp"

#include <gtest/gtest.h>
