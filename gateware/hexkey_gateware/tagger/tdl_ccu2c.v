// See `hexkey_gateware.tagger.lowerings`: after synthesis, `chtype -set CCU2C t:TDL_CCU2C`.
(* blackbox, keep *) module TDL_CCU2C(input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
    parameter [15:0] INIT0 = 0, INIT1 = 0; parameter INJECT1_0 = "NO", INJECT1_1 = "NO";
endmodule
