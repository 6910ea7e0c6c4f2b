// Package natstest runs NATS servers in the process of a test: on loopback, silent, with JetStream, and gone once the
// test is over.
//
// Ports come free and are given out again, to other tests and to the processes of other packages. A client whose server
// was stopped keeps looking for it, and may find a stranger's server there; it would take the lease or the messages of a
// test that waits for them in vain. So each server asks for a token of its own, unless the test's options say who may
// come; [Server.URL] has it.
//
// It promises nothing about speed, and a server that is started again may have to wait until its port is free. It is for
// tests alone, and knows no other package.
package natstest
