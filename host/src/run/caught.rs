//! Panics of the libraries end here, and become errors.
//!
//! What reads a program's bytes and what the program calls is written so that it does not panic.
//! Where it does nevertheless, one program must not end its neighbours in the same process.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::Error;

/// Calls `f`, and makes an error of its panic.
///
/// Nothing that `f` has to do with may be used afterwards, unless it stays whole in a panic.
pub(crate) fn caught<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(error(&*panic)))
}

/// The same for a future, which owns all that it has to do with.
pub(crate) async fn caught_async<T>(
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(error(&*panic))))
    })
    .await
}

fn error(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::Panic(message.unwrap_or("it gave no reason").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panic is an error that says its message.
    #[test]
    fn a_panic_is_an_error() {
        let result: Result<(), Error> = caught(|| panic!("number {}", 7));
        let Err(Error::Panic(message)) = result else {
            panic!("{result:?}");
        };
        assert_eq!(message, "number 7");
    }

    /// So is one of a future, also after it has waited.
    #[tokio::test]
    async fn a_panic_of_a_future_is_an_error() {
        let result: Result<(), Error> = caught_async(async {
            tokio::task::yield_now().await;
            panic!("later")
        })
        .await;
        assert!(matches!(result, Err(Error::Panic(message)) if message == "later"));
    }
}
