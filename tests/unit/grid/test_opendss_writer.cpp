#include "grid/opendss_writer.hpp"

#include "feeders.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gridfed {
namespace {

/// What is read back from the script written of a network in a state.
NetworkData through_script(const Network& network, const GridState& state) {
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_writer_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  write_opendss(network, state, folder / "written.dss");
  NetworkData data = read_opendss(folder / "written.dss");
  std::filesystem::remove_all(folder);
  return data;
}

void same(double a, double b, const std::string& what) {
  EXPECT_LE(std::abs(a - b), 1e-12 * std::max(std::abs(a), std::abs(b))) << what << ": " << a << " and " << b;
}
void same(Complex a, Complex b, const std::string& what) {
  EXPECT_LE(std::abs(a - b), 1e-12 * std::max(std::abs(a), std::abs(b))) << what;
}
void same(const Terminal& a, const Terminal& b, const std::string& what) {
  EXPECT_EQ(a.bus, b.bus) << what;
  EXPECT_EQ(a.nodes, b.nodes) << what;
  EXPECT_EQ(a.open, b.open) << what;
}
void same(const std::optional<Terminal>& a, const std::optional<Terminal>& b, const std::string& what) {
  ASSERT_EQ(a.has_value(), b.has_value()) << what;
  if (a) same(*a, *b, what);
}
void same(const std::vector<double>& a, const std::vector<double>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) same(a[i], b[i], what);
}
/// The number of a phase counts only where one phase is selected.
void same_phase(PhaseSelection one, int phase_one, PhaseSelection two, int phase_two, const std::string& what) {
  EXPECT_EQ(one, two) << what;
  if (one == PhaseSelection::one) {
    EXPECT_EQ(phase_one, phase_two) << what;
  }
}
template <class Device>
void same_device(const Device& a, const Device& b) {
  if constexpr (requires { a.shapes; }) {
    EXPECT_EQ(a.shapes.daily, b.shapes.daily) << a.name;
    EXPECT_EQ(a.shapes.yearly, b.shapes.yearly) << a.name;
    EXPECT_EQ(a.shapes.duty, b.shapes.duty) << a.name;
  }
  EXPECT_EQ(a.name, b.name);
  same(a.terminal, b.terminal, a.name);
  EXPECT_EQ(a.phases, b.phases) << a.name;
  EXPECT_EQ(a.connection, b.connection) << a.name;
  same(a.rated_voltage, b.rated_voltage, a.name);
}

