// See `hexkey_gateware.tagger.lowerings`. For Yosys a black box; after synthesis,
// `chtype -set CARRY4 t:TDL_CARRY4`. Other tools are told to leave the cell alone.
`ifdef YOSYS
(* blackbox, keep *) module TDL_CARRY4(input CI, CYINIT, input [3:0] DI, S, output [3:0] CO); endmodule
`else
module TDL_CARRY4(input CI, CYINIT, input [3:0] DI, S, output [3:0] CO);
    (* DONT_TOUCH = "TRUE" *) CARRY4 cell_of (.CI(CI), .CYINIT(CYINIT), .DI(DI), .S(S), .CO(CO));
endmodule
`endif
