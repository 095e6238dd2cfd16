function mpc = case
% A line to a load of 100 MW, and a phase-shifting transformer to an idle bus: see SOURCE.md.
mpc.version = '2';
mpc.baseMVA = 100;
mpc.bus = [
    1 3 0   0 0 0 1 1 0 110 1 1.1 0.9;
    2 1 100 0 0 0 1 1 0 110 1 1.1 0.9;
    3 1 0   0 0 0 1 1 0 20  1 1.1 0.9;
];
mpc.gen = [ 1 0 0 Inf -Inf 1 100 1 Inf 0 ];
mpc.branch = [
    1 2 0    0.1 0 0 0 0 0    0  1;
    2 3 0.01 0.2 0 0 0 0 0.95 30 1;
];
