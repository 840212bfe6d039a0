//! Where a comparison stands: on the page, and in the JSON report.

use crate::comparison::Comparison;

/// The place of a comparison.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Begins every id of its part of the page.
    pub(super) id: String,
    /// Begins every JSON pointer into its report: several comparisons are an array.
    json: String,
    /// Level of its headings.
    pub(super) level: usize,
}

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Without KubeVirt.
    Baseline,
    /// With it.
    Capture,
}

impl Place {
    /// The whole page and the whole report.
    pub(super) fn alone() -> Place {
        Place { id: String::new(), json: String::new(), level: 2 }
    }

    /// One of several, by its position among them. There may be more of them than letters.
    pub(super) fn one_of_many(index: usize) -> Place {
        Place { id: format!("side-{}-", index + 1), json: format!("/{index}"), level: 3 }
    }

    /// The id of something in it.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}{name}", self.id)
    }

    /// A pointer into its report.
    pub(super) fn json(&self, path: &str) -> String {
        format!("{}{path}", self.json)
    }

    /// A pointer into a capture of a side.
    pub(super) fn of_capture(&self, which: Which, capture: usize, path: &str) -> String {
        let side = match which {
            Which::Baseline => "/baseline/measured",
            Which::Capture => "/capture",
        };
        self.json(&format!("{side}/captures/{capture}{path}"))
    }

    /// The same, of the capture whose tables are shown.
    pub(super) fn of_shown(&self, comparison: &Comparison, which: Which, path: &str) -> String {
        let captures = match which {
            Which::Baseline => comparison.measured().map_or(0, |side| side.captures.len()),
            Which::Capture => comparison.capture.captures.len(),
        };
        self.of_capture(which, captures.saturating_sub(1), path)
    }
}
