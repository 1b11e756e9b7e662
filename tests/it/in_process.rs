//! Runs the program in the test process, with a simulated clock.

use crate::harness::Test;
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use zoho_cred::model::ClockReading;
use zoho_cred::system::{Clock, Env, FileSystem, OpenHttp, System, Terminal};

/// A clock that advances only when a test moves it or the program sleeps.
pub struct ManualClock {
    wall_ms: Cell<i64>,
    boot_ms: Cell<i64>,
    boots: Cell<u32>,
}

impl ManualClock {
    pub fn new() -> Rc<Self> {
        Rc::new(ManualClock {
            wall_ms: Cell::new(1_800_000_000_000),
            boot_ms: Cell::new(50_000_000),
            boots: Cell::default(),
        })
    }

    /// Starts at the current wall-clock time.
    pub fn at_the_wall() -> Rc<Self> {
        let clock = ManualClock::new();
        clock.wall_ms.set(zoho_cred::system::RealClock::default().now().wall_ms);
        clock
    }

    pub fn advance(&self, by: Duration) {
        let ms = by.as_millis() as i64;
        self.wall_ms.set(self.wall_ms.get() + ms);
        self.boot_ms.set(self.boot_ms.get() + ms);
    }

    /// Reboots the machine. This takes 20 s, and the clock is then wrong by `wrong_ms`.
    pub fn reboot(&self, wrong_ms: i64) {
        self.boots.set(self.boots.get() + 1);
        self.boot_ms.set(20_000);
        self.wall_ms.set(self.wall_ms.get() + 20_000 + wrong_ms);
    }

    /// Changes the wall clock by this amount; the boot clock does not change.
    pub fn set_by(&self, ms: i64) {
        self.wall_ms.set(self.wall_ms.get() + ms);
    }

    /// Sets the wall clock forward; the boot clock does not change.
    pub fn set_forward(&self, by: Duration) {
        self.wall_ms.set(self.wall_ms.get() + by.as_millis() as i64);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> ClockReading {
        ClockReading { wall_ms: self.wall_ms.get(), boot_ms: self.boot_ms.get() }
    }

    fn boot_id(&self) -> String {
        format!("test{}", self.boots.get())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.boot_ms.get() as u64)
    }

    fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// A clock that calls the test before every reading and after every sleep.
pub struct HookedClock<'a> {
    pub inner: Rc<ManualClock>,
    pub on_read: Box<dyn Fn() + 'a>,
    pub on_sleep: Box<dyn Fn(Duration) + 'a>,
}

impl Clock for HookedClock<'_> {
    fn now(&self) -> ClockReading {
        (self.on_read)();
        self.inner.now()
    }

    fn boot_id(&self) -> String {
        self.inner.boot_id()
    }

    fn monotonic(&self) -> Duration {
        (self.on_read)();
        self.inner.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        self.inner.advance(duration);
        (self.on_sleep)(duration);
    }
}

/// A stream whose content the test can read.
#[derive(Clone, Default)]
pub struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Test {
    /// Like `run_with_stdin`, but in this process.
    #[track_caller]
    pub fn run_with_stdin_in_process(&self, clock: &Rc<ManualClock>, args: &[&str], stdin: &str) {
        let mut system = System {
            env: Env::of(self.vars()),
            clock: Rc::clone(clock) as Rc<dyn Clock>,
            terminal: Terminal::default(),
            stdin: Box::new(io::Cursor::new(stdin.to_owned())),
            stdout: Box::new(Sink::default()),
            ..System::real()
        };
        let args = ["zoho-cred"].iter().chain(args).map(|arg| (*arg).into());
        assert_eq!(zoho_cred::run(args, &mut system), 0);
    }
}

/// Runs `zoho-cred` with `args` in this process and returns exit code, stdout and stderr.
pub fn run(test: &Test, clock: &Rc<ManualClock>, args: &[&str]) -> (u8, String, String) {
    run_over(test, clock, System::real().http, args)
}

/// Like `run`, with another network adapter.
pub fn run_over<C: Clock + 'static>(
    test: &Test,
    clock: &Rc<C>,
    http: OpenHttp,
    args: &[&str],
) -> (u8, String, String) {
    run_system(System { http, ..System::real() }, Env::of(test.vars()), clock, args)
}

/// Like `run`, with another file system adapter.
pub fn run_on(
    test: &Test,
    clock: &Rc<ManualClock>,
    file_system: fn(&Path) -> FileSystem,
    args: &[&str],
) -> (u8, String, String) {
    run_system(System { file_system, ..System::real() }, Env::of(test.vars()), clock, args)
}

fn run_system<C: Clock + 'static>(
    system: System,
    env: Env,
    clock: &Rc<C>,
    args: &[&str],
) -> (u8, String, String) {
    let (out, err) = (Sink::default(), Sink::default());
    let mut system = System {
        env,
        clock: Rc::clone(clock) as Rc<dyn Clock>,
        terminal: Terminal::default(),
        stdin: Box::new(io::empty()),
        stdout: Box::new(out.clone()),
        stderr: RefCell::new(Box::new(err.clone())),
        ..system
    };
    let args = ["zoho-cred"].iter().chain(args).map(|arg| (*arg).into());
    let code = zoho_cred::run(args, &mut system);
    (code, out.text(), err.text())
}
