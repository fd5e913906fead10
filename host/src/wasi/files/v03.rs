//! WASI 0.3: every operation waits for its turn, and streams and descriptors are limited.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::component::{
    Access, Accessor, FutureConsumer, FutureReader, HasData, Linker, Resource, ResourceType,
    Source, StreamReader,
};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::filesystem::{
    Descriptor, WasiFilesystem, WasiFilesystemCtxView, WasiFilesystemView as _,
};
use wasmtime_wasi::p3::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    HostDescriptor, HostDescriptorWithStore, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p3::filesystem::{FilesystemError, FilesystemResult};

use super::{Files, Full, LONGEST_PATH, Permit, Turn};
use crate::wasi::View;

/// As wasmtime-wasi calls its interface.
const TYPES: &str = "wasi:filesystem/types@0.3.0";

impl From<Full> for FilesystemError {
    fn from(_: Full) -> Self {
        ErrorCode::InsufficientMemory.into()
    }
}

struct Bounded;

impl HasData for Bounded {
    type Data<'a> = WasiFilesystemCtxView<'a>;
}

pub(super) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Bounded>(linker, T::filesystem)?;
    let mut types = linker.instance(TYPES)?;
    types.resource(
        "descriptor",
        ResourceType::host::<Descriptor>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let mut state = store.data_mut().wasi();
            HostDescriptor::drop(&mut state.filesystem(), Resource::new_own(number))?;
            state.files.dropped(number);
            Ok(())
        },
    )
}

/// What is counted.
fn files<T: View>(accessor: &Accessor<T, Bounded>) -> FilesOf<'_, T> {
    FilesOf(accessor)
}

struct FilesOf<'a, T: 'static>(&'a Accessor<T, Bounded>);

impl<T: View> FilesOf<'_, T> {
    fn with<R>(&self, what: impl FnOnce(&mut Files) -> R) -> R {
        self.0
            .with(|mut access| what(access.data_mut().wasi().files))
    }
}

/// Waits until an operation with these paths may go on.
async fn turn<T: View>(accessor: &Accessor<T, Bounded>, paths: &[&str]) -> FilesystemResult<Turn> {
    if paths.iter().any(|path| path.len() > LONGEST_PATH) {
        return Err(ErrorCode::NameTooLong.into());
    }
    let operations = files(accessor).with(|files| files.operations());
    Ok(operations.turn().await?)
}

/// The same store, as wasmtime-wasi borrows it.
fn theirs<T: View>(accessor: &Accessor<T, Bounded>) -> Accessor<T, WasiFilesystem> {
    accessor.with_getter::<WasiFilesystem>(T::filesystem)
}

type End = FutureReader<Result<(), ErrorCode>>;

/// A stream's end, which returns the permit when the stream was read or written to its end, failed,
/// or was dropped.
fn held<T: 'static>(
    mut access: Access<'_, T, Bounded>,
    end: End,
    permit: Permit,
) -> wasmtime::Result<End> {
    let (tell, told) = oneshot::channel();
    let holding = Holding {
        tell: Some(tell),
        _permit: permit,
    };
    end.pipe(&mut access, holding)?;
    ended(access, told)
}

fn ended<T: 'static>(
    access: Access<'_, T, Bounded>,
    told: oneshot::Receiver<Result<(), ErrorCode>>,
) -> wasmtime::Result<End> {
    FutureReader::new(access, async move {
        // Who holds it tells, or has no end to tell of.
        wasmtime::error::Ok(told.await.unwrap_or(Ok(())))
    })
}

/// The end of a stream beyond the limit.
fn full<T: 'static>(access: Access<'_, T, Bounded>) -> wasmtime::Result<End> {
    FutureReader::new(access, async {
        wasmtime::error::Ok(Err(ErrorCode::InsufficientMemory))
    })
}

struct Holding {
    tell: Option<oneshot::Sender<Result<(), ErrorCode>>>,
    _permit: Permit,
}

impl<T: 'static> FutureConsumer<T> for Holding {
    type Item = Result<(), ErrorCode>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, T>,
        mut source: Source<'_, Self::Item>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut end = None;
        source.read(store, &mut end)?;
        if let (Some(end), Some(tell)) = (end, self.tell.take()) {
            // The program may have dropped it.
            let _ = tell.send(end);
        }
        Poll::Ready(Ok(()))
    }
}

/// Calls wasmtime-wasi's function in its turn.
macro_rules! in_turn {
    ($accessor:ident, [$($path:ident),*], $call:ident($($argument:expr),* $(,)?)) => {{
        let _turn = turn($accessor, &[$(&$path),*]).await?;
        WasiFilesystem::$call(&theirs($accessor), $($argument),*).await
    }};
}

impl<T: View> HostDescriptorWithStore<T> for Bounded {
    fn read_via_stream(
        mut access: Access<'_, T, Self>,
        file: Resource<Descriptor>,
        offset: u64,
    ) -> wasmtime::Result<(StreamReader<u8>, End)> {
        let Ok(permit) = access.data_mut().wasi().files.stream() else {
            let nothing = StreamReader::new(&mut access, std::iter::empty())?;
            return Ok((nothing, full(access)?));
        };
        let theirs = Access::<T, WasiFilesystem>::new(access.as_context_mut(), T::filesystem);
        let (stream, end) = WasiFilesystem::read_via_stream(theirs, file, offset)?;
        Ok((stream, held(access, end, permit)?))
    }

