//! Files and folders, many at one time: what the host has to hold for a program, though it costs the
//! program next to nothing. Each says how many there were, and why there is no other.

use std::fmt::Debug;
use std::mem::forget;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor as Descriptor02, DescriptorFlags as Flags02, OpenFlags as OpenFlags02,
    PathFlags as PathFlags02,
};

use crate::wasi::clocks::monotonic_clock;
use crate::wasi::filesystem::preopens;
use crate::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags,
};
use crate::{Outcome, wit_future, wit_stream};

pub async fn attempt(words: &[&str]) -> Outcome {
    let (what, times) = match words {
        [what, times] => (*what, times.parse::<u32>().expect("a number")),
        _ => panic!("there is no attempt {words:?}"),
    };
    match what {
        "directories-0.2" => {
            let folder = folder02();
            many(times, |_| folder.read_directory())
        }
        // Each listed to its end, and given back.
        "list-0.2" => {
            let folder = folder02();
            many(times, |_| {
                let entries = folder.read_directory()?;
                while entries.read_directory_entry()?.is_some() {}
                Ok::<_, wasip2::filesystem::types::ErrorCode>(())
            })
        }
        "readers-0.2" => {
            let file = file02();
            let reads = many(times, |_| {
                let stream = file.read_via_stream(0)?;
                let _ = stream.read(1 << 16);
                Ok::<_, wasip2::filesystem::types::ErrorCode>(stream)
            });
            // What was read comes meanwhile.
            wasip2::clocks::monotonic_clock::subscribe_duration(1_000_000_000).block();
            reads
        }
        "writers-0.2" => {
            let file = file02();
            many(times, |_| {
                let stream = file.write_via_stream(0)?;
                if stream.check_write().is_ok_and(|room| room > 0) {
                    let _ = stream.write(&[0; 1 << 12]);
                }
                Ok::<_, wasip2::filesystem::types::ErrorCode>(stream)
            })
        }
        "files-0.2" => {
            let folder = folder02();
            many(times, |_| {
                let flags = PathFlags02::empty();
                folder.open_at(flags, "file", OpenFlags02::empty(), Flags02::READ)
            })
        }
        "files-0.3" => {
            let folder = folder();
            let mut files = vec![];
            let error = loop {
                if files.len() == times as usize {
                    break None;
                }
                let (flags, open) = (PathFlags::empty(), OpenFlags::empty());
                let opened = folder.open_at(flags, "file".to_owned(), open, DescriptorFlags::READ);
                match opened.await {
                    Ok(file) => files.push(file),
                    Err(error) => break Some(error),
                }
            };
            Ok(format!("{} {error:?}", files.len()))
        }
        "directories-0.3" => {
            let folder = folder();
            let mut streams = vec![];
            let mut error = None;
            for _ in 0..times {
                let (mut stream, end) = folder.read_directory();
                // Its thread is in the middle of it.
                if stream.next().await.is_none() {
                    error = end.await.err();
                    break;
                }
                streams.push((stream, end));
            }
            Ok(format!("{} {error:?}", streams.len()))
        }
        "readers-0.3" => {
            let file = file().await;
            let mut streams = vec![];
            let mut error = None;
            for _ in 0..times {
                let (mut stream, end) = file.read_via_stream(0);
                if stream.next().await.is_none() {
                    error = end.await.err();
                    break;
                }
                streams.push((stream, end));
            }
            Ok(format!("{} {error:?}", streams.len()))
        }
        "writers-0.3" => {
            let file = file().await;
            for _ in 0..times {
                let (writer, reader) = wit_stream::new();
                let end = file.write_via_stream(reader, 0);
                forget((writer, end));
            }
            Ok(String::new())
        }
        // Each read to its end, and given back.
        "read-0.3" => {
            let file = file().await;
            for _ in 0..times {
                let (stream, end) = file.read_via_stream(0);
                let _ = stream.collect().await;
                end.await.map_err(|code| format!("{code:?}"))?;
            }
            Ok(String::new())
        }
        // All at once, with a long path each, and nobody waits for any.
        "operations-0.3" => {
            let folder = Rc::new(folder());
            let path = "a/".repeat(1 << 19);
            for _ in 0..times {
                let (folder, path) = (Rc::clone(&folder), path.clone());
                begin(async move {
                    let _ = folder.stat_at(PathFlags::empty(), path).await;
                });
            }
            Ok(String::new())
        }
        "timers-0.3" => {
            for _ in 0..times {
                begin(async { monotonic_clock::wait_for(1 << 60).await });
            }
            Ok(String::new())
        }
        "streams" => {
            for _ in 0..times {
                forget(wit_stream::new::<u8>());
            }
            Ok(String::new())
        }
        "futures" => {
            for _ in 0..times {
                forget(wit_future::new::<Result<(), ErrorCode>>(|| Ok(())));
            }
            Ok(String::new())
        }
        _ => panic!("there is no attempt {words:?}"),
    }
}

/// Begins something, and never asks for it again.
fn begin(future: impl Future<Output = ()> + 'static) {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    let _ = pin!(&mut future).as_mut().poll(&mut context);
    forget(future);
}

fn many<T, E: Debug>(times: u32, mut create: impl FnMut(u32) -> Result<T, E>) -> Outcome {
    let mut made = vec![];
    let mut error = None;
    for turn in 0..times {
        match create(turn) {
            Ok(one) => made.push(one),
            Err(why) => {
                error = Some(why);
                break;
            }
        }
    }
    let outcome = format!("{} {error:?}", made.len());
    // They are there until the program ends.
    forget(made);
    Ok(outcome)
}

fn folder02() -> Descriptor02 {
    get_directories().into_iter().next().expect("a --dir").0
}

fn file02() -> Descriptor02 {
    let flags = Flags02::READ | Flags02::WRITE;
    let file = folder02().open_at(PathFlags02::empty(), "file", OpenFlags02::empty(), flags);
    file.expect("it is there")
}

fn folder() -> Descriptor {
    preopens::get_directories().remove(0).0
}

async fn file() -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let folder = folder();
    let opened = folder.open_at(
        PathFlags::empty(),
        "file".to_owned(),
        OpenFlags::empty(),
        flags,
    );
    opened.await.expect("it is there")
}
