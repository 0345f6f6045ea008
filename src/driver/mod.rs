//! Sockets, clocks and disks around a node.
