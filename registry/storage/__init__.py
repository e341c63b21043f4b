"""Where the bytes are: base.py is the promise, filesystem.py keeps it on a disk, configured.py says which is used."""
