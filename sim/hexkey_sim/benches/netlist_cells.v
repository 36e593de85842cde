// Carry cells that take time: Yosys' own models, and a delay behind each output.
//
// Delays are even numbers of picoseconds, so that an edge at an odd distance from the clock's never
// reaches a flip-flop with it. HEXKEY_CELL_PS is what a cell takes, a multiple of 8.
`timescale 1ps / 1ps

`ifdef HEXKEY_ECP5
module HEXKEY_TIMED_CCU2C #(
    parameter [15:0] INIT0 = 0,
    parameter [15:0] INIT1 = 0,
    parameter INJECT1_0 = "NO",
    parameter INJECT1_1 = "NO"
) (
    input CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output S0, S1, COUT
);
    wire s0, s1, carry;
    CCU2C #(
        .INIT0(INIT0),
        .INIT1(INIT1),
        .INJECT1_0(INJECT1_0),
        .INJECT1_1(INJECT1_1)
    ) instance_of (
        .CIN(CIN), .A0(A0), .B0(B0), .C0(C0), .D0(D0), .A1(A1), .B1(B1), .C1(C1), .D1(D1),
        .S0(s0), .S1(s1), .COUT(carry)
    );
    assign #2 S0 = s0;
    assign #(`HEXKEY_CELL_PS / 2 + 2) S1 = s1;
    assign #(`HEXKEY_CELL_PS) COUT = carry;
endmodule
`endif

`ifdef HEXKEY_XILINX7
module HEXKEY_TIMED_CARRY4 (
    input CI, CYINIT,
    input [3:0] DI, S,
    output [3:0] CO
);
    wire [3:0] carries;
    CARRY4 instance_of (.CI(CI), .CYINIT(CYINIT), .DI(DI), .S(S), .CO(carries));
    assign #(`HEXKEY_CELL_PS / 4) CO[0] = carries[0];
    assign #(`HEXKEY_CELL_PS / 2) CO[1] = carries[1];
    assign #(`HEXKEY_CELL_PS * 3 / 4) CO[2] = carries[2];
    assign #(`HEXKEY_CELL_PS) CO[3] = carries[3];
endmodule
`endif