/// Every field of every element but where it was defined.
void expect_same(const NetworkData& a, const NetworkData& b) {
  EXPECT_EQ(a.name, b.name);
  same(a.frequency, b.frequency, "frequency");
  ASSERT_EQ(a.voltage_bases.size(), b.voltage_bases.size());
  for (std::size_t i = 0; i < a.voltage_bases.size(); ++i) same(a.voltage_bases[i], b.voltage_bases[i], "voltage base");
  ASSERT_EQ(a.buses.size(), b.buses.size());
  for (std::size_t i = 0; i < a.buses.size(); ++i) {
    EXPECT_EQ(a.buses[i].name, b.buses[i].name);
    EXPECT_EQ(a.buses[i].position, b.buses[i].position) << a.buses[i].name;
    EXPECT_EQ(a.buses[i].nominal_voltage, b.buses[i].nominal_voltage) << a.buses[i].name;
  }
  ASSERT_EQ(a.sources.size(), b.sources.size());
  for (std::size_t i = 0; i < a.sources.size(); ++i) {
    const auto &one = a.sources[i], &two = b.sources[i];
    EXPECT_EQ(one.name, two.name);
    same(one.terminal, two.terminal, one.name);
    same(one.voltage_base, two.voltage_base, one.name);
    same(one.voltage_pu, two.voltage_pu, one.name);
    same(one.angle_deg, two.angle_deg, one.name);
    same(one.z1, two.z1, one.name);
    same(one.z0, two.z0, one.name);
  }
  ASSERT_EQ(a.lines.size(), b.lines.size());
  for (std::size_t i = 0; i < a.lines.size(); ++i) {
    const auto &one = a.lines[i], &two = b.lines[i];
    EXPECT_EQ(one.name, two.name);
    same(one.from, two.from, one.name);
    same(one.to, two.to, one.name);
    ASSERT_EQ(one.series_impedance.rows(), two.series_impedance.rows());
    const double z = one.series_impedance.cwiseAbs().maxCoeff(), y = one.shunt_susceptance.cwiseAbs().maxCoeff();
    EXPECT_LE((one.series_impedance - two.series_impedance).cwiseAbs().maxCoeff(), 1e-12 * z) << one.name;
    EXPECT_LE((one.shunt_susceptance - two.shunt_susceptance).cwiseAbs().maxCoeff(), 1e-12 * y) << one.name;
    EXPECT_EQ(one.ratio, two.ratio) << one.name;
    same(one.rating, two.rating, one.name);
    same(one.length, two.length, one.name);
    EXPECT_EQ(one.is_switch, two.is_switch) << one.name;
    EXPECT_EQ(one.closed, two.closed) << one.name;
  }
  ASSERT_EQ(a.transformers.size(), b.transformers.size());
  for (std::size_t i = 0; i < a.transformers.size(); ++i) {
    const auto &one = a.transformers[i], &two = b.transformers[i];
    EXPECT_EQ(one.name, two.name);
    EXPECT_EQ(one.bank, two.bank);
    EXPECT_EQ(one.phases, two.phases);
    ASSERT_EQ(one.windings.size(), two.windings.size());
    for (std::size_t w = 0; w < one.windings.size(); ++w) {
      const auto &x = one.windings[w], &y = two.windings[w];
      same(x.terminal, y.terminal, one.name);
      EXPECT_EQ(x.connection, y.connection);
      same(x.rated_voltage, y.rated_voltage, one.name);
      same(x.rated_power, y.rated_power, one.name);
      same(x.resistance_pu, y.resistance_pu, one.name);
      same(x.tap, y.tap, one.name);
      same(x.min_tap, y.min_tap, one.name);
      same(x.max_tap, y.max_tap, one.name);
      EXPECT_EQ(x.num_taps, y.num_taps);
      ASSERT_EQ(x.neutral_impedance.has_value(), y.neutral_impedance.has_value()) << one.name;
      if (x.neutral_impedance) same(*x.neutral_impedance, *y.neutral_impedance, one.name);
    }
    ASSERT_EQ(one.reactance_pu.size(), two.reactance_pu.size());
    for (std::size_t x = 0; x < one.reactance_pu.size(); ++x) same(one.reactance_pu[x], two.reactance_pu[x], one.name);
    same(one.no_load_loss_pu, two.no_load_loss_pu, one.name);
    same(one.magnetising_current_pu, two.magnetising_current_pu, one.name);
    same(one.antifloat_ppm, two.antifloat_ppm, one.name);
    EXPECT_EQ(one.lag_leads, two.lag_leads);
    same(one.rating, two.rating, one.name);
  }
  ASSERT_EQ(a.loads.size(), b.loads.size());
  for (std::size_t i = 0; i < a.loads.size(); ++i) {
    const auto &one = a.loads[i], &two = b.loads[i];
    same_device(one, two);
    same(one.power, two.power, one.name);
    EXPECT_EQ(one.model, two.model);
    same(one.vmin_pu, two.vmin_pu, one.name);
    same(one.vmax_pu, two.vmax_pu, one.name);
    same(one.vlow_pu, two.vlow_pu, one.name);
    same(one.exponent_p, two.exponent_p, one.name);
    same(one.exponent_q, two.exponent_q, one.name);
    for (std::size_t z = 0; z < one.zip.size(); ++z) same(one.zip[z], two.zip[z], one.name);
    EXPECT_EQ(one.fixed, two.fixed) << one.name;
  }
  ASSERT_EQ(a.capacitors.size(), b.capacitors.size());
  for (std::size_t i = 0; i < a.capacitors.size(); ++i) {
    const auto &one = a.capacitors[i], &two = b.capacitors[i];
    same_device(one, two);
    same(one.to, two.to, one.name);
    EXPECT_EQ(one.states, two.states) << one.name;
    ASSERT_EQ(one.step_power.size(), two.step_power.size());
    for (std::size_t s = 0; s < one.step_power.size(); ++s) same(one.step_power[s], two.step_power[s], one.name);
  }
  ASSERT_EQ(a.reactors.size(), b.reactors.size());
  for (std::size_t i = 0; i < a.reactors.size(); ++i) {
    const auto &one = a.reactors[i], &two = b.reactors[i];
    EXPECT_EQ(one.name, two.name);
    same(one.terminal, two.terminal, one.name);
    same(one.to, two.to, one.name);
    EXPECT_EQ(one.phases, two.phases);
    EXPECT_EQ(one.connection, two.connection);
    same(one.impedance, two.impedance, one.name);
  }
  ASSERT_EQ(a.regulators.size(), b.regulators.size());
  for (std::size_t i = 0; i < a.regulators.size(); ++i) {
    const auto &one = a.regulators[i], &two = b.regulators[i];
    EXPECT_EQ(one.name, two.name);
    EXPECT_EQ(one.transformer, two.transformer);
    EXPECT_EQ(one.winding, two.winding);
    for (const auto member : {&RegulatorData::setpoint, &RegulatorData::band, &RegulatorData::pt_ratio, &RegulatorData::ct_rating,
                              &RegulatorData::r, &RegulatorData::x, &RegulatorData::delay, &RegulatorData::tap_delay,
                              &RegulatorData::voltage_limit, &RegulatorData::remote_pt_ratio}) {
      same(one.*member, two.*member, one.name);
    }
    EXPECT_EQ(one.max_tap_change, two.max_tap_change);
    EXPECT_EQ(one.inverse_time, two.inverse_time);
    same_phase(one.pt_selection, one.pt_phase, two.pt_selection, two.pt_phase, one.name);
    same(one.remote, two.remote, one.name);
  }
  ASSERT_EQ(a.capacitor_controls.size(), b.capacitor_controls.size());
  for (std::size_t i = 0; i < a.capacitor_controls.size(); ++i) {
    const auto &one = a.capacitor_controls[i], &two = b.capacitor_controls[i];
    EXPECT_EQ(one.name, two.name);
    EXPECT_EQ(one.capacitor, two.capacitor);
    EXPECT_EQ(one.monitored.kind, two.monitored.kind);
    EXPECT_EQ(one.monitored.name, two.monitored.name);
    EXPECT_EQ(one.monitored.terminal, two.monitored.terminal);
    EXPECT_EQ(one.kind, two.kind);
    using Data = CapacitorControlData;
    for (const auto member : {&Data::on_setting, &Data::off_setting, &Data::pt_ratio, &Data::ct_ratio, &Data::v_max, &Data::v_min,
                              &Data::delay, &Data::delay_off, &Data::dead_time, &Data::min_reactive_share}) {
      same(one.*member, two.*member, one.name);
    }
    same_phase(one.pt_selection, one.pt_phase, two.pt_selection, two.pt_phase, one.name);
    same_phase(one.ct_selection, one.ct_phase, two.ct_selection, two.ct_phase, one.name);
    EXPECT_EQ(one.voltage_override, two.voltage_override);
    same(one.voltage_bus, two.voltage_bus, one.name);
  }
  ASSERT_EQ(a.inverter_controls.size(), b.inverter_controls.size());
  for (std::size_t i = 0; i < a.inverter_controls.size(); ++i) {
    const auto &one = a.inverter_controls[i], &two = b.inverter_controls[i];
    EXPECT_EQ(one.name, two.name);
    EXPECT_EQ(one.solar, two.solar);
    EXPECT_EQ(one.batteries, two.batteries);
    EXPECT_EQ(one.volt_var, two.volt_var);
    EXPECT_EQ(one.volt_watt, two.volt_watt);
    EXPECT_EQ(one.reactive_base, two.reactive_base);
    EXPECT_EQ(one.active_base, two.active_base);
    same_phase(one.selection, one.phase, two.selection, two.phase, one.name);
  }
  ASSERT_EQ(a.generators.size(), b.generators.size());
  for (std::size_t i = 0; i < a.generators.size(); ++i) {
    const auto &one = a.generators[i], &two = b.generators[i];
    same_device(one, two);
    same(one.power, two.power, one.name);
    ASSERT_EQ(one.voltage_setpoint_pu.has_value(), two.voltage_setpoint_pu.has_value()) << one.name;
    if (one.voltage_setpoint_pu) same(*one.voltage_setpoint_pu, *two.voltage_setpoint_pu, one.name);
    same(one.min_reactive, two.min_reactive, one.name);
    same(one.max_reactive, two.max_reactive, one.name);
  }
  ASSERT_EQ(a.load_shapes.size(), b.load_shapes.size());
  for (std::size_t i = 0; i < a.load_shapes.size(); ++i) {
    const auto &one = a.load_shapes[i], &two = b.load_shapes[i];
    EXPECT_EQ(one.name, two.name);
    same(one.interval, two.interval, one.name);
    same(one.times, two.times, one.name);
    same(one.active, two.active, one.name);
    same(one.reactive, two.reactive, one.name);
    EXPECT_EQ(one.use_actual, two.use_actual);
    same(one.active_base, two.active_base, one.name);
    same(one.reactive_base, two.reactive_base, one.name);
  }
  ASSERT_EQ(a.solar.size(), b.solar.size());
  for (std::size_t i = 0; i < a.solar.size(); ++i) {
    same_device(a.solar[i], b.solar[i]);
    same(a.solar[i].capacity, b.solar[i].capacity, "capacity");
    same(a.solar[i].inverter_rating, b.solar[i].inverter_rating, "rating");
    same(a.solar[i].efficiency, b.solar[i].efficiency, "efficiency");
    same(a.solar[i].panel_area, b.solar[i].panel_area, "panel area");
    same(a.solar[i].power, b.solar[i].power, a.solar[i].name);
  }
  ASSERT_EQ(a.wind.size(), b.wind.size());
  for (std::size_t i = 0; i < a.wind.size(); ++i) {
    same_device(a.wind[i], b.wind[i]);
    for (const auto member : {&WindTurbineData::capacity, &WindTurbineData::inverter_rating, &WindTurbineData::cut_in_speed,
                              &WindTurbineData::rated_speed, &WindTurbineData::cut_out_speed}) {
      same(a.wind[i].*member, b.wind[i].*member, a.wind[i].name);
    }
  }
  ASSERT_EQ(a.batteries.size(), b.batteries.size());
  for (std::size_t i = 0; i < a.batteries.size(); ++i) {
    same_device(a.batteries[i], b.batteries[i]);
    same(a.batteries[i].power, b.batteries[i].power, a.batteries[i].name);
    for (const auto member :
         {&BatteryData::capacity_wh, &BatteryData::power_rating, &BatteryData::inverter_rating, &BatteryData::charge_efficiency,
          &BatteryData::discharge_efficiency, &BatteryData::idling_loss, &BatteryData::initial_soc, &BatteryData::min_soc}) {
      same(a.batteries[i].*member, b.batteries[i].*member, a.batteries[i].name);
    }
  }
}

