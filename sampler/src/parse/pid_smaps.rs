//! `/proc/PID/smaps`: every mapping of a process.
//!
//! For each mapping a head line as in `maps`, `start-end perms offset dev inode path`, then `Key: value`
//! lines (`show_map_vma`, `show_smap` in `fs/proc/task_mmu.c`; Documentation/filesystems/proc.rst). Addresses
//! are lower case hexadecimal and keys start with a capital letter, which tells the two apart; newlines in a
//! path are escaped (`\012`). Rss and Pss leave huge pages of hugetlbfs out; Shared_Hugetlb and
//! Private_Hugetlb came with Linux 4.4. The text of a process that ended meanwhile is empty.

use super::scan::{Line, Lines, hexadecimal, number};
use crate::error::Malformed;
use crate::units::Bytes;

/// One mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// Whether the process may read it.
    pub readable: bool,
    /// Whether the process may write it.
    pub writable: bool,
    /// Whether the process may run it.
    pub executable: bool,
    /// Whether what is written is seen by others that map the same (`s`), or is a private copy (`p`).
    pub shared: bool,
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// Device of the file: major and minor number; zero without a file.
    pub device: (u32, u32),
    /// Inode of the file; zero without a file.
    pub inode: u64,
    /// The file, `[heap]`, `[stack]` …, or nothing; with ` (deleted)` where the file has no name any more.
    pub path: &'a [u8],
    /// `Rss`: pages in memory, in bytes.
    pub rss: Bytes,
    /// `Pss`: pages in memory, each divided by the number of mappings it has, in bytes.
    pub pss: Bytes,
    /// `Anonymous`: the part of `rss` that no file backs, in bytes.
    pub anonymous: Bytes,
    /// `Swap`: in bytes.
    pub swap: Bytes,
    /// `Shared_Hugetlb`: huge pages that others have mapped too, undivided, in bytes.
    pub shared_hugetlb: Bytes,
    /// `Private_Hugetlb`: huge pages that nobody else has mapped, in bytes.
    pub private_hugetlb: Bytes,
}

impl Mapping<'_> {
    /// Size of the mapping: address space, whether or not there is memory behind it.
    pub const fn size(&self) -> Bytes {
        Bytes(self.end.saturating_sub(self.start))
    }
}

/// The mappings in the text of `/proc/PID/smaps`, one after the other as they are asked for; after an error
/// none.
pub fn mappings(text: &[u8]) -> impl Iterator<Item = Result<Mapping<'_>, Malformed>> {
    match Lines::of_whole(text) {
        Ok(mut lines) => {
            let head = lines.next();
            Mappings { state: head.map_or(State::End, |head| State::At { head, lines }) }
        }
        Err(wrong) => Mappings { state: State::Wrong(wrong) },
    }
}

/// How much of a text that goes on is whole mappings: all before the head line of its last one.
pub fn whole_mappings(text: &[u8]) -> usize {
    let mut end = text.len();
    while let Some(newline) = text[..end].iter().rposition(|&byte| byte == b'\n') {
        if is_head(&text[newline + 1..]) {
            return newline + 1;
        }
        end = newline;
    }
    0
}

struct Mappings<'a> {
    state: State<'a>,
}

enum State<'a> {
    /// `head` is the head of the next mapping, `lines` are those after it.
    At {
        head: Line<'a>,
        lines: Lines<'a>,
    },
    Wrong(Malformed),
    End,
}

impl<'a> Iterator for Mappings<'a> {
    type Item = Result<Mapping<'a>, Malformed>;

    fn next(&mut self) -> Option<Result<Mapping<'a>, Malformed>> {
        match std::mem::replace(&mut self.state, State::End) {
            State::At { head, mut lines } => Some(mapping(head, &mut lines).map(|(mapping, next)| {
                if let Some(head) = next {
                    self.state = State::At { head, lines };
                }
                mapping
            })),
            State::Wrong(wrong) => Some(Err(wrong)),
            State::End => None,
        }
    }
}

