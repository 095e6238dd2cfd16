// Regulators and capacitor controls as OpenDSS reads them. Defaults and the effect of one property on another were asked of OpenDSS (C-API
// 0.14.5) with `? class.name.property` after the same lines.
#include "feeders.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

const std::string circuit =
    "new circuit.test basekv=12.47 bus1=a\n"
    "new line.l bus1=a bus2=b\n"
    "new capacitor.c bus1=b kvar=600 kv=12.47\n"
    "new transformer.t wdg=1 bus=b kv=12.47 wdg=2 bus=e kv=4.16\n";

NetworkData data_of(const std::string& text) {
  return test::script_data(circuit + text);
}
std::string fault_of(const std::string& text) {
  return test::error_of([&] { make_network(data_of(text)); });
}

TEST(OpenDssControls, ReversePowerIsCogenerationsBeforeReversal) {
  const std::string regulator = "new regcontrol.r transformer=t winding=2 vreg=121 ";
  const auto action = [&](const std::string& text) { return data_of(regulator + text).regulators.at(0).reverse.action; };
  EXPECT_EQ(action("reversible=no revvreg=118"), ReversePower::disregarded);
  EXPECT_EQ(action("reversible=yes"), ReversePower::reverses);
  EXPECT_EQ(action("reversible=yes cogen=yes"), ReversePower::cogeneration);
  const auto reverse = data_of(regulator + "reversible=yes revthreshold=50 revneutral=yes").regulators.at(0).reverse;
  EXPECT_EQ(reverse.threshold, 50e3);
  EXPECT_EQ(reverse.setpoint, 120);  // not that of the forward direction
  EXPECT_EQ(reverse.delay, 60);
  EXPECT_TRUE(reverse.to_neutral);
}

TEST(OpenDssControls, AControlByVoltageHasNoOverride) {
  const std::string control = "new capcontrol.k element=line.l capacitor=c voltoverride=yes vmin=100 vmax=116 type=";
  EXPECT_TRUE(data_of(control + "kvar").capacitor_controls[0].voltage_override);
  const auto data = data_of(control + "voltage");
  EXPECT_FALSE(data.capacitor_controls[0].voltage_override);
  ASSERT_EQ(data.notes.size(), 1u);
}

TEST(OpenDssControls, CapacitorControlHasTheDefaultsOfOpenDss) {
  const auto network = make_network(data_of("new capcontrol.k element=line.l capacitor=c"));
  const auto& control = network->data().capacitor_controls.at(0);
  EXPECT_EQ(control.kind, CapacitorControlKind::current);
  EXPECT_EQ(control.monitored.kind, ElementKind::line);
  EXPECT_EQ(control.monitored.terminal, 1);
  EXPECT_EQ(control.on_setting, 300);
  EXPECT_EQ(control.off_setting, 200);
  EXPECT_EQ(control.pt_ratio, 60);
  EXPECT_EQ(control.v_max, 126);
  EXPECT_EQ(control.dead_time, 300);
  EXPECT_FALSE(control.voltage_override);
  EXPECT_FALSE(control.voltage_bus);
  EXPECT_EQ(network->controlled_capacitors()[0], 0);
  EXPECT_EQ(network->monitored_elements()[0], 0);
}

