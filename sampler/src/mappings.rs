//! The mappings of a process, one after the other, without ever holding all of their text.

use crate::error::{Malformed, ReadError, Reason};
use crate::parse::pid_smaps::{self, Mapping};
use crate::process::malformed;
use crate::procfs::{Buffer, ProcessDir, ProcessFile};

/// Reads `smaps` of a process and shows each of its mappings to `each`.
///
/// # Errors
/// Where the file can't be read or is malformed; `Vanished` where there is no mapping: a process that ended
/// since its directory was opened has none, and no error either.
pub fn read(
    process: &ProcessDir<'_>,
    buffer: &mut Buffer,
    mut each: impl FnMut(&Mapping<'_>),
) -> Result<(), ReadError> {
    let file = ProcessFile::Smaps;
    let mut is_empty = true;
    let mut lines = 0;
    process.read_in_pieces(file, buffer, |text, is_last| {
        let whole = if is_last { text.len() } else { pid_smaps::whole_mappings(text) };
        let text = &text[..whole];
        if text.is_empty() {
            return Ok(0);
        }
        is_empty = false;
        for mapping in pid_smaps::mappings(text) {
            // Lines count from the start of the file.
            let later = |error: Malformed| Malformed { line: error.line + lines, ..error };
            each(&mapping.map_err(|error| malformed(process, file, later(error)))?);
        }
        lines += text.iter().filter(|&&byte| byte == b'\n').count();
        Ok(whole)
    })?;
    if is_empty { Err(ReadError::new(process.path(file.name()), Reason::Vanished)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::{ProcFs, Roots};
    use crate::units::Pid;

    fn mapping(number: u64) -> String {
        let start = 0x7f00_0000_0000 + number * 0x2000;
        format!(
            "{start:x}-{:x} rw-p 00000000 00:00 0 \nRss: {number} kB\nPss: 0 kB\nAnonymous: 0 kB\nSwap: 0 kB\n\
             Shared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\nVmFlags: rd wr\n",
            start + 0x1000
        )
    }

    /// What is read of a process with this `smaps`: Rss of each mapping in KiB.
    fn read_from(smaps: &str) -> Result<Vec<u64>, ReadError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("7")).unwrap();
        for (name, text) in [("stat", ""), ("meminfo", ""), ("7/smaps", smaps)] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let procfs = ProcFs::open(Roots::beside(dir.path())).unwrap();
        let mut rss = Vec::new();
        let mut buffer = Buffer::default();
        read(&procfs.process(Pid(7)).unwrap(), &mut buffer, |mapping| rss.push(mapping.rss.kib()))?;
        Ok(rss)
    }

    #[test]
    fn a_text_of_many_pieces_is_the_same_mappings() {
        for count in [1, 2, 400, 5000] {
            let smaps: String = (0..count).map(mapping).collect();
            assert_eq!(read_from(&smaps).unwrap(), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_mapping_longer_than_a_piece_is_read() {
        let long = mapping(1).replace("VmFlags:", &format!("Unknown: {}\nVmFlags:", "x".repeat(300_000)));
        assert_eq!(read_from(&(mapping(0) + &long + &mapping(2))).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn an_error_names_the_line_of_the_file() {
        let smaps: String = (0..2000).map(mapping).collect();
        let wrong = read_from(&(smaps.clone() + "Rss: many kB\n")).unwrap_err();
        let lines = smaps.lines().count();
        assert!(wrong.to_string().contains(&format!("7/smaps: line {}", lines + 1)), "{wrong}");
        let cut = read_from(&smaps[..smaps.len() - 1]).unwrap_err();
        assert!(cut.to_string().contains(&format!("line {lines}: cut short")), "{cut}");
    }

    #[test]
    fn a_process_without_mappings_has_ended() {
        assert!(read_from("").unwrap_err().is_vanished());
    }
}
