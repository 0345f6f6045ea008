//! A SIR in words: one line a field, what is absent left out.

use core::fmt;

use super::{App, Named, Placed, SiaContent, Sir};

impl fmt::Display for Sir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "client {}", self.client)?;
        writeln!(f, "server {}", self.server)?;
        let said = [
            ("other server", &self.other_server),
            ("number", &self.id),
            ("identity", &self.pui),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                writeln!(f, "{name} {value}")?;
            }
        }
        writeln!(f, "application {}", self.application)?;
        if self.targeted {
            writeln!(f, "targeted")?;
        }
        let placements = [
            ("header", &self.header),
            ("value", &self.value),
            ("body", &self.body),
        ];
        for (place, placed) in placements {
            write_placed(f, place, placed)?;
        }
        match self.devices() {
            Named::Nobody => writeln!(f, "named nobody")?,
            Named::Conflict => writeln!(f, "named differently by the placements")?,
            Named::These(devices) => {
                for device in devices {
                    writeln!(f, "named {device}, {}", device.kind())?;
                }
            }
        }
        match &self.sia {
            SiaContent::Empty => writeln!(f, "no sia content"),
            SiaContent::Binary(sia) => write!(f, "{sia}"),
        }
    }
}

fn write_placed(f: &mut fmt::Formatter<'_>, place: &str, placed: &Placed) -> fmt::Result {
    for device in &placed.devices {
        writeln!(f, "{place} device {device}")?;
    }
    if let Some(ask) = placed.ask {
        writeln!(f, "{place} ask {ask}")?;
    }
    for app in &placed.apps {
        writeln!(f, "{place} app {app}")?;
    }
    Ok(())
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        match &self.name {
            Some(name) => write!(f, " \"{name}\""),
            None => Ok(()),
        }
    }
}
