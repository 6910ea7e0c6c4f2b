// Package proc builds the programs that the torture and the bench start, finds addresses for them, and reads what
// they use of the machine. It starts and ends nothing: those who do have their own reasons to.
package proc