/// Every element type, connection, matrix shape and load model.
const std::string everything = R"(
set defaultbasefrequency=50
new circuit.all basekv=20 pu=1.03 angle=-30 mvasc3=300 mvasc1=250 bus1=head
new loadshape.shop npts=4 interval=0.25 mult=[0.3 0.7 1 0.1] qmult=[0.2 0.4 1.1 0.3] pbase=3 qbase=7
new loadshape.measured npts=3 hour=[0 1.5 7] mult=[10 20 33.3] useactual=yes pbase=40
new loadshape.unused npts=2 sinterval=7 mult=[1 -1]
new vsource.second bus1=far basekv=20 pu=1.01 r1=0.3 x1=2 r0=0.4 x0=3
new transformer.three phases=3 windings=3 buses=[head mid.1.2.3.4 low] conns=[delta wye wye] kvs=[20 10 0.4] kvas=[4000 4000 900] %rs=[0.4 0.5 0.7]
~ xhl=6 xht=9.5 xlt=4.25 %noloadloss=0.13 %imag=0.7 ppm_antifloat=2.5 leadlag=lead normhkva=4400 wdg=2 tap=1.0125 mintap=0.85 maxtap=1.15 numtaps=24
~ wdg=2 rneut=1.5 xneut=0.25
new transformer.open1 phases=1 windings=2 buses=[mid.1.2 open.1.2] conns=[delta delta] kvs=[10 0.48] kvas=[50 50] bank=vee xhl=2.3
new transformer.open2 phases=1 windings=2 buses=[mid.2.3 open.2.3] conns=[delta delta] kvs=[10 0.48] kvas=[50 50] bank=vee xhl=2.3
new transformer.split phases=1 windings=3 buses=[mid.1.0 house.1.0 house.0.2] kvs=[5.7735 0.12 0.12] kvas=[25 25 25] conns=[wye wye wye] xhl=2 xht=2 xlt=1.3
new transformer.four phases=1 windings=4 buses=[mid.2.0 q1.1 q2.1 q3.1] kvs=[5.7735 1 1 0.5] kvas=[100 50 30 20] xscarray=[1 2 3 4 5 6]
new linecode.two nphases=2 units=km rmatrix=[0.41 | 0.11 0.43] xmatrix=[0.9 | 0.31 0.87] cmatrix=[9 | -2 8.5] normamps=111
new line.matrix phases=2 linecode=two bus1=mid.3.1 bus2=two.3.1 length=1.7 units=mi
new line.sequence bus1=mid bus2=end r1=0.21 x1=0.33 r0=0.5 x0=1.3 c1=10 c0=5 length=3.21
new line.join bus1=head bus2=far r1=1 x1=3 length=10
new line.switch bus1=end bus2=tail switch=yes
new line.tie bus1=tail bus2=mid switch=yes
new load.one phases=1 bus1=two.3 kv=5.7735 kw=-3.3 kvar=1.1 model=1 vminpu=0.9 vmaxpu=1.1 vlowpu=0.4 daily=shop
new load.delta phases=3 bus1=end conn=delta kv=10 kw=100 pf=-0.9 model=2
new load.pair phases=1 bus1=end.2.3 conn=delta kv=10 kw=20 kvar=7 model=5
new load.zip phases=3 bus1=tail.3.1.2 kv=10 kw=50 kvar=20 model=8 zipv=[0.1 0.2 0.7 0.3 0.3 0.4 0.62]
new load.cvr phases=2 bus1=house.1.2 kv=0.208 kw=3 kvar=1 model=4 cvrwatts=0.7 cvrvars=1.9
new load.star phases=3 bus1=end.1.2.3.7 kv=10 kw=9 kvar=3 model=3 rneut=10
new load.fixed phases=3 bus1=end kv=10 kw=9 kvar=3 model=6 status=fixed yearly=measured duty=shop
new load.exempt phases=3 bus1=end kv=10 kw=9 kvar=3 model=7 status=exempt daily=default
new load.grown phases=3 bus1=end kv=10 kw=9 kvar=3 model=6
new generator.one phases=1 bus1=two.3 kv=5.7735 kw=4 kvar=1 model=5 duty=shop
new generator.two phases=3 bus1=end kv=10 conn=delta kw=4 pf=0.9 model=7 vminpu=0.8
new generator.held phases=3 bus1=machine kv=10 kw=40 kvar=-7 model=3 vpu=1.015 maxkvar=30 minkvar=-20
new line.machine bus1=tail bus2=machine length=2
new capacitor.bank phases=3 bus1=end kv=10 numsteps=3 kvar=[100 200 50] states=[1 0 1]
new capacitor.delta phases=3 conn=delta bus1=tail kv=10 kvar=75
new capacitor.series phases=1 bus1=two.1 bus2=mid.1 kv=5 kvar=900
new reactor.shunt phases=3 bus1=tail kv=10 kvar=30
new reactor.series phases=3 bus1=tail bus2=last r=0.1 x=1.7
new reactor.lossy phases=3 bus1=tail conn=delta kv=10 kvar=30 rp=1e5
new reactor.resistor phases=1 bus1=two.1 r=20000 x=0
new load.last phases=3 bus1=last kv=10 kw=4 kvar=1
new load.open phases=3 bus1=open conn=delta kv=0.48 kw=4 kvar=1
new regcontrol.reg transformer=three winding=2 vreg=118.5 band=1.5 ptratio=48 ctprim=222 r=1.25 x=2.5 delay=45 tapdelay=3 maxtapchange=2 ptphase=3 bus=end.3.1.2
~ remoteptratio=51 vlimit=121.5 inversetime=yes
new regcontrol.highest transformer=three winding=2 ptratio=40 ptphase=max reversible=yes revvreg=117 revband=2.5 revr=1 revx=2 revthreshold=70 revdelay=33
new regcontrol.lowest transformer=three winding=3 tapwinding=2 ptphase=min cogen=yes revneutral=yes ldc_z=4 rev_z=5
new capcontrol.amps capacitor=bank element=line.join terminal=2 type=current ctratio=70 ptratio=80 on=310 off=190 ctphase=2 delay=7
new capcontrol.volts capacitor=delta element=transformer.three terminal=3 type=voltage on=117 off=124 ptphase=min delayoff=8 deadtime=9
new capcontrol.vars capacitor=bank element=load.fixed type=kvar on=150 off=-225 voltoverride=yes vmin=112 vmax=127 vbus=tail ctphase=max
new capcontrol.clock capacitor=bank element=pvsystem.pv type=time on=6.5 off=20.25 ptphase=avg
new capcontrol.factor capacitor=bank element=storage.cell type=pf on=0.95 off=-0.99 pctminkvar=35 ctphase=avg
new xycurve.vv npts=4 xarray=[0.5 0.95 1.05 1.5] yarray=[1 1 -1 -1]
new xycurve.vw npts=3 xarray=[1 1.03 1.1] yarray=[1 1 0.1]
new invcontrol.both derlist=[pvsystem.pv storage.cell] combimode=vv_vw vvc_curve1=vv voltwatt_curve=vw voltwattyaxis=kvaratingpu monvoltagecalc=2
new invcontrol.vars derlist=[pvsystem.evening] mode=voltvar vvc_curve1=vv refreactivepower=varmax monvoltagecalc=max
new invcontrol.watts derlist=[storage.full storage.empty] mode=voltwatt voltwatt_curve=vw voltwattyaxis=pavailablepu
new pvsystem.pv phases=1 bus1=two.1 kv=5.7735 pmpp=12 %pmpp=80 kva=13 daily=shop yearly=default duty=measured
new pvsystem.evening phases=3 bus1=end kv=10 pmpp=100 kva=90 irradiance=0.1 kvar=-44
new pvsystem.cut phases=3 bus1=end kv=10 pmpp=100 kva=90 pf=0.8
new pvsystem.dim phases=3 bus1=end kv=10 pmpp=100 kva=90 irradiance=0.37 pf=-0.9 effcurve=vw p-tcurve=vw temperature=1.02
new windgen.wind phases=3 bus1=tail conn=delta kv=10 kw=75 kva=80 vcutin=2.5 vcutout=24 rad=9 daily=shop
new storage.cell phases=3 bus1=end kv=10 kwrated=40 kwhrated=90 kva=44 %stored=35 %reserve=15 %effcharge=94 %effdischarge=91 %idlingkw=0.7 yearly=shop
new storage.full phases=3 bus1=end kv=10 kwrated=40 kwhrated=90 kw=17 kvar=5
new storage.empty phases=1 bus1=end.1 kv=5.7735 kwrated=40 kwhrated=90 %stored=20 kva=30 state=charging pf=0.95
new storage.still phases=1 bus1=end.1 kv=5.7735 kwrated=40 kwhrated=90 state=discharging %discharge=0
open line.tie
open transformer.three 3 2
set loadmult=1.7
set genmult=0.6
set voltagebases=[20 10 0.48 0.4]
)";

