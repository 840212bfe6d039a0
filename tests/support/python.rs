//! Python processes that share, merge and swap memory as the kernel allows and the stand-in does not.
//!
//! Each is known by its `comm`, which a process may set itself (`/proc/self/comm`), says `ready` once its
//! memory is in place, and ends when its stdin does: so does every child it forked, for they have the same
//! stdin.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What every script begins with.
const PRELUDE: &str = "\
import ctypes, mmap, os, sys
MIB, PAGE = 1 << 20, mmap.PAGESIZE
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

def fill(memory, kind=0):
    '''Touches every page; no two are equal, but those of two memories of one kind are.'''
    for at in range(0, len(memory), PAGE):
        memory[at:at + 16] = (at + 1).to_bytes(8, 'little') + kind.to_bytes(8, 'little')

def children(count):
    '''Forks so many; answers with 0 in the parent and with 1, 2 … in its children.'''
    global born
    for number in range(1, count + 1):
        if os.fork() == 0:
            born = None
            return number
    born = count
    return 0

def rest():
    '''Says that all memory is in place, the parent after its children, and waits.'''
    if born is None:
        os.write(done, b'.')
    else:
        for _ in range(born):
            os.read(waiting, 1)
        print('ready', flush=True)
    os.read(0, 1)
    os._exit(0)

born = 0
waiting, done = os.pipe()
";

/// A running script, and the children it forked.
#[derive(Debug)]
pub struct Python {
    child: Child,
}

impl Python {
    /// Runs `script` as a process called `comm`, and returns when its memory is in place.
    ///
    /// # Panics
    /// If it ends before.
    pub fn start(comm: &str, script: &str) -> Python {
        let named = format!("{PRELUDE}\nopen('/proc/self/comm', 'w').write('{comm}')\n{script}\nrest()");
        let child = Command::new("python3")
            .args(["-c", &named])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut python = Python { child };
        let mut line = String::new();
        BufReader::new(python.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{comm} ended before its memory was in place: see its message above");
        python
    }

    /// The number of the process that ran the script.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let patience = Instant::now() + Duration::from_secs(10);
        while Instant::now() < patience {
            match self.child.try_wait() {
                Ok(None) => sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `done` holds, at most so many seconds.
///
/// # Panics
/// If it does not by then.
pub fn wait(seconds: u64, what: &str, mut done: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(seconds);
    while !done() {
        assert!(Instant::now() < patience, "not within {seconds} s: {what}");
        sleep(Duration::from_millis(20));
    }
}
