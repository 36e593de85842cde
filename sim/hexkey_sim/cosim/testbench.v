// The world around the receiver's pins: a laser's trigger, photons from a file, a local clock that
// is a little off, and the host's end of the serial line.
//
// Every rising edge at a pin goes into a log with its time, so that the golden models can be given
// the very same edges. All times are whole picoseconds.
`timescale 1ps/1ps

module testbench #(
    parameter CLOCK_FS = 5_000_100,       // period of the tagger's clock: 5 ns, 20 ppm slow
    parameter PERIOD_PS = 25_000,         // of the source
    parameter JITTER_PS = 8,              // a trigger edge is off by a sum of four from -JITTER to +JITTER
    parameter BIT_PS = 80_000,            // of the serial line
    parameter OSCILLATOR_PS = 6_452
);
    /* verilator public_flat_rw_on */
    // Set from outside.
    reg go = 0;                           // play the file from the next trigger edge on
    reg ready_to_send = 1;                // the host has room
    reg [7:0] to_board [0:65535];
    reg [31:0] to_board_count = 0;        // bytes that were put into to_board, ever

    // Read from outside.
    reg [7:0] from_board [0:65535];
    reg [31:0] from_board_count = 0;
    reg [31:0] to_board_sent = 0;
    reg played = 0;                       // the file is over
    reg [63:0] started_ps = 0;            // the trigger edge that the file counts from
    reg [63:0] framing_errors = 0;
    /* verilator public_off */

    integer log;
    initial log = $fopen("edges.log", "w");

    // ---- clocks: rising edge n of the tagger's clock is at n * CLOCK_FS / 1000 ----------------

    reg fast_clk = 0, sync_clk = 0, osc_clk = 0;
    reg [63:0] n = 0;
    function [63:0] edge_ps(input [63:0] number);
        edge_ps = number * CLOCK_FS / 1000;
    endfunction

    initial begin
        #2500;
        forever begin
            #(edge_ps(n + 1) - edge_ps(n) - 2500) fast_clk = 1;
            n = n + 1;
            #2500 fast_clk = 0;
        end
    end
    initial begin
        #1300;
        forever #(2 * CLOCK_FS / 1000) sync_clk = ~sync_clk;
    end
    initial forever #(OSCILLATOR_PS / 2) osc_clk = ~osc_clk;

    // ---- the source's trigger -----------------------------------------------------------------

    reg trigger = 0, marker = 0, begins = 0;
    reg [63:0] pulse_ps = 100_000, jittered_ps, next_ps;
    integer seed = 7;
    function integer jitter(input integer unused);
        jitter = ($urandom(seed) % (2 * JITTER_PS + 1)) + ($urandom % (2 * JITTER_PS + 1))
               + ($urandom % (2 * JITTER_PS + 1)) + ($urandom % (2 * JITTER_PS + 1)) - 4 * JITTER_PS;
    endfunction

    initial begin
        jittered_ps = pulse_ps + jitter(0);
        #(jittered_ps);
        forever begin
            trigger = 1;
            $fwrite(log, "%0d 4\n", $time);
            if (begins && started_ps == 0) started_ps = jittered_ps;
            begins = go;
            pulse_ps = pulse_ps + PERIOD_PS;
            next_ps = pulse_ps + jitter(0);
            #5000 trigger = 0;
            #(PERIOD_PS / 2 - 5000) marker = begins;  // in the middle of the pulse before the first
            #(next_ps - jittered_ps - PERIOD_PS / 2);
            jittered_ps = next_ps;
        end
    end

    // ---- the photons: a line is a time since the start and the levels of the detectors ----------

    reg [3:0] detectors = 0, levels;
    reg [63:0] at_ps;
    integer file, d;
    initial begin
        file = $fopen("stimulus.txt", "r");
        wait (started_ps != 0);
        while ($fscanf(file, "%d %h\n", at_ps, levels) == 2) begin
            #(started_ps + at_ps - $time);
            for (d = 0; d < 4; d = d + 1)
                if (levels[d] && !detectors[d]) $fwrite(log, "%0d %0d\n", $time, d);
            detectors = levels;
        end
        $fflush(log);
        played = 1;
    end

    // ---- the receiver -------------------------------------------------------------------------

    wire uart_tx;
    wire running /* verilator public_flat_rd */;
    reg uart_rx = 1;
    receiver dut (
        .fast_clk(fast_clk), .fast_rst(1'b0), .clk(sync_clk), .rst(1'b0),
        .osc_clk(osc_clk), .osc_rst(1'b0),
        .pins({trigger, detectors}), .marker(marker),
        .uart_rx(uart_rx), .uart_tx(uart_tx), .ready_to_send(ready_to_send), .running(running)
    );

    // ---- the host's end of the serial line ----------------------------------------------------

    integer bit_in;
    reg [7:0] byte_in;
    initial forever begin
        @(negedge uart_tx);
        #(BIT_PS / 2);
        for (bit_in = 0; bit_in < 8; bit_in = bit_in + 1) begin
            #(BIT_PS) byte_in[bit_in] = uart_tx;
        end
        #(BIT_PS) if (!uart_tx) framing_errors = framing_errors + 1;
        from_board[from_board_count[15:0]] = byte_in;
        from_board_count = from_board_count + 1;
    end

    integer bit_out;
    reg [9:0] byte_out;
    initial forever begin
        #(BIT_PS);
        if (to_board_sent != to_board_count) begin
            byte_out = {1'b1, to_board[to_board_sent[15:0]], 1'b0};
            for (bit_out = 0; bit_out < 10; bit_out = bit_out + 1) begin
                uart_rx = byte_out[bit_out];
                #(BIT_PS);
            end
            to_board_sent = to_board_sent + 1;
        end
    end
endmodule
