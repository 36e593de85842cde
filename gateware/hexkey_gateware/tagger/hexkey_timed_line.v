// A delay line by the simulator's time: a tap shows what its input was so many picoseconds before
// the clock's edge. Nothing is delayed in the simulation, so it runs as fast as other logic does.
//
// DELAYS_PS has 16 bits for each tap, tap 0 lowest. With JITTER_PS, each tap's delay is different in
// each snapshot, by so much rms. If DELAYS_FILE is not empty, both are read from that file instead
// ($readmemh: a word for each tap, then the jitter). A tap sees edges that are at least its delay old.
`timescale 1ps / 1ps
module hexkey_timed_line #(
    parameter TAPS = 256,
    parameter [16*TAPS-1:0] DELAYS_PS = 0,
    parameter DELAYS_FILE = "",
    parameter JITTER_PS = 0
) (
    input clk,
    input hit,
    output reg [TAPS-1:0] taps
);
    localparam KEPT = 16;  // edges: more than fit into any line

    reg [15:0] delays[0:TAPS];  // the last one is the jitter
    integer longest, jitter, tap, edges, delay;
    reg [31:0] random;
    reg [63:0] changed_at[0:KEPT-1];
    integer ages[0:KEPT-1];
    reg level, seen;
    reg [TAPS-1:0] next;

    initial begin
        for (tap = 0; tap < TAPS; tap = tap + 1) delays[tap] = DELAYS_PS[16*tap+:16];
        delays[TAPS] = JITTER_PS;
        if (DELAYS_FILE != "") $readmemh(DELAYS_FILE, delays);
        longest = 0;
        for (tap = 0; tap < TAPS; tap = tap + 1) if (delays[tap] > longest) longest = {16'd0, delays[tap]};
        jitter = {16'd0, delays[TAPS]};
        longest = longest + 8 * jitter;
        for (edges = 0; edges < KEPT; edges = edges + 1) changed_at[edges] = 0;
        level = 0;
        taps = 0;
        random = 1;
    end

    // Twelve random bytes have a sum that is nearly normal, by 256 rms around 1530.
    function integer noise(input integer rms);
        integer word, sum;
        begin
            sum = -1530;
            for (word = 0; word < 3; word = word + 1) begin
                random = random ^ random << 13;
                random = random ^ random >> 17;
                random = random ^ random << 5;
                sum = sum + {24'd0, random[7:0]} + {24'd0, random[15:8]};
                sum = sum + {24'd0, random[23:16]} + {24'd0, random[31:24]};
            end
            noise = (sum * rms) / 256;
        end
    endfunction

    always @(hit)
        if (hit !== level) begin
            for (edges = KEPT - 1; edges > 0; edges = edges - 1) changed_at[edges] = changed_at[edges-1];
            changed_at[0] = $time;
            level = hit;
        end

    always @(posedge clk) begin
        if ($time - changed_at[0] > {32'd0, longest}) taps <= {TAPS{level}};
        else begin
            edges = 0;
            while (edges < KEPT && $time - changed_at[edges] <= {32'd0, longest}) begin
                ages[edges] = $time - changed_at[edges];
                edges = edges + 1;
            end
            for (tap = 0; tap < TAPS; tap = tap + 1) begin
                delay = {16'd0, delays[tap]};
                if (jitter != 0) delay = delay + noise(jitter);
                seen = level;
                begin : older
                    integer each;
                    for (each = 0; each < edges; each = each + 1) if (ages[each] < delay) seen = ~seen;
                end
                next[tap] = seen;
            end
            taps <= next;
        end
    end
endmodule
