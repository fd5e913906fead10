//! Gives the events of `net` to JavaScript.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::Poll;

use rquickjs::{Ctx, IntoJs, Object, Result, Value};
use rustc_hash::FxHashMap;

use super::{address, error, family_name};
use crate::binding::bytes;
use crate::binding::object::Whole;
use crate::engine::{Engine, call, shared, uncaught};
use crate::plugnet::net::net::{self, Event, EventKind};
use crate::plugnet::net::turn;
use crate::wasi::clocks::monotonic_clock;

/// As much as Node reads at a time.
const CHUNK: u64 = 64 * 1024;

thread_local! {
    /// The sockets that JavaScript holds, to read from.
    static SOCKETS: RefCell<FxHashMap<u64, Weak<net::Socket>>> = RefCell::default();
}

/// Remembers a socket that JavaScript got.
pub(super) fn hold(socket: net::Socket) -> Rc<net::Socket> {
    let id = socket.id();
    let socket = Rc::new(socket);
    SOCKETS.with_borrow_mut(|sockets| sockets.insert(id, Rc::downgrade(&socket)));
    socket
}

/// Forgets it.
pub(super) fn forget(id: u64) {
    SOCKETS.with_borrow_mut(|sockets| sockets.remove(&id));
}

/// How long `wait` has to say that nothing is left, in nanoseconds. It may let others go on first.
const PATIENCE: u64 = 20_000_000;

/// Whether `net` keeps the program running.
pub(crate) async fn is_alive() -> bool {
    let mut wait = pin!(turn::wait());
    let mut over = pin!(monotonic_clock::wait_for(PATIENCE));
    poll_fn(|context| match wait.as_mut().poll(context) {
        Poll::Ready(alive) => Poll::Ready(alive.unwrap_or(false)),
        Poll::Pending => over.as_mut().poll(context).map(|()| true),
    })
    .await
}

/// Gives all events that there are now, each followed by what Node does after a callback.
///
/// In Node `connect`, the callbacks of what was written before it, and `ready` come within one.
pub(crate) fn events(engine: &Engine) {
    let mut connecting = None;
    while let Some(event) = net::next() {
        if connecting.is_some_and(|socket| socket != event.source) {
            engine.drain();
            connecting = None;
        }
        match event.kind {
            EventKind::Connect => connecting = Some(event.source),
            EventKind::Callback(_) => {}
            _ => connecting = None,
        }
        engine.with(|ctx| {
            if dispatch(ctx, event).is_err() {
                uncaught(ctx);
            }
        });
        if connecting.is_none() {
            engine.drain();
        }
    }
    if connecting.is_some() {
        engine.drain();
    }
}

fn dispatch(ctx: &Ctx<'_>, event: Event) -> Result<()> {
    let Event { source, kind } = event;
    let undefined = || Value::new_undefined(ctx.clone());
    let (name, value) = match kind {
        EventKind::Readable => {
            let socket =
                SOCKETS.with_borrow(|sockets| sockets.get(&source).and_then(Weak::upgrade));
            let Some(socket) = socket else { return Ok(()) };
            let data = socket.read(CHUNK);
            if data.is_empty() {
                return Ok(());
            }
            ("data", bytes::from_vec(ctx, data)?)
        }
        EventKind::Listening => ("listening", undefined()),
        EventKind::Connection => ("connection", undefined()),
        EventKind::Drop(dropped) => {
            let object = Object::new(ctx.clone())?;
            object.set("local", address(ctx, dropped.local)?)?;
            object.set("remote", address(ctx, dropped.remote)?)?;
            ("drop", object.into_value())
        }
        EventKind::Connections(count) => {
            let object = Object::new(ctx.clone())?;
            object.set("callback", Whole(count.callback))?;
            object.set("count", Whole(count.count))?;
            ("connections", object.into_value())
        }
        EventKind::LookupRequest(request) => {
            let object = Object::new(ctx.clone())?;
            object.set("hostname", request.hostname)?;
            object.set("family", request.family.map(family_name))?;
            object.set("hints", request.hints)?;
            object.set("all", request.all)?;
            ("lookupRequest", object.into_value())
        }
        EventKind::Lookup(lookup) => {
            let object = Object::new(ctx.clone())?;
            object.set("host", lookup.host)?;
            match lookup.outcome {
                Ok(address) => object.set("address", address)?,
                Err(error) => object.set("error", error::value(ctx, error)?)?,
            }
            object.set("family", lookup.family)?;
            ("lookup", object.into_value())
        }
        EventKind::Connect => ("connect", undefined()),
        EventKind::Ready => ("ready", undefined()),
        EventKind::Drain => ("drain", undefined()),
        EventKind::Finish => ("finish", undefined()),
        EventKind::End => ("end", undefined()),
        EventKind::Timeout => ("timeout", undefined()),
        EventKind::Error(error) => ("error", error::value(ctx, error)?),
        EventKind::Close(had_error) => ("close", had_error.into_js(ctx)?),
        EventKind::Callback(completion) => {
            let object = Object::new(ctx.clone())?;
            object.set("callback", Whole(completion.callback))?;
            if let Some(error) = completion.error {
                object.set("error", error::value(ctx, error)?)?;
            }
            ("callback", object.into_value())
        }
    };
    call(ctx, &shared().dispatch, (Whole(source), name, value)).map(drop)
}
