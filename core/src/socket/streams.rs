//! `streams`: a connection's data by two streams of the program's, instead of `read`
//! and `write`.

/// What moves the data of a connection.
#[derive(Debug, Default)]
pub(crate) enum Data {
    /// `read`, `write` and `pipe`. Leads to `Streams` or `Taken`.
    #[default]
    Program,
    /// `streams`: the rules, for two streams of the program's.
    Streams(Streams),
    /// `takeStreams`: the program has the connection's own streams.
    Taken,
}

impl Data {
    fn streams(&self) -> Option<&Streams> {
        match self {
            Self::Streams(streams) => Some(streams),
            Self::Program | Self::Taken => None,
        }
    }

    /// The two streams, if there are any.
    pub fn streams_mut(&mut self) -> Option<&mut Streams> {
        match self {
            Self::Streams(streams) => Some(streams),
            Self::Program | Self::Taken => None,
        }
    }

    /// Whether the program has the connection's own streams.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Taken)
    }

    /// Whether what is received goes to a stream.
    pub fn streams_in(&self) -> bool {
        self.streams().is_some_and(Streams::take_incoming)
    }

    /// Whether more may come from a stream, to be sent.
    pub fn streams_out(&self) -> bool {
        self.streams().is_some_and(Streams::send)
    }

    /// Whether the program may not have everything that a stream was given.
    pub fn delivers(&self) -> bool {
        self.streams().is_some_and(Streams::deliver)
    }

    /// Whether a stream goes on.
    pub fn goes_on(&self) -> bool {
        self.streams_in() || self.streams_out()
    }
}

/// The two streams of one connection.
#[derive(Debug)]
pub(crate) struct Streams {
    incoming: Incoming,
    outgoing: Outgoing,
}

/// Where the stream stands that takes what is received.
#[derive(Debug, PartialEq, Eq)]
enum Incoming {
    /// It has taken everything so far. Leads to `Delivering` or `Over`.
    Waiting,
    /// It was given something that it may not have taken. Leads to `Waiting` or
    /// `Over`.
    Delivering,
    /// The peer has ended, or the program has dropped it.
    Over,
}

/// Where the stream stands that is sent.
#[derive(Debug, PartialEq, Eq)]
enum Outgoing {
    /// More may come from it. Leads to `Over`.
    Open,
    /// The program has ended it, or nothing is sent any more.
    Over,
}

impl Streams {
    /// Both begin.
    pub fn begin() -> Self {
        Self {
            incoming: Incoming::Waiting,
            outgoing: Outgoing::Open,
        }
    }

    /// Whether what is received goes to a stream.
    fn take_incoming(&self) -> bool {
        matches!(self.incoming, Incoming::Waiting | Incoming::Delivering)
    }

    /// Whether the program may not have everything that was received.
    fn deliver(&self) -> bool {
        self.incoming == Incoming::Delivering
    }

    /// Whether more may come to be sent.
    fn send(&self) -> bool {
        self.outgoing == Outgoing::Open
    }

    /// The program has what was received.
    pub fn has_delivered(&mut self) {
        if self.incoming == Incoming::Delivering {
            self.incoming = Incoming::Waiting;
        }
    }

    /// Something is given to the stream.
    pub fn begins_delivering(&mut self) {
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
