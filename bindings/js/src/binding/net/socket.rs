//! `binding.net.Socket`.

use std::rc::Rc;

use rquickjs::class::Trace;
use rquickjs::function::Opt;
use rquickjs::{Class, Ctx, JsLifetime, Object, Result, Value};

use super::block_list::BlockList;
use super::error::{self, OrThrow};
use super::server::{number, number_of};
use super::{address, event};
use crate::binding::bytes::{self, Bytes};
use crate::binding::object::{Whole, flag, option};
use crate::plugnet::net::net::{self, ConnectOptions, ReadyState, SocketOptions};
use crate::plugnet::net::types::ResolvedAddress;

#[derive(Trace, JsLifetime)]
#[rquickjs::class]
pub(super) struct Socket {
    #[qjs(skip_trace)]
    inner: Rc<net::Socket>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        event::forget(self.inner.id());
    }
}

impl Socket {
    pub(super) fn of(inner: Rc<net::Socket>) -> Self {
        Socket { inner }
    }

    pub(super) fn inner(&self) -> &net::Socket {
        &self.inner
    }
}

#[rquickjs::methods(rename_all = "camelCase")]
impl Socket {
    #[qjs(constructor)]
    fn new(options: Opt<Option<Object<'_>>>) -> Result<Self> {
        let options = socket_options(options)?;
        let inner = event::hold(net::Socket::new(options));
        Ok(Socket { inner })
    }

