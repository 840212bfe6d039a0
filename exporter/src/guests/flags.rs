//! The flags of the guests.

use std::time::Duration;

use clap::Args;

use super::Settings;
use super::targets::Flag;
use crate::duration::duration;
use crate::scrape_text::Bounds;
use crate::scraper::Limits;

const HEADING: &str = "Inside the VMs";

/// What is read of one answer. A large node_exporter's has 500 KB.
const TEXT: Bounds = Bounds { bytes: 4 << 20, series: 50_000, line: 32 << 10 };

/// An answer is served until this many scrapes after it have failed.
const KEPT_SCRAPES: u32 = 3;

/// What to ask inside of VMs, and how often.
#[derive(Clone, Debug, Args)]
pub struct GuestFlags {
    /// What answers inside of every VM of the node, as node_exporter=9100,edgeAgent=9601,edgeHub=9602 (these ports need
    /// not be given), or of one: NAMESPACE/NAME=node_exporter. A VM can say so itself by the annotation
    /// edgebench.io/guest-targets. Without an API server an address is needed: NAMESPACE/NAME@ADDRESS=node_exporter.
    /// May be given several times.
    #[arg(id = "guest.targets", long = "guest.targets", value_name = "TARGETS", help_heading = HEADING)]
    pub targets: Vec<Flag>,
    /// How often each is asked, whoever scrapes this exporter. An answer is served for three times as long. edgeAgent's
    /// own figures are up to five minutes old.
    #[arg(id = "guest.interval", long = "guest.interval", value_name = "TIME", default_value = "60s", value_parser = duration,
          help_heading = HEADING)]
    pub interval: Duration,
    /// How long an answer may take.
    #[arg(id = "guest.timeout", long = "guest.timeout", value_name = "TIME", default_value = "10s", value_parser = duration,
          help_heading = HEADING)]
    pub timeout: Duration,
}

impl GuestFlags {
    /// For the exporter of this node.
    pub fn settings(&self, node: &str) -> Settings {
        Settings {
            interval: self.interval,
            limits: Limits { time: self.timeout, text: TEXT },
            keep: self.interval * KEPT_SCRAPES + self.timeout,
            node: node.to_owned(),
        }
    }
}
