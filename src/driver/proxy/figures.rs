//! Figures of a running proxy in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the proxy counts; identities are never labels.
#[derive(Debug, Default)]
pub struct Figures {
    /// Requests of clients.
    pub requests: AtomicU64,
    /// Responses that bear what is unread.
    pub stamped: AtomicU64,
    /// Requests refused for what they are.
    pub refused: AtomicU64,
    /// Requests that the site did not answer: not reached, or broken off.
    pub upstream_failed: AtomicU64,
    /// Requests that the site did not answer in time.
    pub upstream_late: AtomicU64,
    /// Connections of clients that are open, tunnels included.
    pub connections: AtomicU64,
    /// Connections for which there was no room.
    pub connections_refused: AtomicU64,
    /// Connections that became tunnels.
    pub tunnels: AtomicU64,
    /// Questions to the gateway.
    pub gateway_asked: AtomicU64,
    /// Those of them that it did not answer as it should.
    pub gateway_failed: AtomicU64,
    /// Questions that were not asked because the gateway failed a moment ago, or too many were open.
    pub gateway_spared: AtomicU64,
}

impl Figures {
    /// All figures.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(1_024);
        for (name, kind, figure) in [
            ("requests_total", "counter", &self.requests),
            ("stamped_total", "counter", &self.stamped),
            ("refused_total", "counter", &self.refused),
            ("upstream_failed_total", "counter", &self.upstream_failed),
            ("upstream_late_total", "counter", &self.upstream_late),
            ("connections_open", "gauge", &self.connections),
            (
                "connections_refused_total",
                "counter",
                &self.connections_refused,
            ),
            ("tunnels_total", "counter", &self.tunnels),
            ("gateway_asked_total", "counter", &self.gateway_asked),
            ("gateway_failed_total", "counter", &self.gateway_failed),
            ("gateway_spared_total", "counter", &self.gateway_spared),
        ] {
            let count = figure.load(Ordering::Relaxed);
            let name = format!("sirgate_proxy_{name}");
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {count}");
        }
        text
    }

    pub(super) fn add(figure: &AtomicU64) {
        figure.fetch_add(1, Ordering::Relaxed);
    }
}
