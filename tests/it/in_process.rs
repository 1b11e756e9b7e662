//! Runs the program in the test process, with a simulated clock.

use crate::harness::call::Args;
use crate::harness::{Outcome, Test};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use zoho_cred::model::ClockReading;
use zoho_cred::system::{Clock, Env, System, Terminal};

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

/// The system with a simulated clock, no terminal and an empty stdin.
pub fn system<C: Clock + 'static>(clock: &Rc<C>) -> System {
    System {
        clock: Rc::clone(clock) as Rc<dyn Clock>,
        terminal: Terminal::default(),
        stdin: Box::new(io::empty()),
        ..System::real()
    }
}

/// Runs `zoho-cred` in this process, with a simulated clock.
pub fn run<C: Clock + 'static>(test: &Test, clock: &Rc<C>, args: impl Args) -> Outcome {
    run_on(test, system(clock), args)
}

/// Runs `zoho-cred` in this process on this system, in the environment of the test.
pub fn run_on(test: &Test, system: System, args: impl Args) -> Outcome {
    run_in(Env::of(test.vars()), system, args)
}

/// The same in another environment.
pub fn run_in(env: Env, system: System, args: impl Args) -> Outcome {
    run_saying(env, system, args, Sink::default())
}

/// The same, with a stderr that can be read while the program runs.
pub fn run_saying(env: Env, system: System, args: impl Args, err: Sink) -> Outcome {
    let out = Sink::default();
    let begun = Instant::now();
    let mut system =
        System { env, stdout: Box::new(out.clone()), stderr: RefCell::new(Box::new(err.clone())), ..system };
    let code = zoho_cred::run([&["zoho-cred".into()], &*args.words()].concat(), &mut system);
    Outcome { code: code.into(), stdout: out.text(), stderr: err.text(), took: begun.elapsed() }
}
