// Package e2e holds tests of the whole: real NATS servers, the emulator over HTTP, real workers. It has
// no code of its own.
package e2e
