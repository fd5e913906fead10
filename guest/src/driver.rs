//! The driver: owns every pending operation of the host, and `poll`.
//!
//! A plain function of the component cannot start background work, and an
//! operation belongs to the task that polled it last. So the first call of `poll`
//! spawns [`drive`], which lives on after that call has returned and polls every
//! operation there is. Plain functions change the rules' state, carry out at once
//! what needs no waiting, and leave the rest to the driver. Later calls of `poll`
//! only wait to be woken by it.
//!
//! What ends before its time has to be cancelled, and the host may take a moment
//! for that. A plain function must not wait, so it leaves what it ends to `poll`,
//! which sees to it before it tells the program of anything.

use crate::node::{
    Action, Attempt, Errno, Error, Event, Handle, Id, Input, ListenAt, Net, Place, SocketOptions,
};
use crate::operation::{Operation, operation};
use crate::task::{self, Task};
use crate::transport::connection::{Receiver, Sender};
use crate::transport::ipc::{self, NotConnected};
use crate::transport::{Connection as Connected, Listening as Listens, name_lookup, tcp};
use futures::future::{AbortHandle, Abortable, LocalBoxFuture};
use futures::stream::{FuturesUnordered, LocalBoxStream, StreamExt};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::bindings::wasi::clocks::monotonic_clock;
use crate::transport::connection::READ_SIZE;
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// How many of the clock's units the rules' unit has.
const NANOSECONDS: u64 = 1_000_000;

/// A connection of a socket.
struct Connection {
    sending: Sending,
    /// The receiving task has begun.
    receives: bool,
    /// The rules have asked for bytes.
    wanted: bool,
    /// They have not asked in this turn.
    unwanted: bool,
    /// The receiving task, if it waits to be asked.
    receiver: Option<Waker>,
    /// What is going on with it.
    operations: Vec<Operation>,
    connected: Box<dyn Connected>,
}

/// Where an attempt to connect stands.
enum Connecting {
    /// Leads to `Succeeded`, or to nothing.
    UnderWay(Vec<AbortHandle>),
    /// The rules have not taken the connection yet.
    Succeeded(Box<dyn Connected>),
}

/// Where the sending direction stands.
enum Sending {
    /// Nothing was sent. Leads to `Writing`, or to `Over` if the FIN is all there is.
    Unused,
    /// Leads to `Writing` or `Over`.
    Idle(Sender),
    /// A write is under way. Leads to `Idle` when the host has taken everything, or
    /// to `Broken`.
    Writing,
    /// The host takes nothing more; the reason follows, and ends the connection.
    Broken,
    /// The FIN is sent, or the program has the stream.
    Over,
}

/// The tasks that move data between a socket and the program's streams.
#[derive(Default)]
struct Streams {
    /// Waits for something to be received.
    incoming: Option<Waker>,
    /// Waits for room to send.
    outgoing: Option<Waker>,
}

/// A server's sockets.
#[derive(Default)]
struct Listening {
    /// The accepting tasks that wait for room.
    waiting: Vec<Waker>,
    accepting: Vec<Operation>,
    /// What has to be dropped first.
    closes_at_once: Option<ipc::Listener>,
}

/// Everything there is.
#[derive(Default)]
struct State {
    net: Net,
    listening: HashMap<Handle, Listening>,
    connections: HashMap<Id, Connection>,
    attempts: HashMap<(Id, Attempt), Connecting>,
    /// By socket and its connection, as the rules count them.
    streams: HashMap<(Id, u32), Streams>,
    /// Whose receiving tasks wait for what the rules will ask for in this turn.
    undecided: Vec<Id>,
    /// Operations that were ended and have to be dropped by a task.
    ended: Vec<LocalBoxFuture<'static, ()>>,
    /// What could not be listened on because a server was closed just now.
    listens: Vec<Listen>,
    /// Operations that the driver has not seen.
    started: Vec<LocalBoxFuture<'static, ()>>,
    /// The driver, while it waits.
    driver: Option<Waker>,
    /// The call of `poll` that waits.
    poll: Option<Waker>,
    polling: bool,
    /// When `poll` is woken for the next idle timeout.
    alarm: Option<u64>,
}