TEST(OpenDssWriter, ReadsBackToTheSameNetwork) {
  const auto network = test::script(everything);
  expect_same(network->data(), through_script(*network, initial_state(*network)));
}

TEST(OpenDssWriter, WritesTheStateInsteadOfWhatTheDataStartsFrom) {
  const auto network = test::script(everything);
  GridState state = initial_state(*network);
  state.taps[0][1] = 0.975;
  state.capacitors[0] = {0, 1, 1};
  for (std::size_t l = 0; l < state.closed.size(); ++l) {
    if (network->data().lines[l].is_switch) state.closed[l] = !state.closed[l];
  }
  const auto again = make_network(through_script(*network, state));
  const GridState read = initial_state(*again);
  EXPECT_EQ(read.taps, state.taps);
  EXPECT_EQ(read.capacitors, state.capacitors);
  EXPECT_EQ(read.closed, state.closed);
}

class EveryFeeder : public testing::TestWithParam<const char*> {};
TEST_P(EveryFeeder, ReadsBackToTheSameNetwork) {
  const auto network = test::feeder(GetParam());
  expect_same(network->data(), through_script(*network, initial_state(*network)));
}
INSTANTIATE_TEST_SUITE_P(Own, EveryFeeder,
                         testing::Values("ieee13", "ieee34", "ieee37", "ieee123", "ieee13_der", "ieee34_der", "ieee37_der", "ieee123_der"),
                         [](const auto& info) { return std::string(info.param); });

