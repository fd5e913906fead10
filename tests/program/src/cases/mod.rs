//! The cases, by what they are about.

mod client;
mod contract;
mod descriptors;
mod growth;
mod options;
mod server;
mod streams;
mod transfer;
mod volume;
mod write;

use crate::arguments::Arguments;
use crate::turns::Turns;

/// Runs the case of that name.
pub async fn run(case: &str, arguments: &Arguments, turns: &mut Turns) {
    match case {
        "listen" => server::listen(arguments, turns).await,
        "listen-fails" => server::listen_fails(arguments, turns).await,
        "listen-twice" => server::listen_twice(arguments, turns).await,
        "close-at-once" => server::close_at_once(arguments, turns).await,
        "close-unopened" => server::close_unopened(turns).await,
        "close-twice" => server::close_twice(arguments, turns).await,
        "listen-again" => server::listen_again(arguments, turns).await,
        "close-with-connections" => server::close_with_connections(arguments, turns).await,
        "close-untaken" => server::close_untaken(arguments, turns).await,
        "drop-server" => server::drop_server(arguments, turns).await,
        "trap" => server::trap(arguments, turns).await,
        "echo" => server::echo(arguments, turns).await,

        "talk" => client::talk(arguments, turns).await,
        "wait" => client::wait(arguments, turns).await,
        "wait-twice" => client::wait_twice(arguments, turns).await,
        "destroyed-unheard" => client::destroyed_unheard(arguments, turns).await,
        "states" => client::states(arguments, turns).await,
        "connect-throws" => client::connect_throws(arguments),
        "destroy-connecting" => client::destroy_connecting(arguments, turns).await,
        "destroy-attempt" => client::destroy_attempt(arguments, turns).await,
        "end-connecting" => client::end_connecting(arguments, turns).await,
        "connect-twice" => client::connect_twice(arguments, turns).await,
        "reconnect" => client::reconnect(arguments, turns).await,
        "drop-connecting" => client::drop_connecting(arguments, turns).await,

        "partial-reads" => transfer::partial_reads(arguments, turns).await,
        "pieces" => transfer::pieces(arguments, turns).await,
        "unread" => transfer::unread(arguments, turns).await,
        "pause" => transfer::pause(arguments, turns).await,
        "pause-on-connect" => transfer::pause_on_connect(arguments, turns).await,
        "pause-before-connect" => transfer::pause_before_connect(arguments, turns).await,
        "peer-ends" => transfer::peer_ends(arguments, turns).await,
        "end-first" => transfer::end_first(arguments, turns).await,
        "half-open" => transfer::half_open(arguments, turns).await,
        "destroy-unread" => transfer::destroy_unread(arguments, turns).await,

        "callbacks" => write::callbacks(arguments, turns).await,
        "before-connect" => write::before_connect(arguments, turns).await,
        "after-end" => write::after_end(arguments, turns).await,
        "end-twice" => write::end_twice(arguments, turns).await,
        "after-peer-end" => write::after_peer_end(arguments, turns).await,
        "after-destroy" => write::after_destroy(arguments, turns).await,
        "unconnected" => write::unconnected(turns).await,
        "destroy-unconnected" => write::destroy_unconnected(turns).await,
        "end-unconnected" => write::end_unconnected(turns).await,
        "destroy-pending" => write::destroy_pending(arguments, turns).await,
        "destroy-in-flight" => write::destroy_in_flight(arguments, turns).await,
        "destroy-with-error" => write::destroy_with_error(arguments, turns).await,
        "write-then-destroy" => write::write_then_destroy(arguments, turns).await,
        "write-then-drop" => write::write_then_drop(arguments, turns).await,
        "flood" => write::flood(arguments, turns).await,
        "closed-peer" => write::closed_peer(arguments, turns).await,

        "transfer-as-client" => volume::as_client(arguments, turns).await,
        "transfer-as-server" => volume::as_server(arguments, turns).await,
        "slow-reader" => volume::slow_reader(arguments, turns).await,
        "unread-volume" => volume::unread_volume(arguments, turns).await,

        "pumped" => streams::pumped(arguments, turns).await,
        "sink" => streams::sink(arguments, turns).await,
        "taken" => streams::taken(arguments, turns).await,
        "taken-too-late" => streams::taken_too_late(arguments, turns).await,
        "stopped" => streams::stopped(arguments, turns).await,
        "piped-to-itself" => streams::piped_to_itself(arguments, turns).await,
        "proxy" => streams::proxy(arguments, turns).await,
        "timeout" => streams::timeout(arguments, turns).await,
        "client-timeout" => streams::client_timeout(arguments, turns).await,

        "listen-fd" => descriptors::listen_fd(arguments, turns).await,
        "connected-fd" => descriptors::connected_fd(arguments, turns).await,
        "pipe-fd" => descriptors::pipe_fd(arguments, turns).await,
        "wrong-fd" => descriptors::wrong_fd(arguments, turns).await,

        "obedient-client" => options::obedient_client(arguments, turns).await,
        "obedient-server" => options::obedient_server(arguments, turns).await,

        "empty" => turns.rest().await,
        "is-ip" => contract::is_ip(),
        "second-wait" => contract::second_wait(arguments, turns).await,
        "cancelled-wait" => contract::cancelled_wait(arguments, turns).await,
        "first-wait-cancelled" => contract::first_wait_cancelled(turns).await,
        "waits-given-up" => contract::waits_given_up(turns).await,
        "dropped-wait" => contract::dropped_wait(arguments, turns).await,
        "unref-server" => contract::unref_server(arguments, turns).await,
        "ref-server" => contract::ref_server(arguments, turns).await,
        "unref-socket" => contract::unref_socket(arguments, turns).await,
        "ids" => contract::ids(arguments, turns).await,
        "odd-calls" => contract::odd_calls(arguments, turns).await,
        "dropped-full" => contract::dropped_full(arguments, turns).await,
        "many" => contract::many(arguments, turns).await,

        "immediate-waits" => growth::immediate_waits(arguments, turns).await,
        "serve-many" => growth::serve_many(arguments).await,

        _ => panic!("there is no case `{case}`"),
    }
}
