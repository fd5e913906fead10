//! Node's resolution of names of modules, by `oxc_resolver`.

use std::cell::OnceCell;
use std::path::Path;

use oxc_resolver::{ModuleType, ResolveContext, ResolveError, ResolveOptions, Resolver};
use rquickjs::{Ctx, Function, Object, Result};

thread_local! {
    static REQUIRE: OnceCell<Resolver> = const { OnceCell::new() };
    static IMPORT: OnceCell<Resolver> = const { OnceCell::new() };
}

pub(super) fn define<'js>(ctx: &Ctx<'js>, modules: &Object<'js>) -> Result<()> {
    modules.set("resolve", Function::new(ctx.clone(), resolve)?)
}

/// Finds a module: `{ path, type }`, or `{ error, message, tried }`.
///
/// `kind` is `require` or `import`: they differ in conditions, and `import` guesses no
/// extensions and no `index.js`.
fn resolve<'js>(
    ctx: Ctx<'js>,
    specifier: String,
    folder: String,
    kind: String,
) -> Result<Object<'js>> {
    let mut context = ResolveContext::default();
    let mut find = |resolver: &Resolver| {
        resolver.resolve_with_context(Path::new(&folder), &specifier, None, &mut context)
    };
    let found = if kind == "import" {
        IMPORT.with(|cell| find(cell.get_or_init(for_import)))
    } else {
        REQUIRE.with(|cell| find(cell.get_or_init(for_require)))
    };
    let answer = Object::new(ctx)?;
    match found {
        Ok(found) => {
            let query = [found.query(), found.fragment()];
            answer.set("path", found.path().display().to_string())?;
            answer.set("query", query.into_iter().flatten().collect::<String>())?;
            let kind = found.module_type().map(|kind| match kind {
                ModuleType::Module => "module",
                ModuleType::CommonJs => "commonjs",
                ModuleType::Json => "json",
                ModuleType::Wasm => "wasm",
                ModuleType::Addon => "addon",
            });
            answer.set("type", kind)?;
        }
        Err(error) => {
            answer.set("error", code(&error))?;
            answer.set("message", message(&error))?;
            let mut tried: Vec<String> = context
                .missing_dependencies
                .iter()
                .map(|path| path.display().to_string())
                .filter(|path| !path.ends_with("package.json"))
                .collect();
            tried.sort();
            answer.set("tried", tried)?;
        }
    }
    Ok(answer)
}

/// Node's code for what went wrong.
fn code(error: &ResolveError) -> &'static str {
    match error {
        ResolveError::PackagePathNotExported { .. } => "ERR_PACKAGE_PATH_NOT_EXPORTED",
        ResolveError::PackageImportNotDefined(..) => "ERR_PACKAGE_IMPORT_NOT_DEFINED",
        ResolveError::InvalidPackageTarget(..) => "ERR_INVALID_PACKAGE_TARGET",
        ResolveError::InvalidModuleSpecifier(..) => "ERR_INVALID_MODULE_SPECIFIER",
        ResolveError::Json(_)
        | ResolveError::InvalidPackageConfig(_)
        | ResolveError::InvalidPackageConfigDefault(_)
        | ResolveError::InvalidPackageConfigDirectory(_) => "ERR_INVALID_PACKAGE_CONFIG",
        _ => "MODULE_NOT_FOUND",
    }
}

/// Node's message, without who has asked.
fn message(error: &ResolveError) -> String {
    match error {
        ResolveError::PackagePathNotExported {
            subpath,
            package_json_path,
            ..
        } => {
            let package = package_json_path.display();
            if subpath == "." {
                format!("No \"exports\" main defined in {package}")
            } else {
                format!("Package subpath '{subpath}' is not defined by \"exports\" in {package}")
            }
        }
        ResolveError::PackageImportNotDefined(specifier, package) => format!(
            "Package import specifier \"{specifier}\" is not defined in package {}",
            package.display()
        ),
        _ => error.to_string(),
    }
}

fn for_require() -> Resolver {
    Resolver::new(ResolveOptions {
        condition_names: conditions("require"),
        extensions: [".js", ".json", ".node"].map(String::from).into(),
        ..options()
    })
}

fn for_import() -> Resolver {
    Resolver::new(ResolveOptions {
        condition_names: conditions("import"),
        extensions: vec![],
        // `import 'package'` without `exports` still takes its `main` with an extension guessed.
        fully_specified: true,
        ..options()
    })
}

fn conditions(kind: &str) -> Vec<String> {
    ["node", kind, "module-sync", "node-addons"]
        .map(String::from)
        .into()
}

fn options() -> ResolveOptions {
    ResolveOptions {
        // `lib/internal/modules.js` has taken them out already.
        builtin_modules: false,
        module_type: true,
        ..ResolveOptions::default()
    }
}