/// The mapping of the head line `head`, and the head line of the one after it.
fn mapping<'a>(head: Line<'a>, lines: &mut Lines<'a>) -> Result<(Mapping<'a>, Option<Line<'a>>), Malformed> {
    let mut mapping = parse_head(head)?;
    let (mut rss, mut pss, mut anonymous) = (None, None, None);
    let (mut swap, mut shared_hugetlb, mut private_hugetlb) = (None, None, None);
    let next = loop {
        let Some(line) = lines.next() else { break None };
        if is_head(line.text) {
            break Some(line);
        }
        let Some(entry) = line.entry(b':') else { continue };
        match entry.key {
            b"Rss" => rss = Some(entry.kib()?),
            b"Pss" => pss = Some(entry.kib()?),
            b"Anonymous" => anonymous = Some(entry.kib()?),
            b"Swap" => swap = Some(entry.kib()?),
            b"Shared_Hugetlb" => shared_hugetlb = Some(entry.kib()?),
            b"Private_Hugetlb" => private_hugetlb = Some(entry.kib()?),
            _ => {}
        }
    };
    let missing =
        |key| Malformed::new(head.number, format!("the mapping that begins here has no line `{key}`"));
    mapping.rss = rss.ok_or_else(|| missing("Rss"))?;
    mapping.pss = pss.ok_or_else(|| missing("Pss"))?;
    mapping.anonymous = anonymous.ok_or_else(|| missing("Anonymous"))?;
    mapping.swap = swap.ok_or_else(|| missing("Swap"))?;
    mapping.shared_hugetlb = shared_hugetlb.ok_or_else(|| missing("Shared_Hugetlb"))?;
    mapping.private_hugetlb = private_hugetlb.ok_or_else(|| missing("Private_Hugetlb"))?;
    Ok((mapping, next))
}

fn is_head(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'0'..=b'9' | b'a'..=b'f'))
}

