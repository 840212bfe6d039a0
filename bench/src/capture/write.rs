//! Writing a capture: complete, or not at all.
//!
//! A disk that fills up costs the capture, not the measurement: what failed is kept and said by
//! [`CaptureFile::finish`], when the figures are safe.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{CaptureError, Record};
use crate::whole_file::WholeFile;

/// A capture that is being written.
pub struct CaptureFile {
    path: PathBuf,
    target: WholeFile,
    writer: Writer,
    failed: Option<std::io::Error>,
}

enum Writer {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Writer::Plain(writer) => writer.write(bytes),
            Writer::Gzip(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Writer::Plain(writer) => writer.flush(),
            Writer::Gzip(writer) => writer.flush(),
        }
    }
}

impl Writer {
    fn finish(self) -> std::io::Result<()> {
        match self {
            Writer::Plain(mut file) => file.flush(),
            Writer::Gzip(writer) => writer.finish()?.flush(),
        }
    }
}

impl CaptureFile {
    /// Opens a file beside `path`, so that a directory that can't be written is known before measuring.
    ///
    /// # Errors
    /// Where the directory is missing or not ours to write.
    pub fn create(path: &Path) -> Result<CaptureFile, CaptureError> {
        let failed =
            |error: std::io::Error| CaptureError::new(path, None, format!("can't be written: {error}"));
        let target = WholeFile::create(path).map_err(failed)?;
        let file = BufWriter::new(target.file().try_clone().map_err(failed)?);
        let writer = if path.extension().is_some_and(|extension| extension == "gz") {
            Writer::Gzip(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Writer::Plain(file)
        };
        Ok(CaptureFile { path: path.to_path_buf(), target, writer, failed: None })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where not all of it could be written, now or before; the target is then as it was.
    pub fn finish(self) -> Result<PathBuf, CaptureError> {
        let CaptureFile { path, target, writer, failed } = self;
        let written =
            failed.map_or(Ok(()), Err).and_then(|()| writer.finish()).and_then(|()| target.finish());
        match written {
            Ok(()) => Ok(path),
            Err(error) => {
                Err(CaptureError::new(&path, None, format!("can't be saved: {error}; nothing was saved")))
            }
        }
    }

    /// Adds a record. After one that could not be written there are no more.
    pub fn append(&mut self, record: &Record) {
        if self.failed.is_none() {
            self.failed = serde_json::to_writer(&mut self.writer, record)
                .map_err(std::io::Error::from)
                .and_then(|()| self.writer.write_all(b"\n"))
                .err();
            if self.failed.is_some() {
                // The rest of the run must not keep the disk full. A device has no length.
                let _ = self.target.file().set_len(0);
            }
        }
    }
}
