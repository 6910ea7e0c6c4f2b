package app

// BuildOf makes a Build of what Go wrote into a binary.
var BuildOf = buildOf
