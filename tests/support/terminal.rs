//! A terminal of any size, without a screen: what a program writes to it, byte by byte.
//!
//! A pseudoterminal (pty(7)) is a terminal to the program at its one end; at its other end a test reads what
//! a terminal emulator would have to show. Its line discipline writes `\r\n` for `\n`.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command};
use std::thread::{JoinHandle, spawn};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A terminal that keeps all that is written to it.
#[derive(Debug)]
pub struct Terminal {
    end_of_the_program: OwnedFd,
    written: JoinHandle<String>,
}

impl Terminal {
    /// A terminal of this many columns and rows.
    pub fn new(columns: u16, rows: u16) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudoterminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("a pseudoterminal of ours");
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).expect("its size is set");
        let name = ptsname(&ours, Vec::new()).expect("its name");
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs = rustix::fs::openat(CWD, path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        Terminal {
            end_of_the_program: theirs.expect("the end of the program"),
            written: spawn(|| read_all(ours)),
        }
    }

    /// An end of the terminal, to be the stdout or stderr of a program.
    pub fn end(&self) -> OwnedFd {
        self.end_of_the_program.try_clone().expect("another descriptor")
    }

    /// All that was written, with the ends of lines as the program wrote them. `child` and `command` are the
    /// program and what it was started with, which hold ends of the terminal.
    pub fn written(self, command: Command, mut child: Child) -> String {
        child.wait().expect("the program ends");
        drop((command, child, self.end_of_the_program));
        self.written.join().expect("the terminal is read").replace("\r\n", "\n")
    }
}

/// When the last program has closed its end, reading answers EIO.
fn read_all(fd: OwnedFd) -> String {
    let mut file = File::from(fd);
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8(bytes).expect("all that edgebench writes is UTF-8")
}
