//! What a scenario waits for: the net component, time, and the replies of peers.

use crate::plugnet::net::net::{self, Event};
use crate::plugnet::net::turn;
use crate::wasi::cli::stdin::read_via_stream;
use crate::wasi::clocks::monotonic_clock::wait_for;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use wit_bindgen::rt::async_support::StreamReader;

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

/// What happened.
pub enum Happened {
    /// An event of the net component.
    Event(Event),
    /// Nothing can happen any more.
    Nothing,
    /// The time to sleep is over.
    Slept,
    /// A line from the harness.
    Reply(String),
}

/// Everything that is being waited for.
#[derive(Default)]
pub struct Outside {
    waiting: Option<Boxed<bool>>,
    /// Nothing could happen in the net component when it was asked last.
    idle: bool,
    sleeping: Option<Boxed<()>>,
    replying: Option<Boxed<(Input, String)>>,
}

struct Input {
    stream: StreamReader<u8>,
    rest: Vec<u8>,
}

impl Outside {
    pub fn sleep(&mut self, time: Option<Duration>) {
        if let Some(time) = time {
            let nanoseconds = u64::try_from(time.as_nanos()).expect("a short time");
            self.sleeping = Some(Box::pin(wait_for(nanoseconds)));
        }
    }

    /// Waits until something happens. With `patient` a reply is to come though nothing can
    /// happen in the net component.
    pub async fn next(&mut self, patient: bool) -> Happened {
        let happened = poll_fn(|context| self.poll(patient, context)).await;
        if matches!(happened, Happened::Slept | Happened::Reply(_)) {
            self.idle = false;
        }
        happened
    }

    fn poll(&mut self, patient: bool, context: &mut Context<'_>) -> Poll<Happened> {
        if let Some(event) = net::next() {
            return Poll::Ready(Happened::Event(event));
        }
        if let Some(sleeping) = &mut self.sleeping
            && sleeping.as_mut().poll(context).is_ready()
        {
            self.sleeping = None;
            return Poll::Ready(Happened::Slept);
        }
        let replying = self.replying.get_or_insert_with(|| {
            let (stream, _) = read_via_stream();
            let rest = Vec::new();
            Box::pin(line(Input { stream, rest }))
        });
        if let Poll::Ready((input, line)) = replying.as_mut().poll(context) {
            self.replying = Some(Box::pin(self::line(input)));
            return Poll::Ready(Happened::Reply(line));
        }
        while !self.idle {
            let waiting = self.waiting.get_or_insert_with(|| {
                Box::pin(async { turn::wait().await.expect("no other wait is waiting") })
            });
            let Poll::Ready(more) = waiting.as_mut().poll(context) else {
                break;
            };
            self.waiting = None;
            self.idle = !more;
            if let Some(event) = net::next() {
                return Poll::Ready(Happened::Event(event));
            }
        }
        if self.idle && self.sleeping.is_none() && !patient {
            return Poll::Ready(Happened::Nothing);
        }
        Poll::Pending
    }
}

/// The next line from the harness, which never ends its side before the program does.
async fn line(mut input: Input) -> (Input, String) {
    loop {
        if let Some(end) = input.rest.iter().position(|&byte| byte == b'\n') {
            let line = input.rest.drain(..=end).collect();
            let line = String::from_utf8(line).expect("the harness sends text");
            return (input, line.trim_end().to_owned());
        }
        let (_, more) = input.stream.read(Vec::with_capacity(1024)).await;
        if more.is_empty() {
            std::future::pending::<()>().await;
        }
        input.rest.extend(more);
    }
}
