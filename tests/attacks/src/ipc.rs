//! By `plugnet:net/ipc`, without the net component.

use crate::plugnet::net::ipc::{self, Connection, ErrorCode, ListenOptions, Listener};
use crate::{Outcome, number};

pub async fn attempt(words: &[&str]) -> Outcome {
    match words {
        ["connect-path", path] => finish(Connection::connect((*path).to_owned()).await),
        ["listen-path", path] => {
            let options = ListenOptions {
                backlog: 1,
                readable_all: false,
                writable_all: false,
            };
            finish(Listener::listen(path, options))
        }
        ["listen-fd", fd] => finish(Listener::from_descriptor(number(fd).into(), 1)),
        ["socket-fd", fd] => finish(Connection::from_descriptor(number(fd).into())),
        ["kind", fd] => Ok(format!("{:?}", ipc::guess_handle(number(fd).into()))),
        _ => panic!("there is no attempt {words:?}"),
    }
}

fn finish<T>(result: Result<T, ErrorCode>) -> Outcome {
    result.map(|_| String::new()).map_err(|error| match error {
        ErrorCode::AccessDenied => "access-denied".to_owned(),
        ErrorCode::InvalidArgument => "invalid-argument".to_owned(),
        ErrorCode::BadDescriptor => "bad-descriptor".to_owned(),
        other => format!("{other:?}"),
    })
}