/// An [`Action::Listen`].
struct Listen {
    id: Id,
    handle: Handle,
    at: ListenAt,
    backlog: u32,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
    /// The driver's task, once there is one.
    static TASK: RefCell<Option<Task>> = const { RefCell::new(None) };
}

fn with<T>(f: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(f)
}

/// Calls the rules, and carries out what they ask for.
pub fn call<T>(f: impl FnOnce(&mut Net) -> T) -> T {
    let outcome = with(|state| {
        look_at_clock(&mut state.net);
        f(&mut state.net)
    });
    carry_out();
    // A `poll` that waits beside this call looks again: there may be something to do,
    // another timeout to wait for, or nothing left to wait for.
    with(State::wake_poll);
    outcome
}

impl State {
    /// Has the call of `poll` that waits, if one does, look again.
    fn wake_poll(&mut self) {
        if let Some(poll) = self.poll.take() {
            poll.wake();
        }
    }
}

/// Looks at the rules' state, which stays as it is.
pub fn look<T>(f: impl FnOnce(&Net) -> T) -> T {
    with(|state| f(&state.net))
}

/// Reports to the rules what happened.
fn input(id: Id, input: Input) {
    with(|state| {
        state.net.input(id, input);
        state.wake_poll();
    });
}

/// Leaves an operation to the driver.
fn leave(future: impl Future<Output = ()> + 'static) {
    with(|state| {
        state.started.push(Box::pin(future));
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    });
}

/// Leaves an operation to the driver that can be ended.
fn start(future: impl Future<Output = ()> + 'static) -> Operation {
    let (handle, running) = operation(future);
    leave(running);
    handle
}

/// Leaves a call of the host to the driver. Only the driver can cancel it, since
/// that may have to wait for the host.
fn start_call(future: impl Future<Output = ()> + 'static) -> AbortHandle {
    let (handle, registration) = AbortHandle::new_pair();
    leave(async {
        // Aborted is what was asked for.
        let _ = Abortable::new(future, registration).await;
    });
    handle
}

/// Polls every operation there is.
async fn drive() {
    let mut operations = FuturesUnordered::new();
    poll_fn(|cx| {
        loop {
            with(|state| operations.extend(state.started.drain(..)));
            let progress = operations.poll_next_unpin(cx);
            let waits = with(|state| {
                if matches!(progress, Poll::Ready(Some(()))) || !state.started.is_empty() {
                    return false;
                }
                state.driver = Some(cx.waker().clone());
                true
            });
            if waits {
                return Poll::<()>::Pending;
            }
        }
    })
    .await;
}

// ---- poll ----

/// Marks the time of a call of `poll`, also if it is cancelled.
struct Polling;

impl Polling {
    fn begin() -> Result<Self, Error> {
        with(|state| {
            if std::mem::replace(&mut state.polling, true) {
                return Err(Error::already_polling());
            }
            Ok(Self)
        })
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        with(|state| {
            state.polling = false;
            state.poll = None;
        });
    }
}

/// One turn of the event loop.
pub async fn poll() -> Result<Vec<Event>, Error> {
    let _polling = Polling::begin()?;
    TASK.with_borrow_mut(|task| {
        if task.is_none() {
            *task = Some(task::capture());
            wit_bindgen::spawn_local(drive());
        }
    });
    // The program has had its say since the last turn.
    decide();
    Ok(poll_fn(turn).await)
}

