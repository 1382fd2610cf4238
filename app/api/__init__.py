"""HTTP: parameters in, documents out. Everything known about control lies below."""
