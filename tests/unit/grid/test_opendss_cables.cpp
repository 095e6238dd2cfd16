// Lines of cables and of spacings. Series impedance and susceptance come from OpenDSS (C-API 0.14.5, dss-python): after the same script and
// a solve, Yprim of the line gives Z = -inv(Y12) and B = 2 Im(Y11 + Y12).
#include "feeders.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

const std::string circuit = "new circuit.a basekv=12.47 bus1=a\n";
const std::string concentric =
    "new cndata.cn runits=mi rdc=0.4100 rac=0.41 gmrunits=ft gmrac=0.0171 radunits=in diam=0.567 k=13 diastrand=0.0641 gmrstrand=0.00208 "
    "rstrand=14.8722 inslayer=0.22 diains=1.06 diacable=1.29 epsr=2.3 normamps=260\n";
const std::string tape =
    "new tsdata.ts runits=mi rdc=0.97 rac=0.97 gmrunits=ft gmrac=0.0111 radunits=in diam=0.368 diashield=0.88 tapelayer=0.005 tapelap=20 "
    "inslayer=0.15 diains=0.78 diacable=0.98\n";
const std::string bare = "new wiredata.n Runits=mi Rac=0.607 rdc=0.58 GMRunits=ft GMRac=0.01113 Radunits=in Diam=0.368\n";

LineData line_of(const std::string& text) {
  return test::script_data(circuit + text).lines.at(0);
}

void expect_matrix(const Eigen::MatrixXcd& ours, const std::vector<Complex>& lower) {
  ASSERT_EQ(static_cast<std::size_t>(ours.rows() * (ours.rows() + 1) / 2), lower.size());
  std::size_t k = 0;
  for (int i = 0; i < ours.rows(); ++i) {
    for (int j = 0; j <= i; ++j, ++k) {
      EXPECT_LT(std::abs(ours(i, j) - lower[k]), 1e-9 * std::abs(lower[k]) + 1e-14) << i << ' ' << j;
      EXPECT_EQ(ours(i, j), ours(j, i));
    }
  }
}

const std::string three_cables =
    "new linegeometry.g nconds=3 nphases=3\n~ cond=1 cncable=cn x=-0.5 h=-4 units=ft\n~ cond=2 cncable=cn x=0 h=-4 units=ft\n"
    "~ cond=3 cncable=cn x=0.5 h=-4 units=ft\nnew line.l geometry=g bus1=a bus2=b length=1000 units=ft\n";
const std::vector<Complex> three_cables_deri = {{0.151446423263, 0.0844144066305},   {0.0605768558507, 0.00609461755461},
                                                {0.149709615154, 0.0764127075517},   {0.0540993081172, -0.00281894668809},
                                                {0.0605768558507, 0.00609461755461}, {0.151446423263, 0.0844144066305}};

TEST(OpenDssCables, ConcentricNeutralsUnderThreeEarthModels) {
  const auto deri = line_of(concentric + three_cables);
  expect_matrix(deri.series_impedance, three_cables_deri);
  EXPECT_NEAR(deri.shunt_susceptance(1, 1), 2.74145860804e-05, 1e-14);
  EXPECT_EQ(deri.shunt_susceptance(0, 1), 0);
  EXPECT_EQ(deri.rating, 260);
  expect_matrix(line_of("set earthmodel=carson\n" + concentric + three_cables).series_impedance, {{0.151166281519, 0.084528787678},
                                                                                                  {0.0604485045848, 0.006216646393},
                                                                                                  {0.149450426305, 0.0765415399189},
                                                                                                  {0.0539606578796, -0.00270456629861},
                                                                                                  {0.0604485045848, 0.006216646393},
                                                                                                  {0.151166281519, 0.084528787678}});
  expect_matrix(line_of("set earthmodel=fullcarson\n" + concentric + three_cables).series_impedance, {{0.151175246878, 0.084528503444},
                                                                                                      {0.0604572947787, 0.00621574750102},
                                                                                                      {0.149459003676, 0.0765400468799},
                                                                                                      {0.0539696189532, -0.00270484644295},
                                                                                                      {0.0604572947787, 0.00621574750102},
                                                                                                      {0.151175246878, 0.084528503444}});
}