fn turn(cx: &mut Context<'_>) -> Poll<Vec<Event>> {
    loop {
        with(|state| state.net.flush_all());
        carry_out();
        bury();
        let events = with(|state| {
            look_at_clock(&mut state.net);
            let events = state.net.turn();
            // What was piped in this turn goes out in this turn.
            state.net.flush_all();
            events
        });
        carry_out();
        bury();
        if !events.is_empty() {
            return Poll::Ready(events);
        }
        let idle = with(|state| {
            if state.net.has_work() {
                return None;
            }
            state.poll = Some(cx.waker().clone());
            Some(state.net.is_alive())
        });
        wait_for_deadline();
        match idle {
            None => {}
            Some(true) => {
                decide();
                return Poll::Pending;
            }
            Some(false) => return Poll::Ready(Vec::new()),
        }
    }
}

/// Tells the rules the time, if they wait for one.
pub fn look_at_clock(net: &mut Net) {
    if net.uses_clock() {
        net.advance(monotonic_clock::now() / NANOSECONDS);
    }
}

/// Has the next idle timeout wake `poll`.
fn wait_for_deadline() {
    let Some(deadline) = with(|state| {
        let deadline = state.net.next_deadline()?;
        let sooner = state.alarm.is_none_or(|alarm| deadline < alarm);
        sooner.then(|| {
            state.alarm = Some(deadline);
            deadline
        })
    }) else {
        return;
    };
    leave(async move {
        // Never before its time, though the clock counts finer.
        monotonic_clock::wait_until((deadline + 1) * NANOSECONDS).await;
        with(|state| {
            if state.alarm == Some(deadline) {
                state.alarm = None;
            }
            state.wake_poll();
        });
    });
}

/// The rules want nothing more in this turn.
fn decide() {
    let receivers: Vec<Waker> = with(|state| {
        let undecided = std::mem::take(&mut state.undecided);
        let receivers = undecided.into_iter().filter_map(|id| {
            let connection = state.connections.get_mut(&id)?;
            let receiver = connection.receiver.take()?;
            connection.unwanted = true;
            Some(receiver)
        });
        receivers.collect()
    });
    receivers.into_iter().for_each(Waker::wake);
}

/// Drops what was ended, and listens where that was in the way.
fn bury() {
    let (ended, listens) = with(|state| {
        let ended = std::mem::take(&mut state.ended);
        (ended, std::mem::take(&mut state.listens))
    });
    drop(ended);
    for listen in listens {
        self::listen(listen);
    }
}

// ---- what the rules ask for ----

