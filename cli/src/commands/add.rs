//! `spin-deps add`

use clap::Args;
use serde_json::json;
use spin_deps_project::{AddOptions, Target};
use wasm_pkg_common::{digest::ContentDigest, registry::Registry};

use super::{Context, sync_json, sync_lines, warn_all};
use crate::{
    output::{DIM, GOOD, NAME, Output, styled},
    report::Failure,
};

/// Add a dependency to a component, or middleware to a trigger
///
/// Resolves the app with the new dependency, locks and fetches what was chosen, writes the entry into spin.toml and
/// the WIT to build against into spin-dependencies.wit. If anything fails, every file is as it was.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spin-deps add acme:crypto                     the newest release, as ^x.y.z
  spin-deps add acme:crypto@^2 --to api         a range, for the component `api`
  spin-deps add ./crypto.wasm                   a file
  spin-deps add https://example.com/c.wasm --digest sha256:…
  spin-deps add crypto                          the component `crypto` of this app
  spin-deps add ./auth.wasm --route /admin/...  middleware, as the innermost one")]
pub(crate) struct Add {
    /// A package `ns:name[@REQ]`, a path, a URL or the id of a component of this app
    source: String,
    /// The component that gets the dependency [default: the only one]
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// What the component imports, as a name in its dependencies; once for each [default: what the source exports]
    #[arg(long = "import", value_name = "NAME")]
    imports: Vec<String>,
    /// The export that meets the import, where it has another name
    #[arg(long, value_name = "NAME")]
    export: Option<String>,
    /// Capabilities that the dependency inherits from the component: keys, `all` that it reaches for, or `none`
    #[arg(long, value_name = "CAP", value_delimiter = ',')]
    inherit: Vec<String>,
    /// The registry that the package comes from [default: the configured one]
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<Registry>,
    /// The digest of what is behind a URL
    #[arg(long, value_name = "sha256:HEX", value_parser = digest)]
    digest: Option<ContentDigest>,
    /// Add it as middleware of the HTTP trigger with this route
    #[arg(long, value_name = "ROUTE", conflicts_with_all = ["to", "imports", "export"])]
    route: Option<String>,
    /// The place in the middleware pipeline, 0 is outermost [default: last]
    #[arg(long, value_name = "N", requires = "route")]
    position: Option<usize>,
}

fn digest(text: &str) -> Result<ContentDigest, String> {
    text.parse().map_err(|error: wasm_pkg_common::Error| error.to_string())
}

impl Add {
    pub(crate) async fn run(self, context: &Context) -> Result<Output, Failure> {
        let mut project = context.project().await?;
        let options = AddOptions {
            source: self.source,
            to: self.to,
            imports: self.imports,
            export: self.export,
            inherit: self.inherit,
            registry: self.registry,
            digest: self.digest,
            route: self.route,
            position: self.position,
        };
        let added = project.add(&options).await?;
        warn_all(added.warnings.iter().chain(&added.sync.warnings).chain(&added.sync.lock.warnings));
        let additions: Vec<_> = added
            .additions
            .iter()
            .map(|it| match &it.target {
                Target::Component(id) => json!({ "name": it.name, "chosen": it.chosen, "component": id }),
                Target::Middleware { route, position } => {
                    json!({ "name": it.name, "chosen": it.chosen, "route": route, "position": position })
                }
            })
            .collect();
        let mut output = Output::new(json!({ "added": additions, "sync": sync_json(&added.sync) }));
        for addition in &added.additions {
            let name = styled(NAME, &addition.name);
            match &addition.target {
                Target::Component(id) => output.line(format!(
                    "{} {name} to component '{id}' {}",
                    styled(GOOD, "Added"),
                    styled(DIM, format!("({})", addition.chosen))
                )),
                Target::Middleware { route, .. } => output.line(format!(
                    "{} middleware '{name}' to the trigger for route '{route}'",
                    styled(GOOD, "Added")
                )),
            };
        }
        super::lock_lines(&mut output, &added.sync.lock);
        sync_lines(&mut output, context, &added.sync);
        if added.additions.iter().any(|it| matches!(it.target, Target::Component(_))) {
            output.note("Run `spin build` to build against the new dependency.");
        }
        Ok(output)
    }
}
