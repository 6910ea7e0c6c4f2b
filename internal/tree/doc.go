// Package tree reads the files of this module for tests: its Go files and what they import, its
// documents with their blocks and tables, and the policy of imports. Tests of documents and of the
// module's shape use it, whatever their working directory is.
//
// Names of files are relative to the root of the module, with slashes. What can't be read fails the
// test. The package runs nothing and changes nothing.
package tree
