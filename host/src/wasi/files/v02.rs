//! WASI 0.2: single functions of wasmtime-wasi's interface are replaced.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DirectoryEntry, ErrorCode, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::listing::Listing;
use super::stream02::Held;
use super::{Full, LONGEST_PATH};
use crate::wasi::{View, WasiState};

/// As wasmtime-wasi calls its interface. A program may import any version 0.2.
const TYPES: &str = "wasi:filesystem/types@0.2.12";

impl From<Full> for ErrorCode {
    fn from(_: Full) -> Self {
        ErrorCode::InsufficientMemory
    }
}

impl From<Full> for FsError {
    fn from(full: Full) -> Self {
        ErrorCode::from(full).into()
    }
}

pub(super) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
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
    )?;
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<Listing>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let state = store.data_mut().wasi();
            let listing = state.table.delete(Resource::<Listing>::new_own(number))?;
            listing.free(state.memory);
            Ok(())
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store: StoreContextMut<'_, T>, (folder,): (Resource<Descriptor>,)| {
            Box::new(async move {
                let mut state = store.data_mut().wasi();
                Ok((told(state.read_directory02(folder).await)?,))
            })
        },
    )?;
    types.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: StoreContextMut<'_, T>, (listing,): (Resource<Listing>,)| {
            let listing = store.data_mut().wasi().table.get_mut(&listing)?;
            let entry: Result<Option<DirectoryEntry>, ErrorCode> = listing.next().transpose();
            Ok((entry,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut store: StoreContextMut<'_, T>, (file, offset): (Resource<Descriptor>, u64)| {
            Ok((told(store.data_mut().wasi().read02(file, offset))?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store: StoreContextMut<'_, T>, (file, offset): (Resource<Descriptor>, u64)| {
            let mut state = store.data_mut().wasi();
            Ok((told(state.write02(|files| {
                HostDescriptor::write_via_stream(files, file, offset)
            }))?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut store: StoreContextMut<'_, T>, (file,): (Resource<Descriptor>,)| {
            let mut state = store.data_mut().wasi();
            Ok((told(state.write02(|files| {
                HostDescriptor::append_via_stream(files, file)
            }))?,))
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: StoreContextMut<'_, T>,
         (folder, path_flags, path, open_flags, flags): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            Box::new(async move {
                let mut state = store.data_mut().wasi();
                let opened = state.open02(folder, path_flags, path, open_flags, flags);
                Ok((told(opened.await)?,))
            })
        },
    )
}

/// Converts an error for the program.
fn told<V>(result: FsResult<V>) -> wasmtime::Result<Result<V, ErrorCode>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

impl WasiState<'_> {
    async fn read_directory02(
        &mut self,
        folder: Resource<Descriptor>,
    ) -> FsResult<Resource<Listing>> {
        let permit = self.files.folder()?;
        let read = HostDescriptor::read_directory(&mut self.filesystem(), folder).await?;
        let read = self.table.delete(read)?;
        let listing = Listing::new(read, permit, self.memory).map_err(FsError::trap)??;
        Ok(self.table.push(listing)?)
    }

    fn read02(
        &mut self,
        file: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        let permit = self.files.stream()?;
        let stream = HostDescriptor::read_via_stream(&mut self.filesystem(), file, offset)?;
        let held = Held {
            stream: self.table.delete(stream)?,
            _permit: permit,
        };
        let held: DynInputStream = Box::new(held);
        Ok(self.table.push(held)?)
    }

    fn write02(
        &mut self,
        write: impl FnOnce(
            &mut wasmtime_wasi::filesystem::WasiFilesystemCtxView<'_>,
        ) -> FsResult<Resource<DynOutputStream>>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let permit = self.files.stream()?;
        let stream = write(&mut self.filesystem())?;
        let held = Held {
            stream: self.table.delete(stream)?,
            _permit: permit,
        };
        let held: DynOutputStream = Box::new(held);
        Ok(self.table.push(held)?)
    }

    async fn open02(
        &mut self,
        folder: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if path.len() > LONGEST_PATH {
            return Err(ErrorCode::NameTooLong.into());
        }
        let permit = self.files.descriptor()?;
        let files = &mut self.filesystem();
        let opened = HostDescriptor::open_at(files, folder, path_flags, path, open_flags, flags);
        let file = opened.await?;
        self.files.opened(file.rep(), permit);
        Ok(file)
    }
}
