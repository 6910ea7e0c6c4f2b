// Command torture loads real processes, makes life hard for them, and then proves from outside that nothing was lost.
//
// It starts one NATS server or a cluster of three, the emulator and three workers, all on loopback, and publishes
// requests of every sort at some 80 a second. Meanwhile it follows a schedule of faults: processes are killed, stopped
// and drained, connections cut, the API goes away, loses answers or throttles, the broker's disk is full. Load and
// schedule follow from the seed alone. Then all faults are lifted, and when everything is quiet a checker reads what was
// logged on the way: what the broker acknowledged, what arrived at the API, which events are stored, which rows the
// emulator has. It knows none of the program's packages but purge, the public vocabulary.
//
//	schedule, load  what is to happen; pure
//	plan of a run:  world (processes, links, api) <- inject (schedule), feed (load)
//	afterwards:     quiet, collect -> files -> check
//
// It ends with one line on stdout and exit code 0, or 1 when something is wrong; then its directory is kept, and
// -check reads it again. What the invariants mean is in docs/invariants.md, how to read a failure in docs/torture.md.
package main