/// A feeder of thousands of nodes, where a collection of them stands beside the checkout.
TEST(OpenDssWriter, ReadsBackALargeFeeder) {
  const auto script = std::filesystem::path(GRIDFED_SOURCE_DIR) / "../shared/reference/feeders/8500-Node/network/Master.dss";
  if (!std::filesystem::exists(script)) GTEST_SKIP() << "no " << script.string();
  const auto network = make_network(read_feeder(script));
  expect_same(network->data(), through_script(*network, initial_state(*network)));
}

TEST(OpenDssWriter, KeepsCoordinates) {
  NetworkData data = test::script_data(everything);
  data.buses[0].position = {{3.5, -2}};
  const auto network = make_network(data);
  EXPECT_EQ(through_script(*network, initial_state(*network)).buses[0].position, data.buses[0].position);
}

/// It comes back as what a script can say: a load of negative power at any voltage.
TEST(OpenDssWriter, WritesAGeneratorThatHoldsNoVoltageAsSuch) {
  NetworkData data = test::script_data(everything);
  data.generators[0].voltage_setpoint_pu.reset();
  const auto network = make_network(data);
  const NetworkData back = through_script(*network, initial_state(*network));
  EXPECT_TRUE(back.generators.empty());
  EXPECT_EQ(back.loads.back().name, "held");
  EXPECT_EQ(back.loads.back().power, Complex(-24e3, 7e3));
  EXPECT_LE(back.loads.back().vmin_pu, 0.001);
  EXPECT_GE(back.loads.back().vmax_pu, 1000);
  EXPECT_TRUE(back.loads.back().fixed);
}

