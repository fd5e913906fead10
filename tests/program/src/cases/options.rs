//! Options of sockets: a program that does with its connection what the peer tells it to.

use crate::arguments::Arguments;
use crate::options::SERVER;
use crate::plugnet::net::net::{EventKind, ServerOptions, Socket};
use crate::text;
use crate::turns::{CHUNK, Turns};

/// Connects, after it has done what `before` says.
pub async fn obedient_client(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    if let Some(before) = arguments.text("before") {
        println!("{}", obey(&client, &before));
    }
    arguments.connect(&client).expect("connect");
    if let Some(connecting) = arguments.text("connecting") {
        println!("{}", obey(&client, &connecting));
    }
    serve(&client, turns).await;
}

/// Serves one client.
pub async fn obedient_server(arguments: &Arguments, turns: &mut Turns) {
    let options = ServerOptions {
        no_delay: arguments.flag("no-delay"),
        keep_alive: arguments.number("keep-alive"),
        ..SERVER
    };
    let server = turns.server_with("server", options);
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    server.close(None);
    serve(&connection, turns).await;
}

/// Does what each packet says, and answers with what came of it.
async fn serve(socket: &Socket, turns: &mut Turns) {
    while let Some(event) = turns.next().await {
        if event.source == socket.id() && matches!(event.kind, EventKind::Readable) {
            let order = String::from_utf8(socket.read(CHUNK)).expect("text");
            if !order.is_empty() {
                let answer = obey(socket, &order);
                socket.write(answer.as_bytes(), None);
            }
        }
    }
}

fn obey(socket: &Socket, order: &str) -> String {
    let words: Vec<_> = order.split(' ').collect();
    match words[..] {
        ["hello"] => {}
        ["no-delay", value] => socket.set_no_delay(value == "true"),
        ["keep-alive", delay, interval, count] => {
            let number = |word: &str| word.parse().expect("a number");
            let count = count.parse().expect("a number");
            socket.set_keep_alive(true, number(delay), Some(number(interval)), Some(count));
        }
        ["type-of-service", value] => {
            socket.set_type_of_service(value.parse().expect("a number"));
            return format!("type of service {}", socket.get_type_of_service());
        }
        ["reset"] => {
            if let Err(error) = socket.reset_and_destroy() {
                return error.code;
            }
        }
        _ => panic!("what is `{order}`?"),
    }
    "done".to_owned()
}
