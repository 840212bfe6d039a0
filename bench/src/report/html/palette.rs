//! The colours of the page, on paper and in the dark.
//!
//! WCAG 2.2 asks for a contrast of 4.5 between text and what it stands on (1.4.3) and of 3 between the parts of a plot
//! and theirs (1.4.11), level AA: a test holds every colour to it. Nothing is said by colour alone: every mark has its
//! name beside it, and the two sides of a comparison differ in being filled or hollow.

use std::fmt::Write;

/// What a colour is for, and so what contrast it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// What everything stands on.
    Ground,
    /// Text.
    Text,
    /// Marks of a plot.
    Mark,
    /// Lines that nobody needs to see.
    Ornament,
}

struct Colour {
    name: &'static str,
    used: Use,
    light: u32,
    dark: u32,
}

const fn colour(name: &'static str, used: Use, light: u32, dark: u32) -> Colour {
    Colour { name, used, light, dark }
}

const COLOURS: [Colour; 21] = [
    colour("paper", Use::Ground, 0xfdfcfa, 0x14161a),
    colour("panel", Use::Ground, 0xf4f2ed, 0x1d2026),
    colour("ink", Use::Text, 0x1c1e22, 0xe8e9ec),
    colour("soft", Use::Text, 0x585c64, 0xa8aeb9),
    colour("good", Use::Text, 0x1b6a3d, 0x72cf9a),
    colour("warning", Use::Text, 0x8f4508, 0xf0b45e),
    colour("link", Use::Text, 0x1c5aa0, 0x86baf2),
    colour("rule", Use::Ornament, 0xdad7cf, 0x363b45),
    colour("grid", Use::Ornament, 0xe9e7e1, 0x282c34),
    colour("without", Use::Mark, 0x7b818b, 0x8d95a2),
    colour("guest", Use::Mark, 0x7a4ea8, 0xb994e6),
    colour("vm", Use::Mark, 0xb3447c, 0xec88b8),
    colour("kubevirt", Use::Mark, 0x1f68b0, 0x66aaf0),
    colour("cdi", Use::Mark, 0x0e8074, 0x46c2b1),
    colour("kubernetes", Use::Mark, 0xb0600f, 0xe5a052),
    colour("kernel", Use::Mark, 0x5d6b80, 0x9fb0c9),
    colour("other", Use::Mark, 0x7d7562, 0xb6ac93),
    colour("edgebench", Use::Mark, 0x55801c, 0x9ccb5a),
    colour("unexplained", Use::Mark, 0x8a8479, 0x87827a),
    colour("total", Use::Mark, 0x33373e, 0xd3d6dc),
    colour("machine", Use::Mark, 0x9c6b1e, 0xcdb36a),
];

/// The custom properties of the style sheet.
pub(super) fn css() -> String {
    let mut text = String::new();
    let properties = |shade: fn(&Colour) -> u32| {
        let mut list = String::new();
        for colour in &COLOURS {
            // A String takes all that is written to it.
            let _ = write!(list, "--{}:#{:06x};", colour.name, shade(colour));
        }
        list
    };
    let (light, dark) = (properties(|colour| colour.light), properties(|colour| colour.dark));
    let _ = writeln!(text, ":root{{{light}}}");
    // Paper is white whatever the screen is.
    let _ = writeln!(text, "@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}");
    for colour in COLOURS.iter().filter(|colour| colour.used == Use::Mark) {
        let _ = writeln!(text, ".{0}{{--c:var(--{0})}}", colour.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(colour: u32) -> f64 {
        let channel = |shift: u32| {
            let value = f64::from(colour >> shift & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn contrast_is_wcags() {
        assert!((contrast(0x000000, 0xffffff) - 21.0).abs() < 1e-9);
        assert!((contrast(0x777777, 0xffffff) - 4.478).abs() < 1e-3);
    }

    #[test]
    fn every_colour_has_the_contrast_that_it_needs_in_both_themes() {
        let of = |used: Use| COLOURS.iter().filter(move |colour| colour.used == used);
        for ground in of(Use::Ground) {
            for (used, least) in [(Use::Text, 4.5), (Use::Mark, 3.0)] {
                for colour in of(used) {
                    for (a, b) in [(ground.light, colour.light), (ground.dark, colour.dark)] {
                        let found = contrast(a, b);
                        assert!(found >= least, "{} on {}: {found:.2}", colour.name, ground.name);
                    }
                }
            }
        }
    }

    #[test]
    fn on_white_paper_too() {
        for colour in COLOURS.iter().filter(|colour| matches!(colour.used, Use::Text | Use::Mark)) {
            let least = if colour.used == Use::Text { 4.5 } else { 3.0 };
            assert!(contrast(0xffffff, colour.light) >= least, "{}", colour.name);
        }
    }

    #[test]
    fn every_colour_is_a_property_in_both_themes() {
        let css = css();
        for colour in &COLOURS {
            assert_eq!(css.matches(&format!("--{}:#", colour.name)).count(), 2, "{}", colour.name);
        }
    }
}
