"""Random networks as OpenDSS scripts: every transformer connection, load model and way to describe a line, in feeders that could exist.

A network is a tree with loops inside a voltage level. Each bus knows its phases, its line-to-line voltage, whether its level is earthed,
and what it can carry, so that whatever is attached to it fits.
"""

import random
from dataclasses import dataclass
from math import sqrt


@dataclass
class Bus:
    name: str
    phases: tuple  # nodes 1, 2, 3
    kv: float  # line to line
    earthed: bool
    kva: float  # what the level is fed through
    level: int  # buses of one level are joined by lines alone

    def terminal(self, nodes=None):
        return self.name + "".join(f".{n}" for n in (nodes or self.phases))


UNITS = {"mi": 1.609344, "kft": 0.3048, "km": 1.0, "m": 1e-3, "ft": 0.3048e-3}


class RandomNetwork:
    """One network; `script` is its text without any command that solves."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.lines, self.buses, self.levels, self.count = [], [], 0, 0
        self.opened = []  # commands, once everything is there
        self.frequency = self.rng.choice([50, 60])
        self.source_and_substation(seed)
        for _ in range(self.rng.randint(6, 22)):
            self.grow()
        for _ in range(self.rng.choice([0, 0, 1, 3])):
            self.close_loop()
        for bus in self.buses[2:]:
            for _ in range(self.rng.choice([0, 1, 1, 2])):
                self.load(bus)
        for add in (self.capacitor, self.reactor, self.generator):
            for _ in range(self.rng.choice([0, 1, 2])):
                add(self.rng.choice(self.buses[1:]))
        if self.rng.random() < 0.3:
            self.held_voltage()
        self.controlled = self.rng.random() < 0.4 and self.capacitor_control()
        for _ in range(self.rng.choice([0, 0, 1, 2])):
            self.open_end()
        bases = sorted({round(b.kv, 6) for b in self.buses}, reverse=True)
        self.write(f"set voltagebases=[{' '.join(str(kv) for kv in bases)}]", "calcvoltagebases", *self.opened)

    @property
    def script(self):
        return "\n".join(self.lines) + "\n"

    # ---- words ----

    def write(self, *lines):
        self.lines.extend(lines)

    def name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def uniform(self, low, high):
        return float(f"{self.rng.uniform(low, high):.5g}")

    def maybe(self, probability, text):
        return text if self.rng.random() < probability else ""

    def shuffled(self, items):
        return self.rng.sample(list(items), len(items))

    def add_bus(self, phases, kv, earthed, kva, level):
        bus = Bus(self.name("b"), tuple(sorted(phases)), kv, earthed, kva, level)
        self.buses.append(bus)
        return bus

    def new_level(self):
        self.levels += 1
        return self.levels

    # ---- the way in ----

    def source_and_substation(self, seed):
        rng = self.rng
        high, kva = rng.choice([(115, 10000), (69, 6000), (33, 4000)])
        # A third of the networks is fed so low or so high that loads leave their range.
        pu = rng.choice([self.uniform(0.97, 1.05)] * 4 + [self.uniform(0.62, 0.93), self.uniform(1.07, 1.2)])
        mva, amperes = self.uniform(300, 20000), self.uniform(3000, 20000)
        single = self.uniform(0.5, 1.2)  # more than 1.5 times the three-phase strength has no zero-sequence impedance
        strength = rng.choice(
            [
                f"mvasc3={mva} mvasc1={mva * single:.6g}",
                f"isc3={amperes} isc1={amperes * single:.6g} x1r1={self.uniform(2, 10)} x0r0={self.uniform(1, 5)}",
                f"r1={self.uniform(0.01, 1)} x1={self.uniform(0.1, 5)} r0={self.uniform(0.01, 2)} x0={self.uniform(0.1, 9)}",
                f"z1=[{self.uniform(0.01, 1)}, {self.uniform(0.1, 5)}] z0=[{self.uniform(0.01, 2)}, {self.uniform(0.1, 9)}]",
            ]
        )
        self.write(
            "clear",
            f"set defaultbasefrequency={self.frequency}",
            f"new circuit.random{seed} bus1=b0 basekv={high} pu={pu} angle={self.uniform(-60, 60)} {strength}",
        )
        self.wires()
        bus = Bus("b0", (1, 2, 3), high, True, kva, self.new_level())
        self.buses.append(bus)
        low = rng.choice([24.9, 12.47, 4.16] if self.frequency == 60 else [20, 10.5, 6.3])
        self.transformer_3(bus, low, kva)

    def wires(self):
        rng = self.rng
        wires = [("acsr", 0.306, 0.0244, 0.721), ("thin", 1.12, 0.00446, 0.398), ("neutral", 0.592, 0.00814, 0.563)]  # ohm/mi, ft, in
        for name, rac, gmr, diam in wires:
            if rng.random() < 0.5:
                self.write(f"new wiredata.{name} rac={rac} runits=mi gmrac={gmr} gmrunits=ft diam={diam} radunits=in normamps=300")
            else:
                self.write(
                    f"new wiredata.{name} rdc={rac / 1.609344 / 1.02:.6g} runits=km gmrac={gmr * 30.48:.6g} gmrunits=cm "
                    f"radius={diam * 12.7:.6g} radunits=mm"
                )
        if rng.random() < 0.3:
            self.write(f"set earthmodel={rng.choice(['carson', 'fullcarson', 'deri'])}")

    # ---- lines ----

    def matrices(self, n, ohms, microfarads):
        """Diagonally dominant symmetric matrices per kilometre, lower triangles."""

        def triangle(own, mutual):
            return " | ".join(
                " ".join(f"{(own if i == j else mutual) * self.rng.uniform(0.9, 1.1):.5f}" for j in range(i + 1)) for i in range(n)
            )

        return (
            f"rmatrix=[{triangle(ohms, 0.3 * ohms)}] xmatrix=[{triangle(2 * ohms, 0.8 * ohms)}] "
            f"cmatrix=[{triangle(1e3 * microfarads, -2e2 * microfarads)}]"
        )

    def sequences(self):
        """Per kilometre."""
        r, x = self.uniform(0.1, 0.8), self.uniform(0.2, 0.5)
        c = self.rng.choice([self.uniform(8, 12), self.uniform(150, 350)])
        words = f"r1={r} x1={x} r0={2.5 * r:.5g} x0={3 * x:.5g}"
        if self.rng.random() < 0.2:
            return words + f" b1={c * 0.314:.5g} b0={c * 0.2:.5g}"
        return words + f" c1={c} c0={0.6 * c:.5g}"

    def line_words(self, n, kilometres, earthed):
        """Everything of a line of n conductors but its name and buses; no switches where rounding would decide, see core()."""
        rng = self.rng
        unit = rng.choice(list(UNITS))
        length = f"length={kilometres / UNITS[unit]:.6g} units={unit}"
        ohms, microfarads = self.uniform(0.15, 0.8), rng.choice([self.uniform(0.005, 0.012), self.uniform(0.15, 0.35)])
        kinds = ["code_matrix", "code_matrix", "matrix", "geometry"]
        if n in (1, 3):
            kinds += ["code", "sequence"] + (["switch"] if earthed else [])
        kind = rng.choice(kinds)
        if kind == "switch":
            return f"phases={n} switch=yes" + self.maybe(0.5, " r1=1e-3 r0=1e-3 x1=1e-4 x0=1e-4 c1=0 c0=0")
        if kind == "sequence":
            return f"phases={n} {self.sequences()} length={kilometres} units=km"
        if kind == "matrix":
            return f"phases={n} {self.matrices(n, ohms, microfarads)} length={kilometres} units=km"
        if kind == "geometry":
            return f"geometry={self.geometry(n)} {length}" + self.maybe(0.3, f" rho={self.uniform(30, 900)}")
        code = self.name("code")
        words = self.sequences() if kind == "code" else self.matrices(n, ohms, microfarads)
        base = self.maybe(0.2, f" basefreq={110 - self.frequency}")
        self.write(f"new linecode.{code} nphases={n}{base} units=km {words}")
        return f"phases={n} linecode={code} {length}"

    def geometry(self, n):
        name = self.name("tower")
        feet = self.rng.random() < 0.5
        scale, unit = (1, "ft") if feet else (0.3048, "m")
        neutral = self.rng.random() < 0.7
        conductors = [(self.rng.choice(["acsr", "thin"]), 2.5 * i, 29.0 + 0.5 * (i % 2)) for i in range(n)]
        if neutral:
            conductors.append(("neutral", 4.0, 25.0))
        words = " ".join(
            f"cond={i + 1} wire={wire} x={x * scale:.6g} h={h * scale:.6g} units={unit}" for i, (wire, x, h) in enumerate(conductors)
        )
        self.write(f"new linegeometry.{name} nconds={len(conductors)} nphases={n} {words} reduce=yes")
        return name

    def line(self, one, two, phases):
        nodes = self.shuffled(phases)
        words = self.line_words(len(nodes), self.uniform(0.05, 2) * min(1, one.kv / 10), one.earthed)
        self.write(f"new line.{self.name('l')} bus1={one.terminal(nodes)} bus2={two.terminal(nodes)} {words}")

    def add_line(self, bus):
        n = len(bus.phases)
        count = self.rng.choice([n, n, n, self.rng.randint(1 if bus.earthed else min(2, n), n)])
        phases = sorted(self.rng.sample(bus.phases, count))
        self.line(bus, self.add_bus(phases, bus.kv, bus.earthed, bus.kva, bus.level), phases)

    def close_loop(self):
        pairs = [(a, b) for a in self.buses for b in self.buses if a.name < b.name and a.level == b.level and a.phases == b.phases]
        if pairs:
            self.line(*(pair := self.rng.choice(pairs)), pair[0].phases)

    # ---- transformers ----

    def core(self, earthed=True):
        """A level that only the antifloat shunt ties to ground gets more of it: one part per million beside the admittance of a short line
        leaves the voltage to ground to rounding, in either engine."""
        return (
            f"xhl={self.uniform(2, 9)}"
            + self.maybe(0.3, f" %noloadloss={self.uniform(0.1, 0.6)} %imag={self.uniform(0.2, 1.5)}")
            + (self.maybe(0.2, f" ppm_antifloat={self.rng.choice([2, 10])}") if earthed else f" ppm_antifloat={self.rng.choice([100, 1000])}")
        )

    def tap(self):
        return self.rng.choice([1, 1, 1, 0.975, 1.025, 1.05, self.uniform(0.9, 1.1)])

    def transformer_3(self, bus, low, kva):
        """Three-phase, two or three windings; a wye may have its neutral floating or earthed through an impedance."""
        rng = self.rng
        one = rng.choice(["wye", "delta"]) if bus.earthed else "delta"
        two = rng.choice(["wye", "wye", "delta"])
        name = self.name("t")
        to = self.add_bus((1, 2, 3), low, two == "wye", kva, self.new_level())
        high_neutral = self.rng.choice([".0", ".0", "", ".4"]) if one == "wye" else ""
        low_neutral, neutral_impedance = "", ""
        if two == "wye" and rng.random() < 0.25:
            low_neutral, neutral_impedance = ".4", f" rneut={self.uniform(0.05, 2)} xneut={self.uniform(0, 2)}"
        third = rng.random() < 0.15
        self.write(
            f"new transformer.{name} phases=3 windings={3 if third else 2} {self.core(two == 'wye' and not third)}"
            + (f" xht={self.uniform(5, 12)} xlt={self.uniform(4, 9)}" if third else "")
            + self.maybe(0.4, f" leadlag={rng.choice(['lead', 'lag', 'ansi', 'euro'])}"),
            f"~ wdg=1 bus={bus.terminal()}{high_neutral} conn={one} kv={bus.kv} kva={kva} %r={self.uniform(0.2, 1)} tap={self.tap()}",
            f"~ wdg=2 bus={to.terminal()}{low_neutral}{neutral_impedance} conn={two} kv={low} kva={kva} %r={self.uniform(0.2, 1)} "
            f"tap={self.tap()}",
        )
        if third:
            conn = rng.choice(["delta", "wye"])
            tertiary = self.add_bus((1, 2, 3), low / 2, conn == "wye", 0.2 * kva, self.new_level())
            self.write(
                f"~ wdg=3 bus={tertiary.terminal()} conn={conn} kv={low / 2} kva={0.5 * kva} %r={self.uniform(0.2, 1)} tap={self.tap()}"
            )
        return to

    def single(self, name, high, low, kvs, conns, kva):
        self.write(
            f"new transformer.{name} phases=1 windings=2 buses=[{high} {low}] conns=[{' '.join(conns)}] kvs=[{kvs[0]:.9g} {kvs[1]:.9g}] "
            f"kvas=[{kva} {kva}] taps=[{self.tap()} {self.tap()}] %rs=[{self.uniform(0.2, 1)} {self.uniform(0.2, 1)}] {self.core(conns[1] == 'wye')}"
        )

    def phase_to_neutral(self, bus, low, kva):
        node = self.rng.choice(bus.phases)
        to = self.add_bus((node,), low, True, kva / 3, self.new_level())
        self.single(self.name("t"), f"{bus.name}.{node}", f"{to.name}.{node}", (bus.kv / sqrt(3), low / sqrt(3)), ("wye", "wye"), kva / 3)

    def phase_to_phase(self, bus, low, kva):
        a, b = self.rng.sample(bus.phases, 2)
        to = self.add_bus((a,), low, True, kva / 3, self.new_level())
        self.single(self.name("t"), f"{bus.name}.{a}.{b}", f"{to.name}.{a}", (bus.kv, low / sqrt(3)), ("delta", "wye"), kva / 3)

    def open_delta(self, bus, low, kva):
        to = self.add_bus((1, 2, 3), low, False, kva / 3, self.new_level())
        for a, b in ((1, 2), (2, 3)):
            self.single(self.name("t"), f"{bus.name}.{a}.{b}", f"{to.name}.{a}.{b}", (bus.kv, low), ("delta", "delta"), kva / 2)

    def open_wye(self, bus, low, kva):
        to = self.add_bus((1, 2, 3), low, False, kva / 3, self.new_level())
        a, b = self.rng.sample(bus.phases, 2)
        for node, ends in ((a, (1, 2)), (b, (2, 3))):
            self.single(
                self.name("t"),
                f"{bus.name}.{node}.0",
                f"{to.name}.{ends[0]}.{ends[1]}",
                (bus.kv / sqrt(3), low),
                ("wye", "delta"),
                kva / 2,
            )

    def centre_tapped(self, bus, low, kva):
        """Two 120 V halves: nodes 1 and 2 are in opposition, so the bus is good for these loads alone."""
        to = Bus(self.name("b"), (1, 2), 0.208, True, kva / 3, self.new_level())
        self.buses.append(to)
        if bus.earthed:
            high, kv, conn = f"{bus.name}.{self.rng.choice(bus.phases)}", bus.kv / sqrt(3), "wye"
        else:
            a, b = self.rng.sample(bus.phases, 2)
            high, kv, conn = f"{bus.name}.{a}.{b}", bus.kv, "delta"
        self.write(
            f"new transformer.{self.name('t')} phases=1 windings=3 buses=[{high} {to.name}.1.0 {to.name}.0.2] conns=[{conn} wye wye] "
            f"kvs=[{kv:.9g} 0.12 0.12] kvas=[{kva / 3:.6g} {kva / 3:.6g} {kva / 3:.6g}] %rs=[0.6 1.2 1.2] "
            f"xhl={self.uniform(1.5, 3)} xht={self.uniform(1.5, 3)} xlt={self.uniform(1, 2)}"
            + self.maybe(0.3, f" %noloadloss={self.uniform(0.1, 0.6)} %imag={self.uniform(0.2, 1.5)}")
        )
        for node in (1, 2):
            self.write(f"new load.{self.name('d')} bus1={to.name}.{node} phases=1 kv=0.12 {self.load_words(kva / 20)}")
        self.write(f"new load.{self.name('d')} bus1={to.name}.1.2 phases=1 kv=0.24 {self.load_words(kva / 20)}")

    def regulator(self, bus):
        """A bank of single-phase regulators at fixed taps: one a phase, or two between phases and a jumper."""
        to = self.add_bus(bus.phases, bus.kv, bus.earthed, bus.kva, bus.level if bus.earthed else self.new_level())
        if bus.earthed:
            to.level = self.new_level()
            for node in bus.phases:
                kv = bus.kv / sqrt(3)
                self.single(self.name("reg"), f"{bus.name}.{node}", f"{to.name}.{node}", (kv, kv), ("wye", "wye"), bus.kva)
        else:
            for a in (1, 3):
                self.single(self.name("reg"), f"{bus.name}.{a}.2", f"{to.name}.{a}.2", (bus.kv, bus.kv), ("delta", "delta"), bus.kva)
            self.write(f"new line.{self.name('l')} bus1={bus.name}.2 bus2={to.name}.2 phases=1 r1=0.01 x1=0 r0=0.01 x0=0 c1=0 c0=0")

    def series_reactor(self, bus):
        to = self.add_bus(bus.phases, bus.kv, bus.earthed, bus.kva, bus.level)
        self.write(
            f"new reactor.{self.name('x')} bus1={bus.terminal()} bus2={to.terminal()} phases={len(bus.phases)} "
            f"r={self.uniform(0.01, 0.1) * bus.kv / 12:.5g} x={self.uniform(0.05, 0.5) * bus.kv / 12:.5g}"
        )

    def grow(self):
        """One more bus behind a random one."""
        rng = self.rng
        split_phase = [b for b in self.buses if b.kv == 0.208]
        bus = rng.choice([b for b in self.buses[1:] if b not in split_phase])
        step_down = bus.kv > 1
        kinds = ["line"] * (8 if step_down else 3)
        if step_down:
            kva = rng.choice([50, 100, 300, 500])
            low = rng.choice([0.48, 0.4, 0.208001, 2.4]) if bus.kv > 4 else 0.4
            if len(bus.phases) == 3:
                kinds += ["three", "three", "open_delta", "regulator", "series_reactor"]
            if bus.earthed:
                kinds += ["neutral", "centre"]
                if len(bus.phases) > 1:
                    kinds += ["open_wye"]
            if len(bus.phases) > 1:
                kinds += ["phases", "centre"]
        kind = rng.choice(kinds)
        if kind == "line":
            self.add_line(bus)
        elif kind in ("regulator", "series_reactor"):
            getattr(self, kind)(bus)
        else:
            make = {
                "three": self.transformer_3,
                "open_delta": self.open_delta,
                "open_wye": self.open_wye,
                "neutral": self.phase_to_neutral,
                "phases": self.phase_to_phase,
                "centre": self.centre_tapped,
            }[kind]
            make(bus, low, kva)

    # ---- what hangs on a bus ----

    def attachment(self, bus):
        """Terminal, phases, connection and rated voltage of something that fits the bus; None where nothing does."""
        if bus.kv == 0.208:
            return None
        if bus.earthed and (len(bus.phases) == 1 or self.rng.random() < 0.6):
            nodes = self.shuffled(bus.phases)[: self.rng.randint(1, len(bus.phases))]
            kv = bus.kv / sqrt(3) if len(nodes) == 1 else bus.kv
            return f"bus1={bus.terminal(nodes)} phases={len(nodes)} conn=wye kv={kv:.9g}"
        if len(bus.phases) == 1:
            return None
        if len(bus.phases) == 3:
            nodes, phases = self.shuffled(bus.phases), self.rng.choice([1, 2, 3, 3])
            return f"bus1={bus.terminal(nodes[:2] if phases == 1 else nodes)} phases={phases} conn=delta kv={bus.kv:.9g}"
        return f"bus1={bus.terminal(self.shuffled(bus.phases))} phases=1 conn=delta kv={bus.kv:.9g}"

    def load_words(self, kw):
        rng = self.rng
        model = rng.randint(1, 8)
        words = f"model={model} kw={kw:.5g} " + rng.choice(
            [f"pf={self.uniform(0.8, 1)}", f"pf={self.uniform(-0.98, -0.9)}", f"kvar={kw * self.uniform(-0.2, 0.6):.5g}"]
        )
        if model == 4:
            words += f" cvrwatts={rng.choice([1, 0.8, 0])} cvrvars={rng.choice([2, 3, 1.5])}"
        if model == 8:
            z, i = self.uniform(0, 0.6), self.uniform(0, 0.4)
            y, k = self.uniform(0, 0.6), self.uniform(0, 0.4)
            words += f" zipv=[{z} {i} {1 - z - i:.9g} {y} {k} {1 - y - k:.9g} {rng.choice([0, 0, 0.5, 0.8])}]"
        return words + self.maybe(0.3, f" vminpu={rng.choice([0.5, 0.7, 0.85, 0.9])}") + self.maybe(0.3, f" vmaxpu={rng.choice([1.1, 1.2])}")

    def load(self, bus):
        where = self.attachment(bus)
        if where:
            kw = bus.kva * self.uniform(0.01, 0.12)
            name = self.name("d")
            if "phases=3 conn=wye" in where and self.rng.random() < 0.15:
                # A neutral on a node of its own, which OpenDSS earths through a reactor alone: rneut moves nothing.
                node = where.split()[0] + ".7"
                self.write(f"new reactor.{self.name('x')} bus1={bus.name}.7 phases=1 r={self.uniform(0.5, 20)} x={self.uniform(0, 5)}")
                where = where.replace(where.split()[0], node) + self.maybe(0.7, f" rneut={self.uniform(0, 20)} xneut={self.uniform(0, 5)}")
            self.write(f"new load.{name} {where} {self.load_words(kw)}")

    def held_voltage(self):
        """A generator that holds a voltage of a strong enough bus, near what it has without it and far from its limits."""
        buses = [b for b in self.buses[1:] if len(b.phases) == 3 and b.earthed and b.kv > 1]
        if buses:
            bus = self.rng.choice(buses)
            kw = 0.1 * bus.kva
            self.write(
                f"new generator.{self.name('g')} bus1={bus.terminal()} phases=3 conn=wye kv={bus.kv} model=3 kw={kw:.5g} "
                f"vpu={self.uniform(0.95, 1.02)} "
                f"maxkvar={50 * kw:.5g} minkvar={-50 * kw:.5g} vminpu=0.5 vmaxpu=1.5"
            )

    def capacitor_control(self):
        """A bank whose steps a controller may move, and whether there is one. A voltage override begins with a step in service: OpenDSS takes
        a bank for closed whatever its steps are."""
        rng = self.rng
        buses = [b for b in self.buses[1:] if len(b.phases) == 3 and b.earthed and b.kv > 1]
        if not buses:
            return False
        bus, name, line = rng.choice(buses), self.name("bank"), self.name("l")
        to = self.add_bus(bus.phases, bus.kv, bus.earthed, bus.kva, bus.level)
        steps = rng.choice([1, 3])
        override = rng.random() < 0.4
        states = [1] * steps if override else rng.choice([[0] * steps, [1] * steps])
        volts = 1e3 * bus.kv / sqrt(3)
        kind = rng.choice(
            [
                f"type=kvar onsetting={self.uniform(0.01, 0.1) * bus.kva:.5g} offsetting={-self.uniform(0.2, 0.4) * bus.kva:.5g}",
                f"type=voltage ptratio={volts / 120:.6g} onsetting={self.uniform(108, 117)} offsetting={self.uniform(124, 132)}",
                f"type=current ctratio=10 onsetting={self.uniform(0.05, 0.5) * bus.kva / bus.kv / 17:.5g} offsetting=0.01",
            ]
        )
        self.write(
            f"new line.{line} bus1={bus.terminal()} bus2={to.terminal()} phases=3 r1=0.2 x1=0.4 r0=0.4 x0=1 c1=0 c0=0 length=0.2",
            f"new load.{self.name('d')} bus1={to.terminal()} phases=3 conn=wye kv={bus.kv} kw={0.1 * bus.kva:.5g} "
            f"kvar={self.uniform(0, 0.1) * bus.kva:.5g}",
            f"new capacitor.{name} bus1={to.terminal()} phases=3 kv={bus.kv} kvar={self.uniform(0.02, 0.2) * bus.kva:.5g} numsteps={steps} "
            f"states=[{' '.join(map(str, states))}]",
            f"new capcontrol.{self.name('k')} capacitor={name} element=line.{line} terminal=1 {kind}"
            + (f" voltoverride=yes vmin=100 vmax={self.uniform(115, 126)} ptratio={volts / 120:.6g}" if override else ""),
        )
        return True

    def open_end(self):
        """A line that leads nowhere, or a transformer beside others, with some of its conductors open."""
        buses = [b for b in self.buses[1:] if b.kv > 1 and b.kv != 0.208]
        if not buses:
            return
        bus = self.rng.choice(buses)
        n = len(bus.phases)
        name = self.name("stub")
        if n == 3 and self.rng.random() < 0.5:
            end = self.name("b")
            conns = "[delta wye]" if self.rng.random() < 0.5 or not bus.earthed else "[wye wye]"
            self.write(
                f"new transformer.{name} phases=3 windings=2 buses=[{bus.terminal()} {end}] conns={conns} kvs=[{bus.kv} 0.4] "
                f"kvas=[200 200] "
                f"xhl={self.uniform(2, 9)} %noloadloss={self.uniform(0.2, 2)} %imag={self.uniform(0.5, 4)}"
            )
            self.opened.append(self.rng.choice([f"open transformer.{name} 2", f"open transformer.{name} 2 {self.rng.randint(1, 4)}"]))
            return
        end = Bus(self.name("b"), bus.phases, bus.kv, bus.earthed, bus.kva, bus.level)
        code = self.name("code")
        self.write(
            f"new linecode.{code} nphases={n} units=km {self.matrices(n, self.uniform(0.15, 0.8), self.uniform(0.15, 0.35))}",
            f"new line.{name} bus1={bus.terminal()} bus2={end.terminal()} phases={n} linecode={code} length={self.uniform(1, 5)} units=km",
        )
        self.opened.append(self.rng.choice([f"open line.{name} 2", f"open line.{name} 2 {self.rng.randint(1, n)}"]))

    def generator(self, bus):
        where = self.attachment(bus)
        # OpenDSS gives a single-phase delta generator outside its voltage range a third of its admittance.
        if where and "phases=1 conn=delta" not in where:
            kw = bus.kva * self.uniform(0.01, 0.1)
            power = self.rng.choice([f"kvar={kw * self.uniform(-0.3, 0.3):.5g}", f"pf={self.rng.choice([1, 0.95, -0.95])}"])
            self.write(f"new generator.{self.name('g')} {where} model=1 kw={kw:.5g} {power}" + self.maybe(0.4, " vminpu=0.8 vmaxpu=1.15"))

    def capacitor(self, bus):
        where = self.attachment(bus)
        if where and "phases=2 conn=delta" not in where:
            kvar = bus.kva * self.uniform(0.01, 0.1)
            # OpenDSS gives a delta bank of several steps more than its power: 600 kvar for kvar=300 numsteps=3.
            steps = self.maybe(0.3, " numsteps=3 states=[1 0 1]") if "wye" in where else ""
            self.write(f"new capacitor.{self.name('c')} {where} kvar={kvar:.5g}{steps}")

    def reactor(self, bus):
        where = self.attachment(bus)
        if where and "phases=2 conn=delta" not in where:
            kvar = bus.kva * self.uniform(0.005, 0.05)
            size = self.rng.choice(
                [
                    f"kvar={kvar:.5g}",
                    f"r={1e3 * bus.kv**2 / kvar:.5g} x={5e2 * bus.kv**2 / kvar:.5g}",
                    f"kvar={kvar:.5g} rp={9e3 * bus.kv**2 / kvar:.5g}",
                ]
            )
            self.write(f"new reactor.{self.name('x')} {where} {size}")
