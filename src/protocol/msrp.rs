//! One MSRP session: messages sent and received in chunks, with reports.
