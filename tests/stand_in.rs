//! The stand-in: a process of a known size and a known CPU use, under any name.
//!
//! ```text
//! stand-in --resident 144212KiB [--guest 1024MiB] [--cpu 0.5] [--seconds N] [-- anything]
//! ```
//!
//! * `--resident`: touches memory until its own resident size, which is what `top` shows as RES (its own
//!   text and libc included), is that size;
//! * `--guest`: holds that part of it in one mapping of exactly this size, as qemu does guest RAM;
//! * `--cpu`: burns so many percent of one core, in slices of about 20 ms;
//! * `--burn`: uses that many milliseconds of CPU time and ends, whatever else is said;
//! * `--spawn`, `--times`, `--over`: starts that program so many times, evenly over so many milliseconds, one after
//!   the other; each burns what `--burn` says. Then it prints `reaped` with the ticks that its children used;
//! * `--seconds`: ends after that time. It always ends when its stdin closes, so that it can't outlive the
//!   test that started it.
//!
//! It prints `ready` once all memory is in place. What follows `--` is ignored: it is there to be seen in
//! `/proc/PID/cmdline`. Where the environment holds `STAND_IN`, the settings are read from there (separated
//! by blanks) and the whole command line is ignored.
//!
//! Facts relied on: field 2 of `/proc/self/statm` is the number that `top` prints; the kernel merges
//! neighbouring anonymous mappings only if their flags are equal, and `MADV_DONTDUMP` is such a flag (qemu
//! marks guest RAM so, with `dump-guest-core=off`); `MADV_NOHUGEPAGE` keeps one touch from bringing in
//! 2 MiB where transparent hugepages are always on.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use memmap2::{Advice, MmapMut};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

fn main() -> ExitCode {
    let args = match env::var("STAND_IN") {
        Ok(settings) => settings.split_ascii_whitespace().map(String::from).collect(),
        Err(_) => env::args().skip(1).collect::<Vec<_>>(),
    };
    match Settings::parse(&args).and_then(|settings| run(&settings).map_err(|e| e.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "stand-in: {message}");
            ExitCode::from(2)
        }
    }
}

/// What the process is to be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Settings {
    burn: Option<Duration>,
    spawn: Option<PathBuf>,
    times: u32,
    over: Duration,
    resident: u64,
    guest: u64,
    /// Of one core, 0 to 1.
    cpu: f64,
    ends_after: Option<Duration>,
}

impl Settings {
    fn parse(args: &[String]) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let mut args = args.iter().map(String::as_str).take_while(|arg| *arg != "--");
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name {
                "--resident" => settings.resident = size(value()?)?,
                "--guest" => settings.guest = size(value()?)?,
                "--cpu" => settings.cpu = percent(value()?)?,
                "--burn" => settings.burn = Some(milliseconds(value()?)?),
                "--spawn" => settings.spawn = Some(value()?.into()),
                "--over" => settings.over = milliseconds(value()?)?,
                "--times" => {
                    let times = value()?;
                    settings.times = times.parse().map_err(|_| format!("`{times}` is no number"))?;
                }
                "--seconds" => {
                    let seconds = value()?;
                    let seconds =
                        seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
                    settings.ends_after = Some(Duration::from_secs(seconds));
                }
                _ => {
                    return Err(format!("unknown argument `{name}`; what is to be ignored comes after `--`"));
                }
            }
        }
        if settings.resident == 0 && settings.burn.is_none() {
            return Err("say how large it is to be: --resident 144212KiB".into());
        }
        Ok(settings)
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().map_err(|_| format!("`{text}` is no number of milliseconds"))?;
    Ok(Duration::from_millis(number))
}

/// `144212KiB`, `1GiB`: in bytes.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(format!("`{text}` is no size: a whole number of KiB, MiB or GiB")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no size"))?;
    number.checked_mul(unit).ok_or_else(|| format!("`{text}` is too large"))
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        // A share below this is none: its period would be minutes.
        Ok(percent) if percent == 0.0 || (0.001..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(format!("`{text}` is no percentage of one core, 0 or 0.001 to 100")),
    }
}

