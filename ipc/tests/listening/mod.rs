//! Somebody who listens, and connections to him.

use plugnet_ipc::{Grants, ListenOptions, Listener, Socket};

use crate::place::Place;
use crate::talk;

/// A listener at a path in a place of its own, all of which is granted.
pub struct Listening {
    pub listener: Listener,
    pub grants: Grants,
    pub path: String,
    _place: Place,
}

impl Listening {
    pub fn new() -> Self {
        let place = Place::new();
        let (grants, path) = (place.grants(), place.path("app.sock"));
        let listener = Listener::bind(&grants, &path, &ListenOptions::default()).unwrap();
        Listening {
            listener,
            grants,
            path,
            _place: place,
        }
    }

    /// The two ends of a new connection: the client's and the server's.
    pub async fn pair(&self) -> (Socket, Socket) {
        talk::pair(&self.grants, &self.listener, &self.path).await
    }
}