TEST(OpenDssWriter, RefusesWhatTheLanguageCannotSay) {
  const NetworkData data = test::script_data(everything);
  using Change = void (*)(NetworkData&);
  const std::pair<const char*, Change> cases[] = {
      {"line 'matrix' transforms or shifts voltage",
       [](NetworkData& d) {
         d.lines[0].ratio = {0, 1};
       }},
      {"line 'matrix' has a matrix that is not symmetric", [](NetworkData& d) { d.lines[0].series_impedance(0, 1) *= 1.001; }},
      {"source 'source' is ideal", [](NetworkData& d) { d.sources[0].ideal = true; }},
      {"source 'second' has one phase but two impedances", [](NetworkData& d) { d.sources[1].terminal.nodes = {1}; }},
      {"'two words' cannot be a name in OpenDSS", [](NetworkData& d) { d.loads[0].name = "two words"; }},
      {"'a//b' cannot be a name in OpenDSS", [](NetworkData& d) { d.loads[0].name = "a//b"; }},
      {"'a.b' cannot be the name of a bus", [](NetworkData& d) { d.generators[0].terminal.bus = d.lines[5].to.bus = "a.b"; }},
      {"bus 'head' has a nominal voltage of its own", [](NetworkData& d) { d.buses[0].nominal_voltage = 11e3; }},
      {"neutral impedance of transformer 'three' is -1 + j2 ohm",
       [](NetworkData& d) {
         d.transformers[0].windings[1].neutral_impedance = {-1, 2};
       }},
      {"lower voltage limit of load 'one' is 0", [](NetworkData& d) { d.loads[0].vmin_pu = 0; }},
      {"band of regulator 'reg' is 0", [](NetworkData& d) { d.regulators[0].band = 0; }},
      {"regulator 'reg' measures the average", [](NetworkData& d) { d.regulators[0].pt_selection = PhaseSelection::average; }},
      {"capacitor control 'vars' overrides by the voltage at 'tail.3.1.2'",
       [](NetworkData& d) {
         d.capacitor_controls[2].voltage_bus->nodes = {3, 1, 2};
       }},
      {"inverter control 'vars' controls nothing", [](NetworkData& d) { d.inverter_controls[1].solar.clear(); }},
      {"inverter control 'vars' has no curve", [](NetworkData& d) { d.inverter_controls[1].volt_var.clear(); }},
      {"PVSystem 'pv' has a panel area", [](NetworkData& d) { d.solar[0].panel_area = 3; }},
      {"PVSystem 'pv' consumes power", [](NetworkData& d) { d.solar[0].power = -1; }},
      {"PVSystem 'pv' delivers 14000 VA through an inverter of 13000 VA", [](NetworkData& d) { d.solar[0].power = 14e3; }},
      {"rated speed of WindGen 'wind' is 0", [](NetworkData& d) { d.wind[0].rated_speed = 0; }},
      {"Storage 'empty' delivers 5 W at a charge of 0.2", [](NetworkData& d) { d.batteries[2].power = 5; }},
      {"Storage 'full' delivers -5 W at a charge of 1", [](NetworkData& d) { d.batteries[1].power = -5; }},
      {"generator 'held' holds its voltage with unlimited reactive power",
       [](NetworkData& d) { d.generators[0].max_reactive = std::numeric_limits<double>::infinity(); }},
  };
  for (const auto& [message, change] : cases) {
    NetworkData changed = data;
    change(changed);
    const std::string got = test::error_of([&] {
      const auto network = make_network(changed);
      through_script(*network, initial_state(*network));
    });
    EXPECT_NE(got.find(message), std::string::npos) << "expected '" << message << "', got '" << got << "'";
  }
}

}  // namespace
}  // namespace gridfed
