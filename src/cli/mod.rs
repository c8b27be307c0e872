//! The command line: arguments, one file per command, exit codes, progress.
