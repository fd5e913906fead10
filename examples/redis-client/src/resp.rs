//! RESP2, Redis's protocol, as far as a client needs it.

use std::fmt;

/// What a server answers.
pub enum Reply {
    /// `+OK`
    Simple(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Integer(i64),
    /// `$5`, then the bytes; absent for `$-1`.
    Bulk(Option<Vec<u8>>),
    /// `*2`, then the replies.
    Array(Vec<Reply>),
}

impl Reply {
    /// Whether it is a message of a subscription, with that content.
    pub fn is_message(&self, content: &[u8]) -> bool {
        let Reply::Array(parts) = self else {
            return false;
        };
        let bulk = |part: Option<&Reply>, bytes: &[u8]| matches!(part, Some(Reply::Bulk(Some(text))) if text == bytes);
        bulk(parts.first(), b"message") && bulk(parts.last(), content)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Simple(text) => f.write_str(text),
            Reply::Error(text) => write!(f, "(error) {text}"),
            Reply::Integer(number) => write!(f, "(integer) {number}"),
            Reply::Bulk(Some(bytes)) => f.write_str(&String::from_utf8_lossy(bytes)),
            Reply::Bulk(None) => f.write_str("(nil)"),
            Reply::Array(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let space = if index > 0 { " " } else { "" };
                    write!(f, "{space}{part}")?;
                }
                Ok(())
            }
        }
    }
}

/// A command: an array of bulk strings.
pub fn encode(command: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for argument in command {
        bytes.extend(format!("${}\r\n", argument.len()).into_bytes());
        bytes.extend(argument);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// The first reply in `bytes` and how long it is; absent if it has not come whole.
pub fn decode(bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let (line, mut length) = (String::from_utf8_lossy(&bytes[..end]), end + 2);
    let (Some(kind), Some(rest)) = (line.chars().next(), line.get(1..)) else {
        return Err("the server sent an empty line".to_owned());
    };
    let number = || {
        rest.parse::<i64>()
            .map_err(|_| format!("the server sent `{line}`, which is not RESP2"))
    };
    let reply = match kind {
        '+' => Reply::Simple(rest.to_owned()),
        '-' => Reply::Error(rest.to_owned()),
        ':' => Reply::Integer(number()?),
        '$' => match usize::try_from(number()?) {
            Ok(size) => {
                let Some(bulk) = bytes.get(length..length.saturating_add(size)) else {
                    return Ok(None);
                };
                length += size + 2;
                if bytes.len() < length {
                    return Ok(None);
                }
                Reply::Bulk(Some(bulk.to_owned()))
            }
            Err(_) => Reply::Bulk(None),
        },
        '*' => {
            let mut parts = Vec::new();
            for _ in 0..number()?.max(0) {
                let Some((part, size)) = decode(&bytes[length..])? else {
                    return Ok(None);
                };
                parts.push(part);
                length += size;
            }
            Reply::Array(parts)
        }
        _ => return Err(format!("the server sent `{line}`, which is not RESP2")),
    };
    Ok(Some((reply, length)))
}
