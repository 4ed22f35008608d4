//! The key boundary: keys, attributes, mechanisms, sealing; no sockets, files or Python.
