// Command bench measures edgepurge from end to end: a NATS server, the emulator and one or three workers, real processes
// on loopback, under a load that it publishes itself.
//
// Each scenario starts everything anew in a temporary directory, measures, and gives figures; a run is repeated, and the
// table on stdout has the medians beside what is aimed at. It holds what it measures against nothing but those goals:
// whether edgepurge does its work right is for the tests and e2e/torture to say.
//
//	main -> scenario (limit, backlog, urgent, urgent-refused, raw, polling, memory, takeover, rolling)
//	scenario -> world (programs, taps, load) -> figures -> table
//
// What each figure is, and how to repeat it, is in docs/performance.md.
package main