TEST(OpenDssCables, TapeShieldBesideABareNeutral) {
  const std::string geometry =
      "~ cond=1 tscable=ts x=0 h=-4 units=ft\n~ cond=2 wire=n x=0.0833 h=-4 units=ft\nnew line.l geometry=g length=1000 units=ft ";
  const auto reduced = line_of(tape + bare + "new linegeometry.g nconds=2 nphases=1 reduce=y\n" + geometry + "bus1=a.1 bus2=b.1");
  expect_matrix(reduced.series_impedance, {{0.252414727353, 0.0982237617963}});
  EXPECT_NEAR(reduced.shunt_susceptance(0, 0), 3.02828731775e-05, 1e-14);
  const auto kept = line_of(tape + bare + "new linegeometry.g nconds=2 nphases=1\n" + geometry + "bus1=a.1.2 bus2=b.1.2");
  expect_matrix(kept.series_impedance,
                {{0.260493275791, 0.263958367502}, {0.0723390017229, 0.219060173971}, {0.178230659304, 0.266656884819}});
  EXPECT_EQ(kept.shunt_susceptance(1, 1), 0);
}

TEST(OpenDssCables, SpacingsHoldWiresAndCables) {
  const std::string overhead =
      "new linespacing.s nconds=4 nphases=3 units=ft x=[-4 -1.5 3 0] h=[28 28 28 24]\n"
      "new wiredata.c Runits=mi Rac=0.306 GMRunits=ft GMRac=0.0244 Radunits=in Diam=0.721 normamps=530\n" +
      bare;
  const std::vector<Complex> wanted = {{0.086373794344, 0.20336505479},    {0.0302318489829, 0.0941175590207},
                                       {0.08816620121, 0.197532045297},    {0.0297445906536, 0.0720560578325},
                                       {0.0306375874133, 0.0793007802681}, {0.0871484940725, 0.2008307107}};
  const auto line = line_of(overhead + "new line.l spacing=s wires=[c c c n] bus1=a bus2=b length=1000 units=ft");
  expect_matrix(line.series_impedance, wanted);
  EXPECT_NEAR(line.shunt_susceptance(0, 1), -3.49191676907e-07, 1e-16);
  EXPECT_EQ(line.rating, 530);
  expect_matrix(line_of(overhead + "new linegeometry.g nconds=4 nphases=3 spacing=s wires=[c c c n] reduce=y\n"
                                   "new line.l geometry=g bus1=a bus2=b length=1000 units=ft")
                    .series_impedance,
                wanted);
  expect_matrix(line_of(concentric + "new linespacing.s nconds=3 nphases=3 units=ft x=[-.5 0 .5] h=[-4 -4 -4]\n"
                                     "new line.l spacing=s cncables=[cn cn cn] bus1=a bus2=b length=1000 units=ft")
                    .series_impedance,
                three_cables_deri);
  expect_matrix(line_of(tape + bare +
                        "new linespacing.s nconds=2 nphases=1 units=ft x=[0 0.0833] h=[-4 -4]\n"
                        "new line.l spacing=s tscables=[ts] wires=[n] bus1=a.1 bus2=b.1 length=1000 units=ft")
                    .series_impedance,
                {{0.252414727353, 0.0982237617963}});
}

TEST(OpenDssCables, WhatACableLacksIsNamed) {
  const auto fault = [](const std::string& text) { return test::error_of([&] { line_of(text); }); };
  EXPECT_NE(fault("new cndata.cn rac=1 gmrac=.01 diam=.5\n" + three_cables).find("small.dss:3: the shield of conductor 1 lacks"),
            std::string::npos);
  EXPECT_NE(fault(concentric + "cndata.cn.inslayer=1\n" + three_cables).find("the insulation of conductor 1"), std::string::npos);
  EXPECT_NE(fault(concentric + bare + three_cables + "linegeometry.g.cond=2\nlinegeometry.g.wire=n").find("phase 2 is bare"),
            std::string::npos);
  EXPECT_NE(fault("new line.l wires=[a b c] bus1=a bus2=b").find("without spacing"), std::string::npos);
  EXPECT_NE(fault("new linespacing.s nconds=2 nphases=1\nnew linegeometry.g spacing=s wires=[n]").find("1 conductors for 2 positions"),
            std::string::npos);
  EXPECT_NE(fault("new tsdata.t tapelap=100").find("a lap of 100 %"), std::string::npos);
}

}  // namespace
}  // namespace gridfed
