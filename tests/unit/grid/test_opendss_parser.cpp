#include "grid/opendss_parser.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gridfed::opendss {
namespace {

TEST(OpenDssParser, SplitsNamedAndPositionalArguments) {
  const auto a = split_arguments("New Line.L1 Bus1=a.1.2, kV= 24.9  kW = 5 buses=(x y) // rest");
  ASSERT_EQ(a.size(), 6u);
  EXPECT_EQ(a[0].name, "");
  EXPECT_EQ(a[0].value.text, "New");
  EXPECT_EQ(a[1].value.text, "Line.L1");
  EXPECT_EQ(a[2].name, "bus1");
  EXPECT_EQ(a[2].value.text, "a.1.2");
  EXPECT_EQ(a[3].value.number(), 24.9);
  EXPECT_EQ(a[4].value.number(), 5);
  EXPECT_EQ(a[5].value.words(), (std::vector<std::string>{"x", "y"}));
}

TEST(OpenDssParser, EveryKindOfQuoteHoldsBlanksAndCommentSigns) {
  for (const char* text : {"a=[b ! c]", "a=(b ! c)", "a={b ! c}", "a='b ! c'", "a=\"b ! c\""}) {
    const auto a = split_arguments(text);
    ASSERT_EQ(a.size(), 1u) << text;
    EXPECT_EQ(a[0].value.text, "b ! c");
    EXPECT_TRUE(a[0].value.quoted);
  }
  EXPECT_THROW(split_arguments("a=[1 2"), ScriptError);
  EXPECT_TRUE(split_arguments("   ! nothing").empty());
  EXPECT_TRUE(split_arguments("// nothing").empty());
}

TEST(OpenDssParser, ReversePolishNotation) {
  EXPECT_DOUBLE_EQ(evaluate_rpn("8 1000 /"), 0.008);
  EXPECT_DOUBLE_EQ(evaluate_rpn("2 3 ^ 1 -"), 7);
  EXPECT_DOUBLE_EQ(evaluate_rpn("2 sqr 3 + sqrt inv"), 1 / std::sqrt(7.0));
  EXPECT_NEAR(evaluate_rpn("30 sin 60 cos +"), 1, 1e-15);
  EXPECT_DOUBLE_EQ(evaluate_rpn("1 2 swap -"), 1);
  EXPECT_NEAR(evaluate_rpn("1.051 0.88 0.001 3 * - - 115 12.47 / sqr *"), (1.051 - (0.88 - 0.003)) * std::pow(115 / 12.47, 2), 1e-12);
  EXPECT_THROW(evaluate_rpn("1 +"), ScriptError);
  EXPECT_THROW(evaluate_rpn("1 0 /"), ScriptError);
  EXPECT_THROW(evaluate_rpn("eight"), ScriptError);
}

TEST(OpenDssParser, ArraysMayHoldInLineMath) {
  EXPECT_EQ((Value{"580 {580 1.25 *}", true}.numbers()), (std::vector<double>{580, 725}));
  EXPECT_EQ((Value{"1, 2,3", true}.numbers()), (std::vector<double>{1, 2, 3}));
}

TEST(OpenDssParser, MatricesHaveRows) {
  const auto rows = Value{"1 | 2 3 | 4 5 6", true}.rows();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2], (std::vector<double>{4, 5, 6}));
}

TEST(OpenDssParser, FirstNameWithThePrefixWinsUnlessOneIsEqual) {
  const std::vector<std::string_view> names = {"kVA", "kV", "%Rs", "ppm_antifloat"};
  EXPECT_EQ(find_abbreviated(names, "kv"), 1);
  EXPECT_EQ(find_abbreviated(names, "k"), 0);
  EXPECT_EQ(find_abbreviated(names, "PPM"), 3);
  EXPECT_EQ(find_abbreviated(names, "x"), -1);
  EXPECT_EQ(nearest(names, "ppm_antiflaot"), "ppm_antifloat");
}

}  // namespace
}  // namespace gridfed::opendss