TEST(OpenDssControls, CapacitorControlTakesWhatItIsTold) {
  const auto data = data_of(
      "new capcontrol.k element=Transformer.T terminal=2 capacitor=c type=kvar ptratio=20 ctratio=1 ONsetting=150 OFFsetting=-225 "
      "VoltOverride=Y Vmin=7110 Vmax=7740 Delay=100 Delayoff=90 deadtime=20 ptphase=max ctphase=2 vbus=b.1\n"
      "new capcontrol.v element=capacitor.c capacitor=c type=Volt ptphase=AVG on=118 off=124\n"
      "new capcontrol.t element=line.l capacitor=c type=t on=8 off=17.5\n"
      "new capcontrol.p element=line.l capacitor=c type=pf on=.95 off=-0.99 pctmin=75\n");
  const auto& kvar = data.capacitor_controls.at(0);
  EXPECT_EQ(kvar.monitored.kind, ElementKind::transformer);
  EXPECT_EQ(kvar.monitored.name, "t");
  EXPECT_EQ(kvar.monitored.terminal, 2);
  EXPECT_EQ(kvar.kind, CapacitorControlKind::reactive_power);
  EXPECT_EQ(kvar.on_setting, 150e3);
  EXPECT_EQ(kvar.off_setting, -225e3);
  EXPECT_TRUE(kvar.voltage_override);
  EXPECT_EQ(kvar.v_min, 7110);
  EXPECT_EQ(kvar.delay, 100);
  EXPECT_EQ(kvar.delay_off, 90);
  EXPECT_EQ(kvar.pt_selection, PhaseSelection::maximum);
  EXPECT_EQ(kvar.ct_selection, PhaseSelection::one);
  EXPECT_EQ(kvar.ct_phase, 2);
  EXPECT_EQ(kvar.voltage_bus.value().bus, "b");
  EXPECT_EQ(data.capacitor_controls[1].pt_selection, PhaseSelection::average);
  EXPECT_EQ(data.capacitor_controls[1].on_setting, 118);
  EXPECT_EQ(data.capacitor_controls[2].kind, CapacitorControlKind::time);
  EXPECT_EQ(data.capacitor_controls[3].off_setting, -0.99);
  EXPECT_EQ(data.capacitor_controls[3].min_reactive_share, 0.75);
}

TEST(OpenDssControls, CapacitorControlsOfWhatIsNotThereAreFaults) {
  EXPECT_EQ(fault_of("new capcontrol.k element=line.l capacitor=d"),
            "small.dss:5: capacitor control 'k' switches capacitor 'd', which does not exist: define it");
  EXPECT_EQ(fault_of("new capcontrol.k element=line.m capacitor=c"),
            "small.dss:5: capacitor control 'k' monitors line 'm', which does not exist: define it");
  EXPECT_EQ(fault_of("new capcontrol.k element=line.l terminal=3 capacitor=c"),
            "small.dss:5: capacitor control 'k' monitors terminal 3 of line 'l', which has 2: correct it");
  EXPECT_NE(fault_of("new capcontrol.k element=line.l capacitor=c vbus=zz").find("bus 'zz', which does not exist"), std::string::npos);
  EXPECT_NE(fault_of("new capcontrol.k capacitor=c").find("monitors no element"), std::string::npos);
  EXPECT_NE(fault_of("new capcontrol.k element=line.l capacitor=c type=follow").find("control by 'follow' is not modelled"),
            std::string::npos);
  EXPECT_NE(fault_of("new capcontrol.k element=line.l capacitor=c type=pf on=1.2").find("give them from -1"), std::string::npos);
  EXPECT_EQ(data_of("capacitor.c.enabled=no\nnew capcontrol.k element=line.l capacitor=c").capacitor_controls.size(), 0u);
}

TEST(OpenDssControls, RegulatorReadsItsLimitRatiosAndPhases) {
  const auto data = data_of(
      "new regcontrol.r transformer=t winding=2 ptratio=20 bus=e.2 vlimit=127 ptphase=min inversetime=y\n"
      "new regcontrol.s transformer=t winding=2 ptratio=20 remoteptratio=30 tapnum=5\n");
  const auto& r = data.regulators.at(0);
  EXPECT_EQ(r.remote_pt_ratio, 20);
  EXPECT_EQ(r.voltage_limit, 127);
  EXPECT_EQ(r.pt_selection, PhaseSelection::minimum);
  EXPECT_TRUE(r.inverse_time);
  EXPECT_EQ(data.regulators[1].pt_ratio, 20);
  EXPECT_EQ(data.regulators[1].remote_pt_ratio, 30);
  EXPECT_DOUBLE_EQ(data.transformers.at(0).windings[1].tap, 1.03125);  // OpenDSS: taps=[1, 1.03125]
}

TEST(OpenDssControls, WhatARegulatorCannotDoIsRefused) {
  for (const std::string mode : {"ptphase=avg", "tapwinding=3", "tapwinding=0", "revband=0"}) {
    EXPECT_NE(fault_of("new regcontrol.r transformer=t winding=2 " + mode), "no error") << mode;
  }
  const auto regulator = data_of("new regcontrol.r transformer=t winding=2 tapwinding=1 tapnum=4 LDC_Z=3").regulators.at(0);
  EXPECT_EQ(regulator.winding, 1);
  EXPECT_EQ(regulator.measured_winding, 2);
  EXPECT_EQ(regulator.z, 3);
}