/// Carries out what the rules have asked for, in order.
fn carry_out() {
    while let Some(action) = with(|state| state.net.next_action()) {
        match action {
            Action::Lookup { id, lookup, host } => {
                leave(async move {
                    let outcome = name_lookup::lookup(host).await;
                    input(id, Input::LookedUp { lookup, outcome });
                });
            }
            Action::Listen {
                id,
                handle,
                at,
                backlog,
            } => listen(Listen {
                id,
                handle,
                at,
                backlog,
            }),
            Action::CloseServer { handle } => {
                let listening = with(|state| state.listening.remove(&handle));
                end(listening.map(|listening| {
                    drop(listening.closes_at_once);
                    listening.accepting
                }));
            }
            Action::Accept { handle } => {
                let waiting = with(|state| {
                    let listening = state.listening.get_mut(&handle);
                    listening.map(|listening| std::mem::take(&mut listening.waiting))
                });
                for waker in waiting.into_iter().flatten() {
                    waker.wake();
                }
            }
            Action::Connect {
                id,
                attempt,
                remote,
                local,
                timeout,
            } => {
                let mut calls = vec![start_call(async move {
                    let outcome = tcp::connect(remote, local).await;
                    connected(id, attempt, outcome);
                })];
                calls.extend(timeout.map(|milliseconds| {
                    start_call(async move {
                        monotonic_clock::wait_for(milliseconds * NANOSECONDS).await;
                        input(id, Input::AttemptTimeout { attempt });
                    })
                }));
                begin_attempt(id, attempt, calls);
            }
            Action::ConnectPath { id, path } => {
                let attempt = 0;
                let call = start_call(async move {
                    let outcome = ipc::connect(path).await;
                    connected(id, attempt, outcome.map_err(|errno| ("connect", errno)));
                });
                begin_attempt(id, attempt, vec![call]);
            }
            Action::Open { id, attempt } => {
                let attempt = with(|state| state.attempts.remove(&(id, attempt)));
                if let Some(Connecting::Succeeded(connected)) = attempt {
                    open(id, connected);
                }
            }
            Action::AbortConnect { id, attempt } => end_attempt(id, attempt),
            Action::Read { id } => {
                let receiver = with(|state| {
                    let connection = state.connections.get_mut(&id)?;
                    connection.wanted = true;
                    connection.receiver.take()
                });
                if let Some(receiver) = receiver {
                    receiver.wake();
                }
                begin_to_receive(id);
            }
            Action::StreamIn { id, life } => {
                wake_stream(id, life, |streams| &mut streams.incoming);
            }
            Action::StreamOut { id, life } => {
                wake_stream(id, life, |streams| &mut streams.outgoing);
            }
            Action::Write { id, data } => write(id, data),
            Action::Shutdown { id } => {
                if let Some(sender) = take_sender(id, Sending::Over) {
                    go_on(id, async move {
                        input(
                            id,
                            match sender.shut_down().await {
                                Ok(()) => Input::ShutDown,
                                Err(errno) => Input::WriteFailed(errno),
                            },
                        );
                    });
                }
            }
            Action::KeepAlive { id, enable, delay } => with(|state| {
                if let Some(connection) = state.connections.get(&id) {
                    connection.connected.keep_alive(enable, delay);
                }
            }),
            Action::Close { id } => {
                let connection = with(|state| state.connections.remove(&id));
                end(connection.map(|connection| connection.operations));
            }
        }
    }
}

/// Ends operations. A task has to drop them.
fn end(operations: Option<Vec<Operation>>) {
    let operations = operations.into_iter().flatten();
    let ended: Vec<_> = operations.filter_map(Operation::take).collect();
    with(|state| state.ended.extend(ended));
}

fn listen(listen: Listen) {
    let Listen {
        id,
        handle,
        ref at,
        backlog,
    } = listen;
    let outcome = match at {
        ListenAt::Port { address, port } => tcp::listen(*address, *port, backlog)
            .map_err(|(errno, address)| (errno, Place::Address(address))),
        ListenAt::Path {
            path,
            readable_all,
            writable_all,
        } => ipc::listen(path, backlog, *readable_all, *writable_all)
            .map_err(|errno| (errno, Place::Path(path.clone()))),
        ListenAt::Descriptor(number) => {
            ipc::listen_on(*number, backlog).map_err(|errno| (errno, Place::Nameless))
        }
    };
    if let Err((Errno("EADDRINUSE"), Place::Address(_))) = outcome
        && with(|state| !state.ended.is_empty())
    {
        // Perhaps it is a server's that was closed just now, which is let go of in
        // a moment.
        with(|state| state.listens.push(listen));
        return;
    }
    let outcome = outcome.map(|listens| start_accepting(handle, listens));
    with(|state| state.net.listened(id, handle, outcome));
}

fn start_accepting(handle: Handle, listens: Listens) -> Option<SocketAddr> {
    let connections = listens.connections.into_iter();
    let accepting = connections.map(|connections| start(accept(handle, connections)));
    let listening = Listening {
        accepting: accepting.collect(),
        closes_at_once: listens.closes_at_once,
        ..Listening::default()
    };
    with(|state| state.listening.insert(handle, listening));
    listens.address
}