fn run(settings: &Settings) -> io::Result<()> {
    if let (Some(program), Some(burn)) = (&settings.spawn, settings.burn) {
        return spawn(program, burn, settings);
    }
    if let Some(burn) = settings.burn {
        let mut random = Random(1);
        while cpu_time() < burn {
            for _ in 0..10_000 {
                std::hint::black_box(random.next());
            }
        }
        return Ok(());
    }
    let page = rustix::param::page_size();
    let mut own = OwnSize::open()?;
    let mut content = Content::new(page);
    let mut guest = match settings.guest {
        0 => None,
        bytes => Some(mapping(bytes, Advice::DontDump)?),
    };
    if let Some(guest) = &mut guest {
        guest.chunks_exact_mut(page).for_each(|page| content.fill(page));
    }
    // Everything that runs later runs once before the size is taken, so that no page of text comes after it.
    let mut busy = Burner::new(settings.cpu);
    busy.rehearse();
    stdin_closes_within(Duration::ZERO)?;
    io::stdout().flush()?;

    // More than needed is mapped and only touched as far as needed: an untouched page costs nothing.
    let mut rest = mapping(settings.resident.max(page as u64), Advice::NoHugePage)?;
    let mut pages = rest.chunks_exact_mut(page);
    let wanted = settings.resident / page as u64;
    let before = own.pages()?;
    if before > wanted {
        return Err(io::Error::other(format!(
            "it can't be that small: with its own text, libc and guest it already holds {} KiB",
            before * page as u64 / 1024
        )));
    }
    loop {
        let missing = wanted.saturating_sub(own.pages()?);
        let touched = pages
            .by_ref()
            .take(usize::try_from(missing).unwrap_or(usize::MAX))
            .map(|p| content.fill(p))
            .count();
        if touched == 0 {
            break;
        }
    }
    writeln!(io::stdout(), "ready")?;

    let end = settings.ends_after.map(|time| Instant::now() + time);
    busy.start();
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(());
        }
        let pause = match (busy.burn(), left) {
            (Some(pause), Some(left)) => Some(pause.min(left)),
            (pause, left) => pause.or(left),
        };
        if stdin_closes_within(pause.unwrap_or(Duration::MAX))? {
            return Ok(());
        }
    }
}

/// Starts a program again and again, and says what the kernel booked for it.
fn spawn(program: &Path, burn: Duration, settings: &Settings) -> io::Result<()> {
    writeln!(io::stdout(), "ready")?;
    // It begins when it is told to.
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let begin = Instant::now();
    for number in 0..settings.times {
        let mut child = Command::new(program);
        child
            .env("STAND_IN", format!("--burn {}", burn.as_millis()))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if !child.status()?.success() {
            return Err(io::Error::other("a child failed"));
        }
        let due = settings.over.mul_f64(f64::from(number + 1) / f64::from(settings.times));
        sleep(due.saturating_sub(begin.elapsed()));
    }
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // cutime and cstime: the 14th and 15th column after the name.
    let columns = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().skip(13).take(2);
    let ticks: u64 = columns.filter_map(|column| column.parse::<u64>().ok()).sum();
    writeln!(io::stdout(), "reaped {ticks}")?;
    while !stdin_closes_within(Duration::from_secs(3600))? {}
    Ok(())
}

/// Anonymous memory of `bytes`, marked so that the kernel merges it with no other mapping and backs it
/// with small pages.
fn mapping(bytes: u64, mark: Advice) -> io::Result<MmapMut> {
    let len = usize::try_from(bytes).map_err(io::Error::other)?;
    let mapping = MmapMut::map_anon(len)?;
    for advice in [mark, Advice::NoHugePage] {
        match mapping.advise(advice) {
            // A kernel built without hugepages refuses the advice not to use them.
            Err(e) if advice == Advice::NoHugePage && e.kind() == io::ErrorKind::InvalidInput => {}
            other => other?,
        }
    }
    Ok(mapping)
}

/// Its own resident pages, read without an allocation.
struct OwnSize {
    statm: File,
}

impl OwnSize {
    fn open() -> io::Result<OwnSize> {
        Ok(OwnSize { statm: File::open("/proc/self/statm")? })
    }

    fn pages(&mut self) -> io::Result<u64> {
        let mut text = [0; 128];
        let read = self.statm.read_at(&mut text, 0)?;
        let field = text[..read].split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        Ok(field.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }
}

/// What the pages hold: no two are equal (kernel same-page merging would join them) and none compresses
/// (zswap and zram would shrink them).
struct Content {
    noise: Vec<u8>,
    page: usize,
    number: u64,
}

impl Content {
    fn new(page: usize) -> Content {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let noise = (0..page / 8).flat_map(|_| random.next().to_ne_bytes()).collect();
        Content { noise, page, number: 0 }
    }