// OpenDSS: DERList of each as asked for after a solution.
TEST(OpenDssControls, AnInverterControlWithoutListTakesWhatIsThereWhenItIsDefined) {
  const std::string curve = "new xycurve.vv npts=2 xarray=[.9 1.1] yarray=[1 -1]\n",
                    control = "new invcontrol.i mode=voltvar vvc_curve1=vv\n";
  const std::string p = "new pvsystem.p bus1=b kv=12.47\n", s = "new storage.s bus1=b kv=12.47\n";
  const auto taken = [&](const std::string& text) {
    const NetworkData data = data_of(curve + text);
    const auto& taken = data.inverter_controls.at(0);
    return std::pair(taken.solar.size(), taken.batteries.size());
  };
  EXPECT_EQ(taken(p + control + s), (std::pair<std::size_t, std::size_t>{1, 0}));
  EXPECT_EQ(taken(s + control + p), (std::pair<std::size_t, std::size_t>{0, 1}));
  EXPECT_EQ(taken(control + p + s), (std::pair<std::size_t, std::size_t>{1, 1}));
  EXPECT_EQ(taken(p + control + s + "edit invcontrol.i enabled=yes\n"), (std::pair<std::size_t, std::size_t>{1, 0}));
  EXPECT_EQ(taken(p + s + "disable storage.s\n" + control + "enable storage.s\n"), (std::pair<std::size_t, std::size_t>{1, 0}));
}

TEST(OpenDssControls, InverterControlsNameTheirPlantsAndCurves) {
  const std::string plants =
      "new xycurve.vv npts=4 yarray=[1 1 -1 -1] xarray=[.5 .92 1.08 1.5]\nnew xycurve.vw npts=3 points=[.5,1 1.03,1 1.1,0]\n"
      "new pvsystem.p bus1=b kv=12.47\nnew pvsystem.q bus1=b kv=12.47\nnew storage.s bus1=b kv=12.47\n";
  const auto network = make_network(
      data_of(plants + "new invcontrol.all mode=voltvar vvc_curve1=vv refreactivepower=VARMAX monvoltagecalc=max\n"
                       "new invcontrol.some pvsystemlist=[p] combimode=vv_vw vvc_curve1=vv voltwatt_curve=vw voltwattyaxis=kvaratingpu\n"
                       "new invcontrol.both derlist=[pvsystem.q storage.s] mode=voltwatt voltwatt_curve=vw\n"));
  const auto& controls = network->data().inverter_controls;
  ASSERT_EQ(controls.size(), 3u);
  EXPECT_EQ(controls[0].solar, (std::vector<std::string>{"p", "q"}));  // OpenDSS: derlist=[PVSystem.p, PVSystem.q], and storage
  EXPECT_EQ(controls[0].batteries, (std::vector<std::string>{"s"}));
  ASSERT_EQ(controls[0].volt_var.size(), 4u);
  EXPECT_EQ(controls[0].volt_var[2], (std::array<double, 2>{1.08, -1}));
  EXPECT_TRUE(controls[0].volt_watt.empty());
  EXPECT_EQ(controls[0].reactive_base, InverterControlData::ReactiveBase::rating);
  EXPECT_EQ(controls[0].selection, PhaseSelection::maximum);
  EXPECT_EQ(controls[1].solar, (std::vector<std::string>{"p"}));
  EXPECT_EQ(controls[1].volt_watt.back(), (std::array<double, 2>{1.1, 0}));
  EXPECT_EQ(controls[1].active_base, InverterControlData::ActiveBase::rating);
  EXPECT_TRUE(controls[2].volt_var.empty());
  EXPECT_EQ(controls[2].batteries, (std::vector<std::string>{"s"}));
  for (const std::string control :
       {"mode=dynamicreaccurr", "mode=voltvar", "mode=voltvar vvc_curve1=none", "derlist=[pvsystem.z] mode=voltvar vvc_curve1=vv",
        "mode=voltvar vvc_curve1=vv monbus=[b]", "vvc_curve1=vv", "mode=voltvar vvc_curve1=vv voltage_curvex_ref=avg"}) {
    EXPECT_NE(fault_of(plants + "new invcontrol.i " + control).find("small.dss:10: "), std::string::npos) << control;
  }
}

}  // namespace
}  // namespace gridfed
