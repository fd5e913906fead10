//! Standard input, read as the program asks for it.

use std::cell::RefCell;

use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use crate::completion::{self, Outcome};
use crate::wasi::cli::stdin;
use crate::wasi::cli::types::ErrorCode;

/// As much as Node reads at a time.
const CHUNK: usize = 64 * 1024;

enum State {
    /// Nobody has read from it.
    Fresh,
    Open(StreamReader<u8>, FutureReader<Result<(), ErrorCode>>),
    /// A read is under way.
    Reading,
    Ended,
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::Fresh) };
}

/// Reads one chunk: bytes, none at the end.
pub(crate) fn read(number: f64) {
    completion::start(number, async {
        let (mut data, outcome) = match STATE.replace(State::Reading) {
            State::Fresh => stdin::read_via_stream(),
            State::Open(data, outcome) => (data, outcome),
            State::Reading => return Outcome::Failed("EALREADY"),
            State::Ended => {
                STATE.set(State::Ended);
                return Outcome::Bytes(vec![]);
            }
        };
        loop {
            let (result, chunk) = data.read(Vec::with_capacity(CHUNK)).await;
            let ends = matches!(result, StreamResult::Dropped);
            if !chunk.is_empty() {
                STATE.set(State::Open(data, outcome));
                return Outcome::Bytes(chunk);
            }
            if ends {
                STATE.set(State::Ended);
                return match outcome.await {
                    Ok(()) => Outcome::Bytes(vec![]),
                    Err(_) => Outcome::Failed("EIO"),
                };
            }
        }
    });
}