    #[qjs(static)]
    fn from_fd<'js>(
        ctx: Ctx<'js>,
        descriptor: u32,
        options: Opt<Option<Object<'js>>>,
    ) -> Result<Self> {
        let options = socket_options(options)?;
        let socket = net::Socket::from_fd(descriptor, options).or_throw(&ctx)?;
        Ok(Socket {
            inner: event::hold(socket),
        })
    }

    fn id(&self) -> Whole {
        Whole(self.inner.id())
    }

    fn connect<'js>(
        &self,
        ctx: Ctx<'js>,
        options: Object<'js>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        let family: Option<Value<'js>> = option(&options, "family")?;
        let options = ConnectOptions {
            port: option(&options, "port")?.unwrap_or(0),
            host: option(&options, "host")?,
            local_address: option(&options, "localAddress")?,
            local_port: option(&options, "localPort")?,
            family: super::family(family.as_ref()),
            hints: option(&options, "hints")?.unwrap_or(0),
            lookup: flag(&options, "lookup")?,
            auto_select_family: option(&options, "autoSelectFamily")?,
            auto_select_family_attempt_timeout: option(&options, "autoSelectFamilyAttemptTimeout")?,
            no_delay: flag(&options, "noDelay")?,
            keep_alive: number(&options, "keepAlive")?,
            timeout: number(&options, "timeout")?,
        };
        self.inner
            .connect(&options, number_of(callback))
            .or_throw(&ctx)
    }

    fn connect_path(&self, ctx: Ctx<'_>, path: String, callback: Opt<Option<Whole>>) -> Result<()> {
        self.inner
            .connect_path(&path, number_of(callback))
            .or_throw(&ctx)
    }

    fn looked_up<'js>(
        &self,
        error: Option<Value<'js>>,
        addresses: Opt<Option<Vec<Object<'js>>>>,
    ) -> Result<()> {
        match error.filter(|error| !error.is_null() && !error.is_undefined()) {
            Some(error) => {
                let error = error::from_value(&error)?;
                self.inner.looked_up(Err(&error));
            }
            None => {
                let mut resolved = vec![];
                for address in addresses.0.flatten().into_iter().flatten() {
                    resolved.push(ResolvedAddress {
                        address: address.get("address")?,
                        family: address.get("family")?,
                    });
                }
                self.inner.looked_up(Ok(&resolved));
            }
        }
        Ok(())
    }

    fn read<'js>(&self, ctx: Ctx<'js>, max: Whole) -> Result<Value<'js>> {
        bytes::from_vec(&ctx, self.inner.read(max.0))
    }

    fn read_text(&self) -> String {
        self.inner.read_text()
    }

    fn set_encoding(&self, ctx: Ctx<'_>, encoding: Opt<Option<String>>) -> Result<()> {
        let encoding = encoding.0.flatten();
        self.inner.set_encoding(encoding.as_deref()).or_throw(&ctx)
    }

    fn write(&self, data: Bytes<'_>, callback: Opt<Option<Whole>>) -> bool {
        data.with(|data| self.inner.write(data, number_of(callback)))
    }

    fn write_text(
        &self,
        ctx: Ctx<'_>,
        text: String,
        encoding: Opt<Option<String>>,
        callback: Opt<Option<Whole>>,
    ) -> Result<bool> {
        let encoding = encoding.0.flatten();
        let written = self
            .inner
            .write_text(&text, encoding.as_deref(), number_of(callback));
        written.or_throw(&ctx)
    }

    fn end(&self, data: Opt<Option<Bytes<'_>>>, callback: Opt<Option<Whole>>) {
        let callback = number_of(callback);
        match data.0.flatten() {
            None => self.inner.end(None, callback),
            Some(data) => data.with(|data| self.inner.end(Some(data), callback)),
        }
    }

    fn destroy(&self, error: Opt<Value<'_>>) -> Result<()> {
        let error = error
            .0
            .filter(|error| !error.is_null() && !error.is_undefined());
        let error = error.map(|error| error::from_value(&error)).transpose()?;
        self.inner.destroy(error.as_ref());
        Ok(())
    }

    fn destroy_soon(&self) {
        self.inner.destroy_soon();
    }

    fn reset_and_destroy(&self, ctx: Ctx<'_>) -> Result<()> {
        self.inner.reset_and_destroy().or_throw(&ctx)
    }

    fn pause(&self) {
        self.inner.pause();
    }

    fn is_paused(&self) -> bool {
        self.inner.is_paused()
    }

    fn resume(&self) {
        self.inner.resume();
    }

    fn set_timeout(&self, milliseconds: Whole, callback: Opt<Option<Whole>>) {
        self.inner.set_timeout(milliseconds.0, number_of(callback));
    }

    fn timeout(&self) -> Option<Whole> {
        self.inner.timeout().map(Whole)
    }

    fn set_no_delay(&self, no_delay: bool) {
        self.inner.set_no_delay(no_delay);
    }

    fn set_keep_alive(
        &self,
        enable: bool,
        initial_delay: Whole,
        interval: Opt<Option<Whole>>,
        count: Opt<Option<u32>>,
    ) {
        let interval = interval.0.flatten().map(|interval| interval.0);
        let count = count.0.flatten();
        self.inner
            .set_keep_alive(enable, initial_delay.0, interval, count);
    }

    fn set_block_list(&self, list: Class<'_, BlockList>) {
        self.inner.set_block_list(list.borrow().inner());
    }

    fn set_type_of_service(&self, type_of_service: u8) {
        self.inner.set_type_of_service(type_of_service);
    }

    fn get_type_of_service(&self) -> u8 {
        self.inner.get_type_of_service()
    }

    fn pipe(&self, destination: Class<'_, Socket>, end: bool) {
        self.inner.pipe(destination.borrow().inner(), end);
    }

    fn unpipe(&self, destination: Opt<Option<Class<'_, Socket>>>) {
        let destination = destination.0.flatten();
        match destination {
            None => self.inner.unpipe(None),
            Some(destination) => self.inner.unpipe(Some(destination.borrow().inner())),
        }
    }

    #[qjs(rename = "ref")]
    fn reference(&self) {
        self.inner.ref_();
    }

    fn unref(&self) {
        self.inner.unref();
    }

    fn address<'js>(&self, ctx: Ctx<'js>) -> Result<Value<'js>> {
        address(&ctx, self.inner.address())
    }

    fn remote_address<'js>(&self, ctx: Ctx<'js>) -> Result<Value<'js>> {
        address(&ctx, self.inner.remote_address())
    }

    fn auto_select_family_attempted_addresses(&self) -> Option<Vec<String>> {
        self.inner.auto_select_family_attempted_addresses()
    }

    fn bytes_read(&self) -> Whole {
        Whole(self.inner.bytes_read())
    }

    fn bytes_written(&self) -> Whole {
        Whole(self.inner.bytes_written())
    }

    fn buffer_size(&self) -> Whole {
        Whole(self.inner.buffer_size())
    }

    fn connecting(&self) -> bool {
        self.inner.connecting()
    }

    fn pending(&self) -> bool {
        self.inner.pending()
    }

    fn destroyed(&self) -> bool {
        self.inner.destroyed()
    }

    fn ready_state(&self) -> &'static str {
        match self.inner.ready_state() {
            ReadyState::Opening => "opening",
            ReadyState::Open => "open",
            ReadyState::ReadOnly => "readOnly",
            ReadyState::WriteOnly => "writeOnly",
            ReadyState::Closed => "closed",
        }
    }
}

fn socket_options(options: Opt<Option<Object<'_>>>) -> Result<Option<SocketOptions>> {
    let Some(options) = options.0.flatten() else {
        return Ok(None);
    };
    Ok(Some(SocketOptions {
        allow_half_open: flag(&options, "allowHalfOpen")?,
        high_water_mark: number(&options, "highWaterMark")?,
    }))
}
