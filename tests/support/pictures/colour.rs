//! Colours by the names that dashboards give them, and those of series that have none: Grafana's `palette-classic`
//! (`packages/grafana-data/src/themes`).

/// By day or by night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// `light` or `dark`.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// For series, one after the other.
const CLASSIC: &[&str] = &[
    "#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0", "#37872D",
    "#FADE2A", "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477", "#B7DBAB", "#F4D598",
    "#70DBED", "#F9BA8F", "#F29191", "#82B5D8", "#E5A8E2", "#AEA2E0",
];

/// The colour of a series.
pub(super) fn classic(index: usize) -> &'static str {
    CLASSIC[index % CLASSIC.len()]
}

/// A named colour. On light ground the darker shades stand for those that can't be read there.
///
/// # Panics
/// If no panel had it so far.
pub(super) fn named(name: &str, theme: Theme) -> &'static str {
    match (name, theme) {
        ("text", _) => "var(--ink)",
        ("transparent", _) => "transparent",
        ("green", Theme::Light) => "#37872D",
        ("green", Theme::Dark) => "#73BF69",
        ("yellow", Theme::Light) => "#CC9D00",
        ("yellow", Theme::Dark) => "#FADE2A",
        ("orange", Theme::Light) => "#E0630A",
        ("orange", Theme::Dark) => "#FF9830",
        ("red", Theme::Light) => "#C4162A",
        ("red", Theme::Dark) => "#F2495C",
        ("blue", Theme::Light) => "#1F60C4",
        ("blue", Theme::Dark) => "#5794F2",
        ("purple", Theme::Light) => "#8F3BB8",
        ("purple", Theme::Dark) => "#B877D9",
        _ => panic!("which colour is {name}?"),
    }
}

/// A share of the scheme `Oranges`, from nothing to everything. Nothing is near to the ground that it lies on.
pub(super) fn orange(share: f64, theme: Theme) -> String {
    // d3-scale-chromatic's, thinned out.
    const OF: [[f64; 3]; 5] = [
        [255.0, 236.0, 217.0],
        [253.0, 208.0, 162.0],
        [253.0, 141.0, 60.0],
        [217.0, 72.0, 1.0],
        [127.0, 39.0, 4.0],
    ];
    let share = if theme == Theme::Dark { 1.0 - share } else { share };
    let at = share.clamp(0.0, 1.0) * (OF.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let mixed = |part: usize| OF[low][part] + (OF[high][part] - OF[low][part]) * at.fract();
    format!("rgb({:.0},{:.0},{:.0})", mixed(0), mixed(1), mixed(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_turned_round_on_dark_ground() {
        assert_eq!(orange(0.0, Theme::Light), "rgb(255,236,217)");
        assert_eq!(orange(0.0, Theme::Dark), orange(1.0, Theme::Light));
        assert_eq!(orange(0.5, Theme::Dark), orange(0.5, Theme::Light));
    }

    #[test]
    fn there_is_always_another_series() {
        assert_eq!(classic(0), classic(CLASSIC.len()));
    }
}
