//! The binary body of a SIR.