fn parse_head(line: Line<'_>) -> Result<Mapping<'_>, Malformed> {
    let wrong = |what: &str| Malformed::new(line.number, what);
    let mut words = line.words();
    let (start, end) = words.pair("the address range", b'-')?;
    let start = hexadecimal(line.number, "the start address", start)?;
    let end = hexadecimal(line.number, "the end address", end)?;
    if end < start {
        return Err(wrong("the mapping ends before it starts"));
    }
    let &[read, write, execute, share] = words.word("permissions")? else {
        return Err(wrong("permissions are not four letters"));
    };
    let offset = hexadecimal(line.number, "the offset", words.word("the offset")?)?;
    let (major, minor) = words.pair("the device", b':')?;
    let device = (
        hexadecimal(line.number, "the major device number", major)?,
        hexadecimal(line.number, "the minor device number", minor)?,
    );
    let inode = number(line.number, "the inode", words.word("the inode")?)?;
    Ok(Mapping {
        start,
        end,
        readable: read == b'r',
        writable: write == b'w',
        executable: execute == b'x',
        shared: share == b's',
        offset,
        device,
        inode,
        path: words.rest(),
        rss: Bytes::ZERO,
        pss: Bytes::ZERO,
        anonymous: Bytes::ZERO,
        swap: Bytes::ZERO,
        shared_hugetlb: Bytes::ZERO,
        private_hugetlb: Bytes::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use procfs_core::FromBufRead;
    use proptest::prelude::*;

    use super::*;

    /// A mapping of a real process, Linux 6.18.
    const TEXT: &str = "\
559d94dae000-559d94db3000 r-xp 00002000 fe:00 247030                     /usr/bin/cat
Size:                 20 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                  20 kB
Pss:                  10 kB
Pss_Dirty:             0 kB
Shared_Clean:         20 kB
Shared_Dirty:          0 kB
Private_Clean:         0 kB
Private_Dirty:         0 kB
Referenced:           20 kB
Anonymous:             0 kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
Locked:                0 kB
THPeligible:           0
ProtectionKey:         0
VmFlags: rd ex mr mw me 
";

    /// The text of a mapping with this head and these KiB of Rss, Pss, Anonymous, Swap and huge pages.
    fn text(head: &str, [rss, pss, anonymous, swap, shared_hugetlb, private_hugetlb]: [u64; 6]) -> String {
        format!(
            "{head}\nSize: 4 kB\nRss: {rss:8} kB\nPss: {pss:8} kB\nPss_Dirty: 7 kB\nAnonymous: {anonymous:8} kB\n\
            FilePmdMapped: 0 kB\nShared_Hugetlb: {shared_hugetlb:8} kB\nPrivate_Hugetlb: {private_hugetlb:8} kB\n\
            Swap: {swap:8} kB\nSwapPss: 0 kB\nLocked: 0 kB\nVmFlags: rd wr mr\n"
        )
    }

    fn only(text: &str) -> Mapping<'_> {
        let all: Vec<_> = mappings(text.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert_eq!(all.len(), 1);
        all[0]
    }

    fn first_error(text: &str) -> String {
        mappings(text.as_bytes()).find_map(Result::err).unwrap().to_string()
    }

    #[test]
    fn a_real_mapping_is_read() {
        let expected = Mapping {
            start: 0x559d_94da_e000,
            end: 0x559d_94db_3000,
            readable: true,
            writable: false,
            executable: true,
            shared: false,
            offset: 0x2000,
            device: (0xfe, 0),
            inode: 247_030,
            path: b"/usr/bin/cat",
            rss: Bytes::from_kib(20),
            pss: Bytes::from_kib(10),
            anonymous: Bytes::ZERO,
            swap: Bytes::ZERO,
            shared_hugetlb: Bytes::ZERO,
            private_hugetlb: Bytes::ZERO,
        };
        assert_eq!(only(TEXT), expected);
        assert_eq!(expected.size(), Bytes::from_kib(20));
    }

    #[test]
    fn guest_memory_without_a_file_has_no_path() {
        let text = text("7f3a5fe00000-7f3a7fe00000 rw-p 00000000 00:00 0 ", [16384, 16000, 16384, 8, 0, 0]);
        let mapping = only(&text);
        assert_eq!(mapping.size(), Bytes(512 << 20));
        assert_eq!((mapping.path, mapping.device, mapping.inode), (b"".as_slice(), (0, 0), 0));
        assert!(mapping.readable && mapping.writable && !mapping.executable && !mapping.shared);
        assert_eq!((mapping.anonymous, mapping.swap), (Bytes::from_kib(16384), Bytes::from_kib(8)));
    }

    #[test]
    fn huge_pages_are_in_neither_rss_nor_pss() {
        let head = "7f0000000000-7f0040000000 rw-s 00000000 00:10 4711    /dev/hugepages/libvirt/qemu/1/pc.ram (deleted)";
        let text = text(head, [0, 0, 0, 0, 2048, 1_046_528]);
        let mapping = only(&text);
        assert!(mapping.shared);
        assert_eq!((mapping.rss, mapping.pss), (Bytes::ZERO, Bytes::ZERO));
        assert_eq!(mapping.shared_hugetlb + mapping.private_hugetlb, Bytes(1 << 30));
    }

    #[test]
    fn a_path_is_the_rest_of_the_line() {
        for path in [
            "[heap]",
            "[stack]",
            "/memfd:pc.ram (deleted)",
            "/tmp/a b  c",
            "/x\\012Rss: 9 kB",
            "[anon: a: b]",
            "",
        ] {
            let text =
                text(&format!("00400000-00401000 r--p 00000000 08:02 5        {path}"), [4, 4, 0, 0, 0, 0]);
            assert_eq!(only(&text).path, path.as_bytes());
        }
    }

    #[test]
    fn mappings_come_in_their_order() {
        let text = [
            text("00400000-00401000 r--p 00000000 08:02 5 /a", [1, 0, 0, 0, 0, 0]),
            TEXT.to_string(),
            text("a0000000-a0001000 r--p 00000000 08:02 5 /b", [2, 0, 0, 0, 0, 0]),
            text("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", [0, 0, 0, 0, 0, 0]),
        ]
        .concat();
        let all: Vec<_> = mappings(text.as_bytes()).collect::<Result<_, _>>().unwrap();
        let paths: Vec<_> = all.iter().map(|mapping| str::from_utf8(mapping.path).unwrap()).collect();
        assert_eq!(paths, ["/a", "/usr/bin/cat", "/b", "[vsyscall]"]);
        assert_eq!(all.iter().map(|mapping| mapping.rss.kib()).collect::<Vec<_>>(), [1, 20, 2, 0]);
    }

    #[test]
    fn keys_that_start_with_a_hexadecimal_digit_are_keys() {
        // `Anonymous`, `FilePmdMapped`: A and F are digits too, but addresses are lower case.
        assert_eq!(mappings(TEXT.as_bytes()).count(), 1);
    }

    #[test]
    fn a_text_cut_short_is_refused_at_once() {
        let text = [TEXT, &TEXT[..300]].concat();
        let all: Vec<_> = mappings(text.as_bytes()).collect();
        assert_eq!(all.len(), 1);
        assert!(all[0].as_ref().unwrap_err().what.starts_with("cut short"));
        assert_eq!(first_error(""), "line 1: the file is empty");
    }

    #[test]
    fn a_mapping_without_one_of_its_lines_is_refused_by_name() {
        for key in ["Rss", "Pss", "Anonymous", "Swap", "Shared_Hugetlb", "Private_Hugetlb"] {
            let cut: String =
                TEXT.split_inclusive('\n').filter(|line| !line.starts_with(&format!("{key}:"))).collect();
            let wrong = first_error(&[TEXT, &cut].concat());
            assert_eq!(wrong, format!("line 27: the mapping that begins here has no line `{key}`"));
        }
    }

    #[test]
    fn after_an_error_comes_nothing() {
        let text = [TEXT, "00400000-oops r--p 0 0:0 0\n", TEXT].concat();
        let all: Vec<_> = mappings(text.as_bytes()).map(|mapping| mapping.is_ok()).collect();
        assert_eq!(all, [true, false]);
    }

    #[test]
    fn a_head_that_is_wrong_is_refused() {
        for (head, what) in [
            ("00400000 r--p 0 0:0 0", "line 1: the address range has no `-`"),
            ("00400000-x r--p 0 0:0 0", "line 1: the end address is not a number: `x`"),
            ("2-1 r--p 0 0:0 0", "line 1: the mapping ends before it starts"),
            ("1-2 r--px 0 0:0 0", "line 1: permissions are not four letters"),
            ("1-2 r--p 0 0 0", "line 1: the device has no `:`"),
            ("1-2 r--p 0 0:0", "line 1: the inode is missing"),
            ("1-2 r--p 0 0:0 x", "line 1: the inode is not a number: `x`"),
            (
                "10000000000000000-10000000000000001 r--p 0 0:0 0",
                "line 1: the start address is too large a number: `10000000000000000`",
            ),
            ("Rss: 4 kB", "line 1: the address range has no `-`"),
            ("", "line 1: the address range is missing"),
        ] {
            assert_eq!(first_error(&text(head, [0; 6])), what, "{head}");
        }
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        let text = [
            TEXT.to_string(),
            text("7f3a5fe00000-7f3a7fe00000 rw-p 00000000 00:00 0 ", [16384, 16000, 16384, 8, 4, 12]),
            text(
                "7f0000000000-7f0040000000 rw-s 00001000 00:10 4711 /memfd:ram (deleted)",
                [1, 2, 3, 4, 5, 6],
            ),
        ]
        .concat();
        let theirs = procfs_core::process::MemoryMaps::from_buf_read(text.as_bytes()).unwrap();
        let ours: Vec<_> = mappings(text.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert_eq!(ours.len(), theirs.0.len());
        for (ours, theirs) in ours.iter().zip(&theirs.0) {
            assert_eq!((ours.start, ours.end), theirs.address);
            assert_eq!((ours.offset, ours.inode), (theirs.offset, theirs.inode));
            assert_eq!(ours.device, (theirs.dev.0 as u32, theirs.dev.1 as u32));
            for (key, bytes) in [
                ("Rss", ours.rss),
                ("Pss", ours.pss),
                ("Anonymous", ours.anonymous),
                ("Swap", ours.swap),
                ("Shared_Hugetlb", ours.shared_hugetlb),
                ("Private_Hugetlb", ours.private_hugetlb),
            ] {
                assert_eq!(bytes, Bytes(theirs.extension.map[key]), "{key}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = mappings(&text).count();
        }

        #[test]
        fn text_like_it_does_not_panic(
            text in "(00400000-00401000 r--p 0 08:02 5 |[0-9a-f]{1,17}|-|Rss: |Pss: | kB|[0-9]{1,21}|\n| ){0,80}",
        ) {
            let text = text + "\n";
            let _ = mappings(text.as_bytes()).count();
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(
            start: u64, length: u32, shared: bool, device: (u32, u32), inode: u64,
            kib in prop::array::uniform6(0..1u64 << 54), path in "[^\n \t\u{b}\u{c}\r][^\n]{0,20}",
        ) {
            let end = start.saturating_add(u64::from(length));
            let share = if shared { 's' } else { 'p' };
            let (major, minor) = device;
            let head = format!("{start:08x}-{end:08x} rw-{share} 00000000 {major:02x}:{minor:02x} {inode} {path}");
            let text = text(&head, kib);
            let mapping = only(&text);
            prop_assert_eq!((mapping.start, mapping.end, mapping.shared), (start, end, shared));
            prop_assert_eq!((mapping.device, mapping.inode, mapping.path), (device, inode, path.as_bytes()));
            let Mapping { rss, pss, anonymous, swap, shared_hugetlb, private_hugetlb, .. } = mapping;
            prop_assert_eq!([rss, pss, anonymous, swap, shared_hugetlb, private_hugetlb].map(Bytes::kib), kib);
        }
    }
}
