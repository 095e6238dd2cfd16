#include "grid/opendss_reader.hpp"

#include <gtest/gtest.h>
TEST(X, Y) {}
