//! Reading a capture, a record at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::{CaptureError, NEWEST_SCHEMA, Record, Sink};

/// A line may be this long: `before` of 100,000 processes has 10 MB.
const LONGEST_LINE: u64 = 256 << 20;
/// The first line is short. What is no capture may have no line end at all, and is not worth the memory.
const LONGEST_HEADER: u64 = 1 << 20;

/// First bytes of a gzip file (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads the capture at `path` into `sink`.
///
/// # Errors
/// Where the file can't be read, is no capture, is of a newer schema, was cut short, or holds a record that
/// is out of place. The error names the line.
pub fn read(path: &Path, sink: &mut dyn Sink) -> Result<(), CaptureError> {
    let unreadable = |error: std::io::Error| CaptureError::new(path, None, format!("can't be read: {error}"));
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    if file.fill_buf().map_err(unreadable)?.starts_with(&GZIP) {
        records(path, &mut BufReader::new(MultiGzDecoder::new(file)), sink)
    } else {
        records(path, &mut file, sink)
    }
}

/// What every first line has, whatever else a newer schema says.
#[derive(serde::Deserialize)]
struct AnyHeader {
    header: SchemaOnly,
}

#[derive(serde::Deserialize)]
struct SchemaOnly {
    edgebench_capture: u32,
}

fn records(path: &Path, reader: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), CaptureError> {
    let mut line = Vec::new();
    let (mut number, mut readings, mut processes) = (0, 0, 0);
    loop {
        number += 1;
        line.clear();
        let cut_short = || {
            CaptureError::new(
                path,
                Some(number),
                "the capture is cut short: take it again, or copy the whole file",
            )
        };
        let longest = if number == 1 { LONGEST_HEADER } else { LONGEST_LINE };
        match (&mut *reader).take(longest).read_until(b'\n', &mut line) {
            Ok(0) => return Err(cut_short()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(cut_short()),
            Err(error) => return Err(CaptureError::new(path, Some(number), damaged(&error))),
        }
        if number == 1 {
            check_schema(path, &line)?;
        }
        let record = serde_json::from_slice(&line).map_err(|error| {
            if !line.ends_with(b"\n") {
                return cut_short();
            }
            CaptureError::new(path, Some(number), format!("column {}: {error}", error.column()))
        })?;
        match &record {
            Record::Header(header) if header.clock.is_none() && header.exporter.is_none() => {
                let what = "the header does not say how counters are to be read: no `clock`";
                return Err(CaptureError::new(path, Some(number), what));
            }
            Record::Reading(_) | Record::Scrape(_) => readings += 1,
            Record::Process(_) => processes += 1,
            Record::End(end) => {
                let lines = number as u64 - 1;
                let says = (end.readings, end.processes, end.lines.unwrap_or(lines));
                if says != (readings, processes, lines) {
                    let what = format!(
                        "the capture is damaged: it says {} readings, {} processes and {} lines before this one, but \
                         holds {readings}, {processes} and {lines}",
                        says.0, says.1, says.2
                    );
                    return Err(CaptureError::new(path, Some(number), what));
                }
                // The checksum of a compressed capture stands behind its last byte.
                return match reader.fill_buf() {
                    Ok([]) => sink.record(record),
                    Ok(_) => {
                        Err(CaptureError::new(path, Some(number + 1), "the capture goes on after its end"))
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(cut_short()),
                    Err(error) => Err(CaptureError::new(path, Some(number), damaged(&error))),
                };
            }
            _ => {}
        }
        sink.record(record).map_err(|error| CaptureError { line: Some(number), ..error })?;
    }
}

/// The decompressor says so where bytes are not what was compressed; anything else is the disk's.
fn damaged(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    match error.kind() {
        InvalidData | InvalidInput => format!("the capture is damaged: {error}; copy the file again"),
        _ => format!("can't be read: {error}"),
    }
}

fn check_schema(path: &Path, line: &[u8]) -> Result<(), CaptureError> {
    let Ok(AnyHeader { header }) = serde_json::from_slice::<AnyHeader>(line) else {
        let what = if line.starts_with(b"{\"header\"") && !line.ends_with(b"\n") {
            "the capture is cut short: take it again, or copy the whole file"
        } else {
            "this is no capture of edgebench: make one with `edgebench footprint --save FILE`"
        };
        return Err(CaptureError::new(path, Some(1), what));
    };
    if header.edgebench_capture > NEWEST_SCHEMA {
        let what = format!(
            "the capture has schema {}, this edgebench reads up to {NEWEST_SCHEMA}: use the version that made it, or a newer one",
            header.edgebench_capture
        );
        return Err(CaptureError::new(path, Some(1), what));
    }
    Ok(())
}
