//! WASI 0.2 and 0.3, as far as it is not wasmtime-wasi's alone: sockets, names and files.

mod files;
mod name_lookup;
mod sockets;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::door::Door;
use crate::door::resolver::Resolver;
use crate::limits::MemoryLimit;

pub(crate) use self::files::Files;
pub(crate) use self::sockets::{Foreign, request};

/// What the functions are called on.
pub(crate) struct WasiState<'a> {
    pub(crate) ctx: &'a mut WasiCtx,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) door: &'a Door,
    pub(crate) resolver: &'a Resolver,
    pub(crate) foreign: &'a mut Foreign,
    pub(crate) files: &'a mut Files,
    pub(crate) memory: &'a mut MemoryLimit,
}

/// A store's state with a [`WasiState`]. Its [`WasiView`] is of the same context and table.
pub(crate) trait View: WasiView + 'static {
    fn wasi(&mut self) -> WasiState<'_>;
}

impl WasiView for WasiState<'_> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: self.ctx,
            table: self.table,
        }
    }
}

/// That a store's state has it.
struct HasWasi;

impl HasData for HasWasi {
    type Data<'a> = WasiState<'a>;
}

/// Adds WASI to a linker.
pub(crate) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    name_lookup::add_to_linker(linker)?;
    sockets::add_to_linker(linker)?;
    files::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}
