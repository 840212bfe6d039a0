//! The captures in `bench/examples`: a real node before KubeVirt, and with a VM on it.
//!
//! They are made of the fixtures, so that whoever has the repository can make them again, with the same
//! content. `cargo run -p edgebench-tests --bin make-examples` writes them; a test holds them against the
//! fixtures.

use std::path::{Path, PathBuf};

use edgebench::capture::{self, CaptureError, CaptureFile, Record, Sink};

use crate::phases;

/// Each example, and the phase that it is of.
pub const EXAMPLES: [(&str, &str); 2] =
    [("no-kubevirt.json.gz", "1-kubernetes"), ("kubevirt.json.gz", "4-vm")];

/// Where they are kept.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/examples")
}

/// Writes an example to `path`.
///
/// # Errors
/// Where a file can't be written.
pub fn write(phase: &str, path: &Path) -> Result<(), CaptureError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let as_recorded = directory.path().join("as-recorded.json");
    let mut file = CaptureFile::create(&as_recorded)?;
    phases::record(phase, None, Some(&mut file));
    file.finish()?;

    let mut example = AsRoot(CaptureFile::create(path)?);
    capture::read(&as_recorded, &mut example)?;
    example.0.finish().map(|_| ())
}

/// The node was read by root, whoever unpacks its fixture.
struct AsRoot(CaptureFile);

impl Sink for AsRoot {
    fn record(&mut self, mut record: Record) -> Result<(), CaptureError> {
        if let Record::Header(header) = &mut record {
            header.uid = Some(0);
        }
        self.0.append(&record);
        Ok(())
    }
}
