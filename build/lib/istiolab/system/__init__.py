"""The only room that touches the machine: processes, files, waiting, progress."""
