// Package e2e holds tests of the whole: real NATS servers, the emulator over HTTP, real workers. It has
// no code of its own. With -tags slow the longest tests take all of their cases, with -tags thorough all
// tables of faults, of unknowns, and of writes that fail are gone through.
package e2e