    fn fill(&mut self, page: &mut [u8]) {
        self.number += 1;
        let (number, noise) = page.split_at_mut(8);
        number.copy_from_slice(&self.number.to_ne_bytes());
        noise.copy_from_slice(&self.noise[8..self.page]);
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Uses a share of one core by its own CPU clock, so that what it sleeps, wakes and polls is inside the
/// share, and what it could not get in one slice is made up for in the next.
struct Burner {
    share: f64,
    since: Instant,
    used_before: Duration,
    random: Random,
}

/// A slice and its pause together, on average. The length varies: the kernel books CPU time of a node by
/// looking who runs at each tick, and a process in step with the ticks would be seen always or never.
const PERIOD: Duration = Duration::from_millis(20);

/// The shortest slice: waking up costs some 15 µs, which must fit into it. The period grows for a share so
/// small that its slices would be shorter.
const SLICE: Duration = Duration::from_micros(100);

/// What it makes up for at most after it was stopped or starved.
const ARREARS: Duration = Duration::from_secs(1);

impl Burner {
    fn new(share: f64) -> Burner {
        Burner {
            share,
            since: Instant::now(),
            used_before: Duration::ZERO,
            random: Random(u64::from(std::process::id()) << 20 | 1),
        }
    }

    fn start(&mut self) {
        self.since = Instant::now();
        self.used_before = cpu_time();
    }

    fn rehearse(&mut self) {
        let share = std::mem::replace(&mut self.share, 1.0);
        self.since = Instant::now() - Duration::from_millis(1);
        self.used_before = cpu_time();
        self.burn();
        self.share = share;
    }

    /// Burns what is due, and says how long to pause; for ever if there is nothing to burn.
    fn burn(&mut self) -> Option<Duration> {
        if self.share == 0.0 {
            return None;
        }
        let due = self.used_before + self.since.elapsed().mul_f64(self.share);
        if due.saturating_sub(cpu_time()) > ARREARS {
            self.start();
        }
        while cpu_time() < due {
            // About 20 µs of arithmetic: long beside the look at the clock, short beside a slice.
            for _ in 0..10_000 {
                std::hint::black_box(self.random.next());
            }
        }
        let jitter = 0.5 + (self.random.next() % 1024) as f64 / 1024.0;
        let period = PERIOD.max(SLICE.div_f64(self.share));
        Some(period.mul_f64(jitter * (1.0 - self.share)))
    }
}

/// CPU time of this process, which has one thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Waits that long for stdin to end; anything written there is read and ignored.
fn stdin_closes_within(time: Duration) -> io::Result<bool> {
    let stdin = io::stdin();
    // A time too long to be expressed is for ever.
    let timeout = Timespec::try_from(time).ok();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
        Ok(_) => Ok(rustix::io::read(&stdin, &mut [0; 256])? == 0),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Settings, String> {
        Settings::parse(&text.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn settings_end_where_the_borrowed_command_line_begins() {
        let settings =
            parsed("--resident 2MiB --guest 1024KiB --cpu 0.5 --seconds 3 -- -name guest=a --resident x")
                .unwrap();
        let seconds = Some(Duration::from_secs(3));
        assert_eq!(
            settings,
            Settings {
                resident: 2 << 20,
                guest: 1 << 20,
                cpu: 0.005,
                ends_after: seconds,
                ..Settings::default()
            }
        );
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, named) in [
            ("--resident 12", "`12`"),
            ("--resident 12MB", "`12MB`"),
            ("--resident 1MiB --cpu 101", "`101`"),
            ("--resident 1MiB --cup 1", "`--cup`"),
            ("--resident", "--resident"),
            ("--cpu 1", "--resident"),
        ] {
            assert!(parsed(text).unwrap_err().contains(named), "{text}");
        }
    }

    #[test]
    fn no_two_pages_are_equal() {
        let mut content = Content::new(4096);
        let mut pages = [[0u8; 4096]; 3];
        pages.iter_mut().for_each(|page| content.fill(page));
        assert!(pages[0] != pages[1] && pages[1] != pages[2]);
        assert!(pages[0][8..].chunks(8).all(|word| word != [0; 8]));
    }
}
