//! The program that the tests of policies run: it tries what it is told to, and says what came
//! of it.
//!
//! Every argument is something to try: `API VERB WORD…`, with one line of outcome each, `ok` or
//! the name of an error. In a word `\xHH` stands for a character. The verbs are those of the
//! modules, and those of `misuse` are not about the network at all.

mod address;
mod files;
mod ipc;
mod links;
mod misuse;
mod net;
mod sockets02;
mod sockets03;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package plugnet:attacks;

        world attacks {
            include plugnet:net/imports@0.1.0;
            import plugnet:net/ipc@0.1.0;
            import wasi:sockets/types@0.3.0;
            import wasi:sockets/ip-name-lookup@0.3.0;
            import wasi:filesystem/types@0.3.0;
            import wasi:filesystem/preopens@0.3.0;
            import wasi:clocks/monotonic-clock@0.3.0;
            export wasi:cli/run@0.3.0;
        }
    ",
    world: "plugnet:attacks/attacks",
    generate_all,
});

struct Attacks;

export!(Attacks);

/// `ok`, or `ok` and what there is to say, or an error's name.
type Outcome = Result<String, String>;

impl exports::wasi::cli::run::Guest for Attacks {
    async fn run() -> Result<(), ()> {
        for argument in std::env::args().skip(1) {
            match attempt(&argument).await {
                Ok(said) if said.is_empty() => println!("ok"),
                Ok(said) => println!("ok {said}"),
                Err(error) => println!("{error}"),
            }
        }
        println!("end of the loop");
        Ok(())
    }
}

async fn attempt(argument: &str) -> Outcome {
    let words: Vec<String> = argument.split(' ').map(unescaped).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"net", words)) => net::attempt(words).await,
        Some((&"0.3", words)) => sockets03::attempt(words).await,
        Some((&"0.2", words)) => sockets02::attempt(words),
        Some((&"ipc", words)) => ipc::attempt(words).await,
        Some((&"links", words)) => links::attempt(words),
        Some((&"misuse", words)) => misuse::attempt(words).await,
        Some((&"files", words)) => files::attempt(words).await,
        // What one version got of the host, used by the other.
        Some((&"0.2+0.3", ["connect-name", name, port])) => {
            let addresses = sockets02::lookup(name)?;
            sockets03::connect_any(&addresses, number(port)).await
        }
        Some((&"0.3+0.2", ["connect-name", name, port])) => {
            let addresses = sockets03::lookup(name).await?;
            sockets02::connect_any(&addresses, number(port))
        }
        _ => panic!("there is no attempt `{argument}`"),
    }
}

fn number(word: &str) -> u16 {
    word.parse().expect("a number")
}

/// `\xHH` is a character.
fn unescaped(word: &str) -> String {
    let mut parts = word.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        text.push(char::from(
            u8::from_str_radix(digits, 16).expect("two digits"),
        ));
        text.push_str(rest);
    }
    text
}
