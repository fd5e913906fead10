//! `binding.net.Server`.

use rquickjs::class::Trace;
use rquickjs::function::Opt;
use rquickjs::{Class, Ctx, JsLifetime, Object, Result, Value};

use super::block_list::BlockList;
use super::error::OrThrow;
use super::socket::Socket;
use super::{address, event};
use crate::binding::object::{Whole, flag, option};
use crate::plugnet::net::net::{
    self, ListenHandle, ListenOptions, ListenPathOptions, ServerOptions,
};

#[derive(Trace, JsLifetime)]
#[rquickjs::class]
pub(super) struct Server {
    #[qjs(skip_trace)]
    inner: net::Server,
}

#[rquickjs::methods(rename_all = "camelCase")]
impl Server {
    #[qjs(constructor)]
    fn new(options: Opt<Option<Object<'_>>>) -> Result<Self> {
        let options = match &options.0.flatten() {
            None => None,
            Some(options) => Some(ServerOptions {
                allow_half_open: flag(options, "allowHalfOpen")?,
                pause_on_connect: flag(options, "pauseOnConnect")?,
                no_delay: flag(options, "noDelay")?,
                keep_alive: number(options, "keepAlive")?,
                high_water_mark: number(options, "highWaterMark")?,
            }),
        };
        let inner = net::Server::new(options);
        Ok(Server { inner })
    }

    fn id(&self) -> Whole {
        Whole(self.inner.id())
    }

    fn listen<'js>(
        &self,
        ctx: Ctx<'js>,
        options: Object<'js>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        let options = ListenOptions {
            port: option(&options, "port")?.unwrap_or(0),
            host: option(&options, "host")?,
            backlog: option(&options, "backlog")?,
            exclusive: flag(&options, "exclusive")?,
            ipv6_only: flag(&options, "ipv6Only")?,
            reuse_port: flag(&options, "reusePort")?,
        };
        self.inner
            .listen(&options, number_of(callback))
            .or_throw(&ctx)
    }

    fn listen_path<'js>(
        &self,
        ctx: Ctx<'js>,
        options: Object<'js>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        let options = ListenPathOptions {
            path: options.get("path")?,
            backlog: option(&options, "backlog")?,
            exclusive: flag(&options, "exclusive")?,
            readable_all: flag(&options, "readableAll")?,
            writable_all: flag(&options, "writableAll")?,
        };
        self.inner
            .listen_path(&options, number_of(callback))
            .or_throw(&ctx)
    }

    fn listen_server<'js>(
        &self,
        ctx: Ctx<'js>,
        server: Class<'js, Server>,
        backlog: Opt<Option<u32>>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        let server = server.borrow();
        let handle = ListenHandle::Server(&server.inner);
        self.listen_on(&ctx, handle, backlog, callback)
    }

    fn listen_socket<'js>(
        &self,
        ctx: Ctx<'js>,
        socket: Class<'js, Socket>,
        backlog: Opt<Option<u32>>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        let socket = socket.borrow();
        let handle = ListenHandle::Socket(socket.inner());
        self.listen_on(&ctx, handle, backlog, callback)
    }

    fn listen_fd(
        &self,
        ctx: Ctx<'_>,
        descriptor: u32,
        backlog: Opt<Option<u32>>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        self.listen_on(&ctx, ListenHandle::Fd(descriptor), backlog, callback)
    }

    fn accept(&self) -> Option<Socket> {
        self.inner
            .accept()
            .map(|socket| Socket::of(event::hold(socket)))
    }

    fn close(&self, callback: Opt<Option<Whole>>) {
        self.inner.close(number_of(callback));
    }

    fn address<'js>(&self, ctx: Ctx<'js>) -> Result<Value<'js>> {
        address(&ctx, self.inner.address())
    }

    fn path(&self) -> Option<String> {
        self.inner.path()
    }

    fn listening(&self) -> bool {
        self.inner.listening()
    }

    fn connections(&self) -> Whole {
        Whole(self.inner.connections())
    }

    fn get_connections(&self, callback: Whole) {
        self.inner.get_connections(callback.0);
    }

    fn max_connections(&self) -> Option<Whole> {
        self.inner.max_connections().map(Whole)
    }

    fn set_max_connections(&self, value: Opt<Option<Whole>>) {
        let value = value.0.flatten().map(|value| value.0);
        self.inner.set_max_connections(value);
    }

    fn set_block_list(&self, list: Class<'_, BlockList>) {
        self.inner.set_block_list(list.borrow().inner());
    }

    #[qjs(rename = "ref")]
    fn reference(&self) {
        self.inner.ref_();
    }

    fn unref(&self) {
        self.inner.unref();
    }
}

impl Server {
    fn listen_on(
        &self,
        ctx: &Ctx<'_>,
        handle: ListenHandle<'_>,
        backlog: Opt<Option<u32>>,
        callback: Opt<Option<Whole>>,
    ) -> Result<()> {
        let backlog = backlog.0.flatten();
        self.inner
            .listen_handle(&handle, backlog, number_of(callback))
            .or_throw(ctx)
    }
}

/// A number of options that may be missing.
pub(super) fn number(object: &Object<'_>, name: &str) -> Result<Option<u64>> {
    Ok(option::<Whole>(object, name)?.map(|number| number.0))
}

/// An argument that may be missing.
pub(super) fn number_of(argument: Opt<Option<Whole>>) -> Option<u64> {
    argument.0.flatten().map(|number| number.0)
}
