//! What describes a machine: CPU model, operating system, swap areas, kernel settings.
//!
//! None of these is measured with, so what is not there is absent, not an error. `/proc/cpuinfo` is written
//! by each architecture in its own words: `model name` on x86 and in 32-bit mode of arm, `Model` (the board's
//! name, by Raspberry Pi's kernel) and `Hardware` (arm) elsewhere; arm64 upstream names no model at all
//! (`arch/*/kernel/cpu*.c`). os-release is described in os-release(5), `/proc/swaps` in proc_swaps(5),
//! settings with the choice in brackets in Documentation/admin-guide/mm/transhuge.rst.

use super::scan::Lines;

/// The CPU's name in the text of `/proc/cpuinfo`, or the board's where the kernel names no CPU.
pub fn cpu_model(cpuinfo: &[u8]) -> Option<String> {
    let value_of = |key: &[u8]| {
        let mut entries = Lines::of(cpuinfo).filter_map(|line| line.entry(b':'));
        entries
            .find(|entry| entry.key.trim_ascii() == key && !entry.value.is_empty())
            .map(|entry| lossy(entry.value))
    };
    value_of(b"model name").or_else(|| value_of(b"Model")).or_else(|| value_of(b"Hardware"))
}

/// `PRETTY_NAME` in the text of `/etc/os-release`.
pub fn os_pretty_name(os_release: &[u8]) -> Option<String> {
    // It is read like a shell script: the last assignment counts.
    let entries = Lines::of(os_release).filter_map(|line| line.entry(b'='));
    let value = entries.filter(|entry| entry.key == b"PRETTY_NAME").last()?.value;
    let name = lossy(&unquote(value));
    if name.is_empty() { None } else { Some(name) }
}

/// The choice that is in brackets, as in `always [madvise] never`.
pub fn bracketed(text: &[u8]) -> Option<String> {
    let open = text.iter().position(|&byte| byte == b'[')?;
    let choice = text.get(open + 1..)?;
    let close = choice.iter().position(|&byte| byte == b']')?;
    choice.get(..close).map(lossy)
}

/// How many swap areas are listed in the text of `/proc/swaps`, which starts with a heading.
pub fn swap_areas(swaps: &[u8]) -> usize {
    Lines::of(swaps).skip(1).filter(|line| !line.text.trim_ascii().is_empty()).count()
}

/// A value as the shell would see it: in double quotes a backslash quotes `"`, `$`, `\` and a backtick, in
/// single quotes nothing is quoted.
fn unquote(value: &[u8]) -> Vec<u8> {
    if let Some(plain) = value.strip_prefix(b"'").and_then(|value| value.strip_suffix(b"'")) {
        return plain.to_vec();
    }
    let Some(quoted) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return value.to_vec();
    };
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match bytes.next_if(|next| byte == b'\\' && matches!(next, b'"' | b'$' | b'\\' | b'`')) {
            Some(escaped) => plain.push(escaped),
            None => plain.push(byte),
        }
    }
    plain
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn x86_names_its_cpu() {
        let text = b"processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\n\
            model name\t: Intel(R) Xeon(R) Processor @ 2.80GHz\nstepping\t: 6\n\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Intel(R) Xeon(R) Processor @ 2.80GHz"));
    }

    #[test]
    fn arm_may_name_its_board() {
        let text = b"processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd08\n\nHardware\t: BCM2835\n\
            Model\t\t: Raspberry Pi 4 Model B Rev 1.4\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
        assert_eq!(cpu_model(b"processor\t: 0\nHardware\t: BCM2835\n").as_deref(), Some("BCM2835"));
        assert_eq!(cpu_model(b"processor\t: 0\nCPU part\t: 0xd0c\n"), None);
        assert_eq!(cpu_model(b""), None);
    }

    #[test]
    fn the_os_name_loses_its_quotes() {
        for (line, name) in [
            (r#"PRETTY_NAME="Debian GNU/Linux 12 (bookworm)""#, "Debian GNU/Linux 12 (bookworm)"),
            ("PRETTY_NAME='Arch Linux'", "Arch Linux"),
            ("PRETTY_NAME=Alpine", "Alpine"),
            (r#"PRETTY_NAME="a \"b\" \$c \\d \`e \f""#, r#"a "b" $c \d `e \f"#),
        ] {
            let text = format!("# comment\nNAME=\"x\"\n{line}\nID=x\n");
            let name = if name == "\"" { None } else { Some(name) };
            assert_eq!(
                os_pretty_name(text.as_bytes()).as_deref().filter(|name| *name != "\""),
                name,
                "{line}"
            );
        }
        assert_eq!(os_pretty_name(b"NAME=\"Debian\"\n"), None);
        assert_eq!(os_pretty_name(b"PRETTY_NAME=\"\"\n"), None);
    }

    #[test]
    fn the_choice_is_the_one_in_brackets() {
        assert_eq!(bracketed(b"always [madvise] never\n").as_deref(), Some("madvise"));
        assert_eq!(bracketed(b"[always] madvise never\n").as_deref(), Some("always"));
        for text in ["", "always", "[always", "always]", "]["] {
            assert_eq!(bracketed(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn swap_areas_are_the_lines_after_the_heading() {
        let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert_eq!(swap_areas(heading.as_bytes()), 0);
        let two = format!(
            "{heading}/dev/zram0 partition\t8388604\t\t0\t\t100\n/swap\\040file file\t1048572\t\t0\t\t-2\n"
        );
        assert_eq!(swap_areas(two.as_bytes()), 2);
        assert_eq!(swap_areas(b""), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = (cpu_model(&text), os_pretty_name(&text), bracketed(&text), swap_areas(&text));
        }

        #[test]
        fn text_like_it_does_not_panic(value in r#"["'\\$`a ]{0,12}"#) {
            let _ = os_pretty_name(format!("PRETTY_NAME={value}\n").as_bytes());
        }
    }
}