/// Accepts connections for as long as the program takes them.
async fn accept(handle: Handle, mut connections: LocalBoxStream<'static, Box<dyn Connected>>) {
    loop {
        poll_fn(|cx| {
            with(|state| {
                if state.net.accepting(handle) {
                    return Poll::Ready(());
                }
                if let Some(listening) = state.listening.get_mut(&handle) {
                    listening.waiting.push(cx.waker().clone());
                }
                Poll::Pending
            })
        })
        .await;
        let Some(connected) = connections.next().await else {
            return;
        };
        let ends = connected.ends();
        let socket = with(|state| {
            let socket = state.net.accepted(handle, ends);
            state.wake_poll();
            socket
        });
        if let Some(socket) = socket {
            open(socket, connected);
        }
    }
}

fn begin_attempt(id: Id, attempt: Attempt, calls: Vec<AbortHandle>) {
    let under_way = Connecting::UnderWay(calls);
    with(|state| state.attempts.insert((id, attempt), under_way));
}

/// Gives up an attempt, and the connection that it may have led to.
fn end_attempt(id: Id, attempt: Attempt) {
    let attempt = with(|state| state.attempts.remove(&(id, attempt)));
    if let Some(Connecting::UnderWay(calls)) = attempt {
        for call in calls {
            call.abort();
        }
    }
}

