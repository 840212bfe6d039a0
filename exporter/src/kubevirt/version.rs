//! Versions of KubeVirt and CDI.
//!
//! Both tag releases as semantic versions with a `v` (`v1.9.0-rc.2`); builds in between carry what `git describe` says
//! (`v1.9.0-rc.2-41-gd923fdb815`), and vendors append a build (`v0.59.0-160.el8`). A pre-release is older than its
//! release (semver.org 11). What a binary calls itself need not be what it was built from.

use std::cmp::Ordering;
use std::fmt;

/// A version as a component or a custom resource states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Before the first dot.
    pub major: u32,
    /// Between the dots.
    pub minor: u32,
    /// Behind the second dot.
    pub patch: u32,
    /// Whether it is one that comes before the release: `-alpha.1`, `-rc.2`.
    pub before_release: bool,
}

impl Version {
    /// A release.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch, before_release: false }
    }

    /// Reads `v1.9.0`, `1.9.0-rc.2`, `v0.59.0-160.el8`, `v1.23.2+k3s1`; nothing where it is no version.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (numbers, suffix) = text.split_at(end);
        let mut numbers = numbers.split('.').map(str::parse::<u32>);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        let patch = numbers.next().map_or(Some(0), Result::ok)?;
        if numbers.next().is_some() {
            return None;
        }
        let before_release = ["-alpha", "-beta", "-rc"].iter().any(|mark| suffix.starts_with(mark));
        Some(Version { major, minor, patch, before_release })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let key = |version: &Version| (version.major, version.minor, version.patch, !version.before_release);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)?;
        if self.before_release { f.write_str("-pre") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_components_state_them() {
        assert_eq!(Version::parse("v1.9.0"), Some(Version::new(1, 9, 0)));
        assert_eq!(Version::parse("0.49.1"), Some(Version::new(0, 49, 1)));
        assert_eq!(Version::parse("v0.59.0-160.el8"), Some(Version::new(0, 59, 0)), "a vendor's build");
        assert_eq!(Version::parse("v1.23.2+k3s1"), Some(Version::new(1, 23, 2)));
        assert_eq!(Version::parse("v1.36"), Some(Version::new(1, 36, 0)));
        let candidate = Version { before_release: true, ..Version::new(1, 9, 0) };
        assert_eq!(Version::parse("v1.9.0-rc.2"), Some(candidate));
        assert_eq!(Version::parse("v1.9.0-rc.2-41-gd923fdb815"), Some(candidate));
    }

    #[test]
    fn what_is_no_version() {
        for text in ["", "v", "latest", "v1", "v1.x.0", "1.2.3.4", "sha256:0123", "v-1.2.0"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_candidate_is_older_than_its_release_and_newer_than_the_one_before() {
        let candidate = Version { before_release: true, ..Version::new(1, 9, 0) };
        assert!(candidate < Version::new(1, 9, 0));
        assert!(candidate > Version::new(1, 8, 4));
        assert!(Version::new(0, 59, 2) < Version::new(1, 0, 0));
    }
}
