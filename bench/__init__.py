"""Measurements that decisions and figures in the documentation rest on."""
