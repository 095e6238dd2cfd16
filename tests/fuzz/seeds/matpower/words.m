function [baseMVA, bus, gen, branch] = words
%{
block
%}
[PQ, PV] = idx_bus;
baseMVA = 1e2; areas = [1 2]; names = {'it''s'; "b ]"};
bus = [1,3,0,0,0,0,1,1,0,0,1,1,1; 2 1 +1 -.5 ... more
 0 1 1 1 0 11 1 1.1 .9];
gen = [1 0 0 Inf -Inf 1 1 1];
branch = [1 2 0 .1 0 0 0 0 .9 -3 1 ];
return
