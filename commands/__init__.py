"""The command line, one verb a file. A verb's module says what its arguments are and is cheap to import."""
