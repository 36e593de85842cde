// Plays a file of edges into a channel and writes down its codes and tags, a line each with the time
// of the sampling edge at which they came. Nothing outside has to run in each clock, so a million
// edges are a matter of seconds.
//
// changes.txt: gaps in ps, the first from the beginning, each ended by a change of the input chosen.
// codes.txt, tags.txt: time in ps and code, or ticks before the slot's end. begin.txt: when it began.
`timescale 1ps / 1ps
module tagger_player #(
    parameter CLOCK_PS = 5000
) (
    input rst,
    input go,
    input [1:0] source,
    input write_enable,
    input [9:0] write_code,
    input [9:0] write_fine,
    output reg clk,
    output reg done
);
    localparam SETTLING_CLOCKS = 40;

    initial clk = 0;
    always #(CLOCK_PS / 2) clk = ~clk;
    // The choice of the source passes through this domain.
    reg osc_clk = 0;
    always #(CLOCK_PS * 13 / 11) osc_clk = ~osc_clk;

    reg hit = 0;
    wire code_valid, tag_valid;
    wire [15:0] code, fine;  // wider than any channel's: what is not driven is 0
    tagger_player_channel channel (
        .clk(clk),
        .rst(rst),
        .osc_clk(osc_clk),
        .osc_rst(1'b0),
        .pin(hit & source == 0),
        .oscillator(hit & source == 1),
        .pulser(hit & source == 2),
        .\edge (1'b0),
        .source(source),
        .enable(1'b1),
        .write__enable(write_enable),
        .write__code(write_code),
        .write__fine(write_fine),
        .code__valid(code_valid),
        .code__payload(code),
        .tag__valid(tag_valid),
        .tag__payload(fine)
    );

    integer changes, codes, tags, begin_file;
    reg [63:0] gap;
    initial begin
        done = 0;
        @(posedge go);
        changes = $fopen("changes.txt", "r");
        codes = $fopen("codes.txt", "w");
        tags = $fopen("tags.txt", "w");
        begin_file = $fopen("begin.txt", "w");
        $fwrite(begin_file, "%0d\n", $time);
        $fclose(begin_file);
        while ($fscanf(changes, "%d", gap) == 1) begin
            #(gap) hit = ~hit;
        end
        #(SETTLING_CLOCKS * CLOCK_PS);
        $fclose(codes);
        $fclose(tags);
        done = 1;
    end

    always @(posedge clk)
        if (go & ~done) begin
            if (code_valid) $fwrite(codes, "%0d %0d\n", $time, code);
            if (tag_valid) $fwrite(tags, "%0d %0d\n", $time, fine);
        end
endmodule
