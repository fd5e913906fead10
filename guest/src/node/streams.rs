//! `streams`: a connection's data by two streams of the program's, instead of `read`
//! and `write`.

/// The two streams of one connection.
#[derive(Debug, Default)]
pub struct Streams {
    incoming: Incoming,
    outgoing: Outgoing,
}

/// Where the stream stands that takes what is received.
#[derive(Debug, Default, PartialEq, Eq)]
enum Incoming {
    /// There is none. Leads to `Waiting`.
    #[default]
    None,
    /// It has taken everything so far. Leads to `Delivering` or `Over`.
    Waiting,
    /// It was given something that it may not have taken. Leads to `Waiting` or
    /// `Over`.
    Delivering,
    /// The peer has ended, or the program has dropped it.
    Over,
}

/// Where the stream stands that is sent.
#[derive(Debug, Default, PartialEq, Eq)]
enum Outgoing {
    /// There is none. Leads to `Open`.
    #[default]
    None,
    /// More may come from it. Leads to `Over`.
    Open,
    /// The program has ended it, or nothing is sent any more.
    Over,
}

impl Streams {
    /// Begins with both, once. False if that was done before.
    pub fn begin(&mut self) -> bool {
        let fresh = self.incoming == Incoming::None;
        if fresh {
            self.incoming = Incoming::Waiting;
            self.outgoing = Outgoing::Open;
        }
        fresh
    }

    /// Whether what is received goes to a stream.
    pub fn take_incoming(&self) -> bool {
        matches!(self.incoming, Incoming::Waiting | Incoming::Delivering)
    }

    /// Whether the program may not have everything that was received.
    pub fn deliver(&self) -> bool {
        self.incoming == Incoming::Delivering
    }

    /// Whether more may come to be sent.
    pub fn send(&self) -> bool {
        self.outgoing == Outgoing::Open
    }

    /// Whether either goes on.
    pub fn go_on(&self) -> bool {
        self.take_incoming() || self.send()
    }

    /// The program has what was received.
    pub fn delivered(&mut self) {
        if self.incoming == Incoming::Delivering {
            self.incoming = Incoming::Waiting;
        }
    }

    /// Something is given to the stream.
    pub fn delivers(&mut self) {
        self.incoming = Incoming::Delivering;
    }

    /// Nothing more goes to the stream.
    pub fn incoming_is_over(&mut self) {
        self.incoming = Incoming::Over;
    }

    /// Nothing more comes from the stream.
    pub fn outgoing_is_over(&mut self) {
        self.outgoing = Outgoing::Over;
    }
}
