"""Unit tests of the SDK, one file per room; `flavours`, `clocks`, `answers` and `loopback` hold what they stand on."""
