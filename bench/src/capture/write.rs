//! Writing a capture: complete, or not at all.
//!
//! The records go to a file beside the target as they come; only when the last one is on the disk does the
//! file get its name (`rename` replaces atomically within a file system, rename(2)).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use super::{CaptureError, Record};

/// A capture that is being written.
pub struct CaptureFile {
    path: PathBuf,
    temporary: NamedTempFile,
    writer: Writer,
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

impl CaptureFile {
    /// Opens a file beside `path`, so that a directory that can't be written is known before measuring.
    ///
    /// # Errors
    /// Where the directory is missing, full or not ours to write.
    pub fn create(path: &Path) -> Result<CaptureFile, CaptureError> {
        let failed =
            |error: std::io::Error| CaptureError::new(path, None, format!("can't be written: {error}"));
        if path.is_dir() {
            return Err(CaptureError::new(path, None, "can't be written: it is a directory"));
        }
        let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = tempfile::Builder::new()
            .prefix(".edgebench-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(directory)
            .map_err(failed)?;
        let file = BufWriter::new(temporary.as_file().try_clone().map_err(failed)?);
        let writer = if path.extension().is_some_and(|extension| extension == "gz") {
            Writer::Gzip(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Writer::Plain(file)
        };
        Ok(CaptureFile { path: path.to_path_buf(), temporary, writer })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where not all of it could be written; the target is then as it was.
    pub fn finish(mut self) -> Result<PathBuf, CaptureError> {
        let path = self.path.clone();
        self.write_out()
            .map_err(|error| {
                CaptureError::new(&path, None, format!("can't be saved: {error}; nothing was saved"))
            })
            .map(|()| path)
    }

    fn write_out(&mut self) -> std::io::Result<()> {
        match &mut self.writer {
            Writer::Plain(writer) => writer.flush()?,
            Writer::Gzip(writer) => {
                writer.try_finish()?;
                writer.get_mut().flush()?;
            }
        }
        self.temporary.as_file().sync_all()?;
        std::fs::rename(self.temporary.path(), &self.path)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Where it can't be written: the disk is full, for one.
    pub fn append(&mut self, record: &Record) -> Result<(), CaptureError> {
        serde_json::to_writer(&mut self.writer, record)
            .map_err(std::io::Error::from)
            .and_then(|()| self.writer.write_all(b"\n"))
            .map_err(|error| {
                CaptureError::new(&self.path, None, format!("can't be saved: {error}; nothing was saved"))
            })
    }
}