    fn write_via_stream(
        mut access: Access<'_, T, Self>,
        file: Resource<Descriptor>,
        mut data: StreamReader<u8>,
        offset: u64,
    ) -> wasmtime::Result<End> {
        let Ok(permit) = access.data_mut().wasi().files.stream() else {
            data.close(&mut access)?;
            return full(access);
        };
        let theirs = Access::<T, WasiFilesystem>::new(access.as_context_mut(), T::filesystem);
        let end = WasiFilesystem::write_via_stream(theirs, file, data, offset)?;
        held(access, end, permit)
    }

    fn append_via_stream(
        mut access: Access<'_, T, Self>,
        file: Resource<Descriptor>,
        mut data: StreamReader<u8>,
    ) -> wasmtime::Result<End> {
        let Ok(permit) = access.data_mut().wasi().files.stream() else {
            data.close(&mut access)?;
            return full(access);
        };
        let theirs = Access::<T, WasiFilesystem>::new(access.as_context_mut(), T::filesystem);
        let end = WasiFilesystem::append_via_stream(theirs, file, data)?;
        held(access, end, permit)
    }

    fn read_directory(
        mut access: Access<'_, T, Self>,
        folder: Resource<Descriptor>,
    ) -> wasmtime::Result<(StreamReader<DirectoryEntry>, End)> {
        let Ok(permit) = access.data_mut().wasi().files.folder() else {
            let nothing = StreamReader::new(&mut access, std::iter::empty())?;
            return Ok((nothing, full(access)?));
        };
        let theirs = Access::<T, WasiFilesystem>::new(access.as_context_mut(), T::filesystem);
        let (stream, end) = WasiFilesystem::read_directory(theirs, folder)?;
        Ok((stream, held(access, end, permit)?))
    }

    async fn advise(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
        offset: u64,
        length: u64,
        advice: Advice,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [], advise(file, offset, length, advice))
    }

    async fn sync_data(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [], sync_data(file))
    }

    async fn get_flags(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
    ) -> FilesystemResult<DescriptorFlags> {
        in_turn!(accessor, [], get_flags(file))
    }

    async fn get_type(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
    ) -> FilesystemResult<DescriptorType> {
        in_turn!(accessor, [], get_type(file))
    }

    async fn set_size(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
        size: u64,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [], set_size(file, size))
    }

    async fn set_times(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [], set_times(file, accessed, modified))
    }

    async fn sync(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [], sync(file))
    }

    async fn create_directory_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [path], create_directory_at(folder, path))
    }

    async fn stat(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
    ) -> FilesystemResult<DescriptorStat> {
        in_turn!(accessor, [], stat(file))
    }

    async fn stat_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FilesystemResult<DescriptorStat> {
        in_turn!(accessor, [path], stat_at(folder, flags, path))
    }

    async fn set_times_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FilesystemResult<()> {
        in_turn!(
            accessor,
            [path],
            set_times_at(folder, flags, path, accessed, modified)
        )
    }

    async fn link_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        new_folder: Resource<Descriptor>,
        new_path: String,
    ) -> FilesystemResult<()> {
        in_turn!(
            accessor,
            [path, new_path],
            link_at(folder, flags, path, new_folder, new_path)
        )
    }

    async fn open_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FilesystemResult<Resource<Descriptor>> {
        let permit = files(accessor).with(|files| files.descriptor())?;
        let file: FilesystemResult<_> = in_turn!(
            accessor,
            [path],
            open_at(folder, path_flags, path, open_flags, flags)
        );
        let file = file?;
        files(accessor).with(|files| files.opened(file.rep(), permit));
        Ok(file)
    }

    async fn readlink_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FilesystemResult<String> {
        in_turn!(accessor, [path], readlink_at(folder, path))
    }

    async fn remove_directory_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [path], remove_directory_at(folder, path))
    }

    async fn rename_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path: String,
        new_folder: Resource<Descriptor>,
        new_path: String,
    ) -> FilesystemResult<()> {
        in_turn!(
            accessor,
            [path, new_path],
            rename_at(folder, path, new_folder, new_path)
        )
    }

    async fn symlink_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path: String,
        new_path: String,
    ) -> FilesystemResult<()> {
        in_turn!(
            accessor,
            [path, new_path],
            symlink_at(folder, path, new_path)
        )
    }

    async fn unlink_file_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FilesystemResult<()> {
        in_turn!(accessor, [path], unlink_file_at(folder, path))
    }

    async fn is_same_object(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        // It has no error to answer with, and no path.
        WasiFilesystem::is_same_object(&theirs(accessor), file, other).await
    }

    async fn metadata_hash(
        accessor: &Accessor<T, Self>,
        file: Resource<Descriptor>,
    ) -> FilesystemResult<MetadataHashValue> {
        in_turn!(accessor, [], metadata_hash(file))
    }

    async fn metadata_hash_at(
        accessor: &Accessor<T, Self>,
        folder: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FilesystemResult<MetadataHashValue> {
        in_turn!(accessor, [path], metadata_hash_at(folder, flags, path))
    }
}
