// Package canonical has the rules for targets: which are valid, the form in which they are compared and sent, and the
// digest of a request, which follows from these forms. Programs of others use package purge, which speaks for it.
//
// Stored records outlive a version, so there are two sets of rules. A target is always read by the rules under which
// its request was admitted: a job that was sent in one form is compared with EdgeOne's rows in that form.
package canonical
