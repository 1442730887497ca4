"""Unit tests of the SDK: one file per room; what a test needs beside it is in `flavours`, `clocks`, `answers` and `loopback`."""