fn connected(id: Id, attempt: Attempt, outcome: Result<Box<dyn Connected>, (&'static str, Errno)>) {
    end_attempt(id, attempt);
    match outcome {
        Ok(connected) => {
            let ends = connected.ends();
            let succeeded = Connecting::Succeeded(connected);
            with(|state| state.attempts.insert((id, attempt), succeeded));
            input(id, Input::Connected { attempt, ends });
        }
        Err((syscall, errno)) => input(
            id,
            Input::ConnectFailed {
                attempt,
                syscall,
                errno,
            },
        ),
    }
}

/// Makes a socket of a connection that the host has: Node's `new net.Socket({ fd })`.
pub fn adopt(descriptor: u32, options: SocketOptions) -> Result<Id, Error> {
    let connected = ipc::adopt(descriptor).map_err(|reason| match reason {
        NotConnected::Kind(kind) => Error::invalid_fd_type(kind),
        NotConnected::Failed(errno) => Error::system(errno, "open"),
    })?;
    let ends = connected.ends();
    let id = with(|state| {
        look_at_clock(&mut state.net);
        state.net.adopt(options, ends)
    });
    open(id, connected);
    Ok(id)
}

/// A socket has a connection.
fn open(id: Id, connected: Box<dyn Connected>) {
    let connection = Connection {
        sending: Sending::Unused,
        receives: false,
        wanted: false,
        unwanted: false,
        receiver: None,
        operations: Vec::new(),
        connected,
    };
    let reads = with(|state| {
        state.connections.insert(id, connection);
        state.net.reads_at_once(id)
    });
    if reads {
        begin_to_receive(id);
    }
    // The rules may have asked for bytes when they took an accepted connection.
    carry_out();
}

/// Starts the receiving task, unless it runs.
fn begin_to_receive(id: Id) {
    let receiver = with(|state| {
        let connection = state.connections.get_mut(&id)?;
        let began = std::mem::replace(&mut connection.receives, true);
        (!began).then(|| connection.connected.receiver())
    });
    if let Some(receiver) = receiver {
        go_on(id, receive(id, receiver));
    }
}

/// Leaves an operation of a connection to the driver.
fn go_on(id: Id, future: impl Future<Output = ()> + 'static) {
    let operation = start(future);
    let homeless = with(|state| match state.connections.get_mut(&id) {
        Some(connection) => {
            connection.operations.retain(|old| !old.is_over());
            connection.operations.push(operation);
            None
        }
        None => Some(vec![operation]),
    });
    end(homeless);
}

/// Receives what the rules ask for.
async fn receive(id: Id, mut receiver: Receiver) {
    loop {
        // The usual order is that the program reads what came and answers. Receiving again only
        // then finds the next thing already there if it is, and waits for nothing.
        let wanted = asked(id, true).await;
        let holds_little = wanted && receiver.expects_little();
        // Waiting for something to come needs no asking, as nothing is taken, nor a buffer.
        if !holds_little && !receiver.ready().await {
            break;
        }
        if !wanted {
            asked(id, false).await;
        }
        match receiver.receive().await {
            Some(data) => input(id, Input::Received(data)),
            None => break,
        }
    }
    match receiver.end().await {
        Ok(()) => {
            write_has_not_failed(id).await;
            input(id, Input::PeerEnded);
        }
        Err(errno) => input(id, Input::ReadFailed(errno)),
    }
}

/// Waits until the rules ask for bytes. With `soon` only until the end of this turn: false if they
/// have not.
async fn asked(id: Id, soon: bool) -> bool {
    poll_fn(|cx| {
        with(|state| {
            let Some(connection) = state.connections.get_mut(&id) else {
                return Poll::Pending;
            };
            if std::mem::take(&mut connection.wanted) {
                connection.unwanted = false;
                return Poll::Ready(true);
            }
            if std::mem::take(&mut connection.unwanted) && soon {
                return Poll::Ready(false);
            }
            connection.receiver = Some(cx.waker().clone());
            if soon {
                state.undecided.push(id);
            }
            Poll::Pending
        })
    })
    .await
}

/// Whether an end is one: a system tells a reset once (POSIX's SO_ERROR), and if a
/// write under way was told, receiving sees an end. Does not return then.
async fn write_has_not_failed(id: Id) {
    let sending_is = |is: fn(&Sending) -> bool| {
        with(|state| {
            state
                .connections
                .get(&id)
                .is_some_and(|connection| is(&connection.sending))
        })
    };
    // That write failed before, but the host may tell of it later. It does so when the
    // driver waits, before anything that has not happened yet.
    if sending_is(|sending| matches!(sending, Sending::Writing)) {
        monotonic_clock::wait_for(NANOSECONDS).await;
    }
    if sending_is(|sending| matches!(sending, Sending::Broken)) {
        std::future::pending().await
    }
}

fn take_sender(id: Id, next: Sending) -> Option<Sender> {
    with(|state| {
        let connection = state.connections.get_mut(&id)?;
        match std::mem::replace(&mut connection.sending, next) {
            Sending::Unused => Some(connection.connected.sender()),
            Sending::Idle(sender) => Some(sender),
            // The rules ask for one thing at a time.
            Sending::Writing | Sending::Broken | Sending::Over => None,
        }
    })
}

fn set_sending(id: Id, sending: Sending) {
    with(|state| {
        if let Some(connection) = state.connections.get_mut(&id) {
            connection.sending = sending;
        }
    });
}

fn put_back(id: Id, sender: Sender) {
    set_sending(id, Sending::Idle(sender));
}

fn write(id: Id, data: Vec<u8>) {
    let Some(sender) = take_sender(id, Sending::Writing) else {
        return;
    };
    if data.is_empty() {
        put_back(id, sender);
        with(|state| state.net.written(id, 0, false));
        return;
    }
    let sent = Rc::new(Cell::new(0));
    let progress = Rc::clone(&sent);
    let mut sending = Box::pin(sender.send(data, move |bytes| {
        progress.set(bytes);
        with(|state| state.net.progressed(id));
    }));
    // There is a connection, so there is a driver.
    let progress = TASK.with_borrow_mut(|task| {
        let mut cx = Context::from_waker(Waker::noop());
        match task {
            Some(task) => task.enter(|| sending.as_mut().poll(&mut cx)),
            None => Poll::Pending,
        }
    });
    match progress {
        Poll::Ready(Ok(sender)) => {
            put_back(id, sender);
            with(|state| state.net.written(id, 0, false));
        }
        Poll::Ready(Err(sender)) => {
            set_sending(id, Sending::Broken);
            go_on(id, write_failed(id, sender));
        }
        Poll::Pending => {
            with(|state| state.net.written(id, sent.get(), true));
            go_on(id, async move {
                match sending.await {
                    Ok(sender) => {
                        put_back(id, sender);
                        input(id, Input::Written);
                    }
                    Err(sender) => {
                        set_sending(id, Sending::Broken);
                        write_failed(id, sender).await;
                    }
                }
            });
        }
    }
}

// ---- streams ----

/// Hands what a socket receives to a stream, and sends what comes from another.
pub fn stream(id: Id, life: u32, outgoing: StreamReader<u8>, incoming: StreamWriter<u8>) {
    with(|state| state.streams.insert((id, life), Streams::default()));
    leave(async move {
        futures::join!(
            send_stream(id, life, outgoing),
            receive_stream(id, life, incoming)
        );
        with(|state| state.streams.remove(&(id, life)));
    });
}

fn wake_stream(id: Id, life: u32, which: impl FnOnce(&mut Streams) -> &mut Option<Waker>) {
    let waker = with(|state| which(state.streams.get_mut(&(id, life))?).take());
    if let Some(waker) = waker {
        waker.wake();
    }
}

async fn receive_stream(id: Id, life: u32, mut stream: StreamWriter<u8>) {
    loop {
        let data = poll_fn(|cx| match call(|rules| rules.read_streamed(id, life)) {
            Some(data) if data.is_empty() => {
                with(|state| {
                    if let Some(streams) = state.streams.get_mut(&(id, life)) {
                        streams.incoming = Some(cx.waker().clone());
                    }
                });
                Poll::Pending
            }
            data => Poll::Ready(data),
        })
        .await;
        let Some(data) = data else {
            return;
        };
        let left = stream.write_all(data).await;
        if !left.is_empty() {
            // Nobody takes it any more.
            call(|rules| rules.stop_streaming(id, life, left));
            return;
        }
    }
}

async fn send_stream(id: Id, life: u32, mut stream: StreamReader<u8>) {
    loop {
        let goes_on = poll_fn(
            |cx| match with(|state| state.net.stream_has_room(id, life)) {
                None => Poll::Ready(false),
                Some(true) => Poll::Ready(true),
                Some(false) => {
                    with(|state| {
                        if let Some(streams) = state.streams.get_mut(&(id, life)) {
                            streams.outgoing = Some(cx.waker().clone());
                        }
                    });
                    Poll::Pending
                }
            },
        )
        .await;
        if !goes_on {
            break;
        }
        let (status, data) = stream.read(Vec::with_capacity(READ_SIZE)).await;
        if status == StreamResult::Dropped {
            break;
        }
        call(|rules| rules.write_streamed(id, life, data));
    }
    call(|rules| rules.end_streamed(id, life));
}

/// Hands the connection's own streams over.
pub fn take_streams(id: Id, outgoing: StreamReader<u8>) -> Result<StreamReader<u8>, Error> {
    with(|state| state.net.take_streams(id))?;
    let handed_over = with(|state| {
        let connection = state.connections.get_mut(&id)?;
        connection.receives = true;
        connection.sending = Sending::Over;
        Some(connection.connected.hand_over(outgoing))
    });
    let (incoming, ends) = handed_over.ok_or_else(Error::not_connected)?;
    let (sending, receiving) = ends.split();
    go_on(id, async move {
        input(
            id,
            match sending.await {
                Ok(()) => Input::ShutDown,
                Err(errno) => Input::WriteFailed(errno),
            },
        );
    });
    go_on(id, async move {
        input(
            id,
            match receiving.await {
                Ok(()) => Input::PeerEnded,
                Err(errno) => Input::ReadFailed(errno),
            },
        );
    });
    Ok(incoming)
}

async fn write_failed(id: Id, sender: Sender) {
    input(id, Input::WriteFailed(sender.failure().await));
}
