//! Which registry has a package, and how it is reached: wkg's configuration, with the project's laid over it.
//!
//! wkg's rules, kept so that both tools agree: an override for the package, then its namespace's registry, then the
//! default registry, then the two built-in namespaces. The mapping may carry the registry's metadata; then nothing
//! is asked for. `[registry."NAME"]` says how to speak to a registry: `default` (or `type`) names the protocol, a
//! single protocol table names it as well, a folder needs no metadata, and metadata from the network can never turn
//! a registry into a folder of this machine.
//!
//! A project is not as trustworthy as its user: it may have been cloned from anywhere. It may say where packages come
//! from, but not where the user's credentials go (see [`Configuration::oci`]).

mod login;
mod mappings;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wasm_pkg_common::config::{Config, RegistryMapping};
use wasm_pkg_common::metadata::{LOCAL_PROTOCOL, OCI_PROTOCOL, RegistryMetadata};
use wasm_pkg_common::package::PackageRef;
use wasm_pkg_common::registry::Registry;

pub(crate) use self::login::{LoginRoute, oci_host};
use crate::error::Error;
use crate::oci::OciSettings;
use crate::settings::{Environment, Settings};
use crate::text::is_loopback;

/// No configuration file is larger.
const CONFIG_LIMIT: u64 = 1 << 20;

/// The merged configuration.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    merged: Config,
    project: Option<(Config, PathBuf)>,
    /// The user's alone.
    user: Config,
    /// The user's file, for messages.
    path: PathBuf,
}

/// How a registry is reached, as far as the configuration alone says.
#[derive(Debug)]
pub(crate) enum Route {
    /// A folder in wkg's layout.
    Folder(PathBuf),
    /// Over the network; with metadata from the configuration, or to be asked for.
    Remote { metadata: Option<RegistryMetadata> },
}

impl Configuration {
    /// Reads the user's and the project's configuration.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Error> {
        let mut merged = Config::default();
        let named = settings
            .config_file
            .clone()
            .or_else(|| settings.environment.get("WKG_CONFIG_FILE").map(PathBuf::from));
        let path = named.clone().or_else(|| default_config_path(&settings.environment)).unwrap_or_default();
        let text = match read_bounded(&path) {
            Ok(text) => Some(text),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Error::Config { path, reason: error.to_string() });
            }
        };
        if let Some(text) = text {
            merged.merge(parse(&text, &path)?);
        }
        let user = merged.clone();
        let mut project = None;
        if let Some(given) = &settings.project_config {
            let config = parse(&given.toml, &given.base_dir)?;
            merged.merge(config.clone());
            project = Some((config, given.base_dir.clone()));
        }
        Ok(Self { merged, project, user, path })
    }

    pub(crate) fn registry_of(&self, package: &PackageRef) -> Option<&Registry> {
        self.merged.resolve_registry(package)
    }

    /// The registry that a mapping of the package or of its namespace names.
    pub(crate) fn mapped_registry_of(&self, package: &PackageRef) -> Option<&Registry> {
        let mapping = self.merged.package_registry_override(package);
        let mapping = mapping.or_else(|| self.merged.namespace_registry(package.namespace()));
        mapping.map(|mapping| match mapping {
            RegistryMapping::Registry(registry) => registry,
            RegistryMapping::Custom(custom) => &custom.registry,
        })
    }

    pub(crate) fn route(&self, package: &PackageRef, registry: &Registry) -> Result<Route, Error> {
        check_name(registry.as_ref())?;
        if self.protocol(registry).as_deref() == Some(LOCAL_PROTOCOL) {
            return Ok(Route::Folder(self.folder(registry)?));
        }
        let metadata = custom(&self.merged, package, registry);
        Ok(Route::Remote { metadata })
    }

    /// The protocol that the configuration names for `registry`.
    pub(crate) fn protocol(&self, registry: &Registry) -> Option<String> {
        self.merged.registry_config(registry)?.default_backend().map(str::to_owned)
    }

    /// `[registry."NAME".oci]`, for the registry that is spoken to at `host`.
    ///
    /// The user's `auth` belongs to the registry's name. It does not go to a host that only the project's mapping
    /// names, and nothing of the user's (the environment's and Docker's credentials included) goes over a connection
    /// whose protection only the project has lowered, unless it stays on this machine. The project's own `auth` goes
    /// where the project says.
    pub(crate) fn oci(
        &self,
        package: &PackageRef,
        registry: &Registry,
        host: &str,
    ) -> Result<OciSettings, Error> {
        let of = |config: &Config| self.oci_table(config, registry);
        let mut settings = of(&self.merged)?;
        let Some((project, _)) = &self.project else {
            return Ok(settings);
        };
        let mapped_by_project = custom(project, package, registry).is_some() && host != registry.as_ref();
        let is_here = url::Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url));
        let lowered_by_project = settings.is_relaxed() && !of(&self.user)?.is_relaxed() && !is_here;
        if mapped_by_project || lowered_by_project {
            settings.credential = of(project)?.credential;
        }
        if lowered_by_project {
            settings.caution = Some(format!(
                "your credentials for `{host}` were held back, because only the project's configuration turns off \
                 the protection of the connection; if that is right, say so in your own config.toml of wkg"
            ));
        }
        Ok(settings)
    }

    /// `[registry."NAME".oci]` of one configuration.
    fn oci_table(&self, config: &Config, registry: &Registry) -> Result<OciSettings, Error> {
        let Some(config) = config.registry_config(registry) else {
            return Ok(OciSettings::default());
        };
        let table =
            config.backend_config(OCI_PROTOCOL).map_err(|error| self.table_error(registry, "oci", &error))?;
        OciSettings::new(table.unwrap_or_default()).map_err(|reason| self.table(registry, "oci", &reason))
    }

    /// Whether the configuration alone says that the registry speaks warg, and where.
    pub(crate) fn names_warg_url(&self, registry: &Registry) -> Result<bool, Error> {
        #[derive(Deserialize)]
        struct Place {
            url: Option<String>,
        }
        const WARG_PROTOCOL: &str = "warg";
        if self.protocol(registry).as_deref() != Some(WARG_PROTOCOL) {
            return Ok(false);
        }
        let table = self.merged.registry_config(registry).map(|config| config.backend_config(WARG_PROTOCOL));
        let table: Option<Option<Place>> =
            table.transpose().map_err(|error| self.table_error(registry, WARG_PROTOCOL, &error))?;
        Ok(table.flatten().is_some_and(|place| place.url.is_some()))
    }

    /// `[registry."NAME".warg]`, with the URL that it names, else that of the metadata, else the registry's name.
    ///
    /// The rule is that of [`Self::oci`]: the user's token and signing key belong to the registry's name, and go
    /// nowhere that only the project names, be it in its table or in its mapping. A token of the environment goes to
    /// the host that its variable names.
    #[cfg(feature = "warg")]
    pub(crate) fn warg(
        &self,
        package: &PackageRef,
        registry: &Registry,
        metadata_url: Option<&str>,
        environment: &Environment,
    ) -> Result<crate::warg::WargSettings, Error> {
        use crate::warg::{WARG_PROTOCOL, WargSettings, WargTable, parse_url};
        let of = |config: &Config| -> Result<WargTable, Error> {
            let table = config.registry_config(registry).map(|config| config.backend_config(WARG_PROTOCOL));
            let table = table.transpose().map_err(|error| self.table_error(registry, "warg", &error))?;
            Ok(table.flatten().unwrap_or_default())
        };
        let mut table = of(&self.merged)?;
        let named = table.url.clone();
        let url = named.as_deref().or(metadata_url).unwrap_or(registry.as_ref());
        let url = parse_url(url)
            .map_err(|reason| Error::UnusableRegistry { registry: registry.to_string(), reason })?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().unwrap_or_default());

        let mut is_foreign = false;
        if let Some((project, base)) = &self.project {
            let of_project = of(project)?;
            let by_table = of_project.url.is_some() && of_project.url != of(&self.user)?.url;
            let mapped = |config: &Config| -> Option<WargTable> {
                custom(config, package, registry)?.protocol_config(WARG_PROTOCOL).ok()?
            };
            let url_of = |config| mapped(config).and_then(|table| table.url);
            let by_mapping = named.is_none()
                && custom(project, package, registry).is_some()
                && (url_of(project).is_none() || url_of(project) != url_of(&self.user));
            is_foreign = (by_table || by_mapping) && host != registry.as_ref();
            let own_file = of_project.signing_key_file.as_ref().map(|file| base.join(file));
            if is_foreign {
                table =
                    WargTable { url: table.url, max_checkpoint_age: table.max_checkpoint_age, ..of_project };
            }
            table.signing_key_file = own_file.or(table.signing_key_file);
        }
        let mut settings = WargSettings::new(url, table);
        let mut variables = vec![host.as_str()];
        if !is_foreign {
            variables.push(registry.as_ref());
        }
        let of_environment =
            variables.into_iter().find_map(|name| crate::credentials::bearer(name, environment));
        settings.token = of_environment.or(settings.token);
        if is_foreign && settings.token.is_none() {
            settings.caution = Some(format!(
                "a token for registry `{registry}` would not be sent to `{host}`, which only the project's \
                 configuration names; if that is right, say so in your own config.toml of wkg"
            ));
        }
        if settings.token.as_ref().is_some_and(|(token, _)| !token.fits_header()) {
            return Err(Error::UnusableRegistry {
                registry: registry.to_string(),
                reason: "its token has characters that a token cannot have".to_owned(),
            });
        }
        Ok(settings)
    }

    /// `root` of `[registry."NAME".local]`. The project's is relative to the project, the user's as wkg has it: to
    /// the working directory.
    fn folder(&self, registry: &Registry) -> Result<PathBuf, Error> {
        #[derive(Deserialize)]
        struct Local {
            root: PathBuf,
        }
        let root = |config: &Config| -> Result<Option<PathBuf>, Error> {
            let Some(config) = config.registry_config(registry) else {
                return Ok(None);
            };
            let table: Option<Local> = config
                .backend_config(LOCAL_PROTOCOL)
                .map_err(|error| self.table_error(registry, "local", &error))?;
            Ok(table.map(|local| local.root))
        };
        if let Some((config, base)) = &self.project
            && let Some(found) = root(config)?
        {
            return Ok(base.join(found));
        }
        root(&self.merged)?
            .ok_or_else(|| self.table(registry, "local", "`root`, the folder's path, is missing"))
    }

    fn table_error(&self, registry: &Registry, table: &str, error: &wasm_pkg_common::Error) -> Error {
        self.table(registry, table, &without_source_lines(&error.to_string()))
    }

    fn table(&self, registry: &Registry, table: &str, reason: &str) -> Error {
        let in_project = self
            .project
            .as_ref()
            .filter(|(config, _)| config.registry_config(registry).is_some())
            .map(|(_, dir)| dir);
        Error::Config {
            path: in_project.unwrap_or(&self.path).clone(),
            reason: format!("in `[registry.\"{registry}\".{table}]`: {reason}"),
        }
    }
}

/// The metadata that the mapping of the package gives its registry.
fn custom(config: &Config, package: &PackageRef, registry: &Registry) -> Option<RegistryMetadata> {
    let mappings =
        [config.package_registry_override(package), config.namespace_registry(package.namespace())];
    mappings.into_iter().flatten().find_map(|mapping| match mapping {
        RegistryMapping::Custom(custom) if custom.registry == *registry => Some(custom.metadata.clone()),
        _ => None,
    })
}

/// wkg's `config.toml` as the environment places it: `WKG_CONFIG_FILE`, else `wasm-pkg/config.toml` in the user's
/// configuration directory (`XDG_CONFIG_HOME`, else `~/.config`; `APPDATA` on Windows).
pub fn default_config_path(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment.get("WKG_CONFIG_FILE") {
        return Some(path.into());
    }
    let dir = if cfg!(windows) {
        PathBuf::from(environment.get("APPDATA")?)
    } else {
        match environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute()) {
            Some(dir) => dir,
            None => PathBuf::from(environment.get("HOME")?).join(".config"),
        }
    };
    Some(dir.join("wasm-pkg").join("config.toml"))
}

/// A registry's name must be a host with an optional port. The type also lets user information through, which must
/// not get into URLs, messages and keys.
pub(crate) fn check_name(registry: &str) -> Result<(), Error> {
    if registry.contains('@') {
        let (_, host) = registry.rsplit_once('@').unwrap_or_default();
        return Err(Error::UnusableRegistry {
            registry: host.to_owned(),
            reason:
                "its name must be a host without user information; credentials belong into `auth` of wkg's \
                     config.toml"
                    .to_owned(),
        });
    }
    Ok(())
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    fs_err::File::open(path)?.take(CONFIG_LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str, path: &Path) -> Result<Config, Error> {
    Config::from_toml(text).map_err(|error| Error::Config {
        path: path.to_owned(),
        reason: without_source_lines(&error.to_string()),
    })
}

/// TOML errors quote the offending line, which may hold a password: only the place and the message remain.
fn without_source_lines(message: &str) -> String {
    let kept: Vec<&str> = message
        .lines()
        .map(str::trim)
        .filter(|line| {
            let quoted = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|');
            !quoted && !line.is_empty()
        })
        .collect();
    let text = kept
        .join(": ")
        .replace(
            "data did not match any variant of untagged enum RegistryMapping",
            "neither a registry's name nor a table with `registry` and `metadata`",
        )
        .replace(
            "data did not match any variant of untagged enum ConfiguredAuth",
            "neither base64 of `username:password` nor a table with `username` and `password`",
        );
    let text = text.strip_prefix("invalid config: ").unwrap_or(&text);
    text.strip_prefix("TOML parse error at ").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ProjectConfig;

    fn read(user: Option<&str>, project: Option<&str>) -> (tempfile::TempDir, Result<Configuration, Error>) {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(dir.path().join("cache"));
        if let Some(user) = user {
            let path = dir.path().join("config.toml");
            fs_err::write(&path, user).unwrap();
            settings.config_file = Some(path);
        }
        settings.project_config =
            project.map(|toml| ProjectConfig { toml: toml.into(), base_dir: dir.path().join("project") });
        let read = Configuration::read(&settings);
        (dir, read)
    }

    fn registry_of(config: &Configuration, package: &str) -> String {
        config.registry_of(&package.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn package_then_namespace_then_default_then_built_in() {
        let (_dir, config) = read(
            Some(
                r#"
                [namespace_registries]
                acme = "acme.example"
                [package_registry_overrides]
                "acme:special" = "special.example"
                "#,
            ),
            None,
        );
        let config = config.unwrap();
        assert_eq!(registry_of(&config, "acme:special"), "special.example");
        assert_eq!(registry_of(&config, "acme:base"), "acme.example");
        assert_eq!(registry_of(&config, "wasi:http"), "wasi.dev");
        assert!(config.registry_of(&"other:x".parse().unwrap()).is_none());
    }

    #[test]
    fn the_project_is_laid_over_the_user_and_its_folders_are_relative_to_it() {
        let (dir, config) = read(
            Some("default_registry = \"user.example\"\n[namespace_registries]\nmine = \"mine.example\""),
            Some(
                "default_registry = \"folder.local\"\n[registry.\"folder.local\".local]\nroot = \"../registry\"",
            ),
        );
        let config = config.unwrap();
        assert_eq!(registry_of(&config, "acme:base"), "folder.local");
        assert_eq!(registry_of(&config, "mine:base"), "mine.example");
        let route = config.route(&"acme:base".parse().unwrap(), &"folder.local".parse().unwrap()).unwrap();
        assert!(matches!(route, Route::Folder(root) if root == dir.path().join("project/../registry")));
    }

    #[test]
    fn metadata_in_the_mapping_counts_for_its_registry_only() {
        let (_dir, config) = read(
            Some(
                r#"
                [namespace_registries.acme]
                registry = "acme"
                metadata = { preferredProtocol = "oci", oci = { registry = "ghcr.io", namespacePrefix = "acme/" } }
                "#,
            ),
            None,
        );
        let config = config.unwrap();
        let package = "acme:base".parse().unwrap();
        let known = config.route(&package, &"acme".parse().unwrap()).unwrap();
        assert!(matches!(known, Route::Remote { metadata: Some(_) }));
        let other = config.route(&package, &"other.example".parse().unwrap()).unwrap();
        assert!(matches!(other, Route::Remote { metadata: None }));
    }

    #[test]
    fn every_registry_that_is_mapped_is_known() {
        let (_dir, config) = read(
            Some(
                r#"
                default_registry = "default.example"
                [namespace_registries]
                acme = "acme.example"
                shop = { registry = "shop", metadata = { preferredProtocol = "oci", oci = { registry = "ghcr.io" } } }
                [package_registry_overrides]
                "acme:beta" = "beta.example"
                [registry."acme.example".oci]
                auth = { username = "me", password = "sesame" }
                "#,
            ),
            Some("[namespace_registries]\nmine = \"mine.example\""),
        );
        let mapped = config.unwrap().mapped_packages().unwrap();
        let mapped: Vec<_> =
            mapped.iter().map(|(package, registry)| format!("{package} {registry}")).collect();
        assert_eq!(
            mapped,
            [
                "any:any default.example",
                "acme:any acme.example",
                "mine:any mine.example",
                "shop:any shop",
                "acme:beta beta.example"
            ]
        );
        let (_dir, empty) = read(None, None);
        assert_eq!(empty.unwrap().mapped_packages().unwrap(), []);
    }

    #[test]
    fn a_syntax_error_names_the_line_and_never_quotes_it() {
        let (_dir, config) = read(Some("[registry.\"a.b\".oci]\nauth = { password = \"sesame\" x }\n"), None);
        let error = config.unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("sesame"), "{error}");
    }

    #[test]
    fn a_file_that_was_named_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(dir.path());
        settings.config_file = Some(dir.path().join("absent.toml"));
        assert!(matches!(Configuration::read(&settings), Err(Error::Config { .. })));
        settings.config_file = None;
        settings.environment = [("HOME", dir.path().to_str().unwrap())].into_iter().collect();
        assert!(Configuration::read(&settings).is_ok());
    }

    #[test]
    fn a_folder_without_root_is_reported_with_its_table() {
        let (_dir, config) = read(Some("[registry.\"folder.local\".local]\nroots = \"x\""), None);
        let error =
            config.unwrap().route(&"a:b".parse().unwrap(), &"folder.local".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("[registry.\"folder.local\".local]"), "{error}");
    }

    #[test]
    fn user_information_in_a_registry_name_is_refused_and_not_shown() {
        let error = check_name("user:secret@example.com").unwrap_err().to_string();
        assert!(error.contains("example.com") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn the_default_place_follows_the_environment() {
        let environment: Environment = [("HOME", "/home/me")].into_iter().collect();
        assert_eq!(
            default_config_path(&environment).unwrap(),
            Path::new("/home/me/.config/wasm-pkg/config.toml")
        );
        let environment: Environment =
            [("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/cfg")].into_iter().collect();
        assert_eq!(default_config_path(&environment).unwrap(), Path::new("/cfg/wasm-pkg/config.toml"));
        let environment: Environment = [("WKG_CONFIG_FILE", "/x.toml")].into_iter().collect();
        assert_eq!(default_config_path(&environment).unwrap(), Path::new("/x.toml"));
    }

    const USER: &str = "[registry.\"corp\".oci]\nauth = { username = \"me\", password = \"x\" }";

    #[test]
    fn a_project_does_not_send_the_users_password_elsewhere() {
        let mapping = "[namespace_registries.acme]\nregistry = \"corp\"\n\
                       metadata = { oci = { registry = \"evil.example\" } }";
        let (package, corp) = ("acme:base".parse().unwrap(), "corp".parse().unwrap());
        let of = |user: String, project: Option<&str>, host: &str| {
            let (_dir, config) = read(Some(&user), project);
            config.unwrap().oci(&package, &corp, host).unwrap()
        };
        let by_project = of(USER.into(), Some(mapping), "evil.example");
        assert!(by_project.credential.is_none() && by_project.caution.is_none());
        assert!(of(format!("{mapping}\n{USER}"), Some(""), "evil.example").credential.is_some());
        assert!(of(USER.into(), Some(mapping), "corp").credential.is_some());
        let own = format!("{mapping}\n{}", USER.replace("\"me\"", "\"theirs\""));
        assert!(of(USER.into(), Some(&own), "evil.example").credential.is_some());
    }

    #[test]
    fn a_project_does_not_send_the_users_password_in_the_clear() {
        let (package, corp) = ("acme:base".parse().unwrap(), "corp".parse().unwrap());
        for lowered in ["protocol = \"http\"", "accept_invalid_certificates = true"] {
            let lowered = format!("[registry.\"corp\".oci]\n{lowered}");
            let (_dir, config) = read(Some(USER), Some(&lowered));
            let config = config.unwrap();
            let settings = config.oci(&package, &corp, "corp").unwrap();
            assert!(settings.credential.is_none() && settings.caution.is_some(), "{lowered}");
            let here = config.oci(&package, &corp, "127.0.0.1:5000").unwrap();
            assert!(here.credential.is_some() && here.caution.is_none(), "{lowered}");
        }
    }

    #[cfg(feature = "warg")]
    #[test]
    fn a_project_does_not_send_the_users_token_elsewhere() {
        const USER: &str = "[registry.\"corp\".warg]\nauth_token = \"mine\"\nsigning_key_file = \"/k\"";
        let (package, corp) = ("acme:base".parse().unwrap(), "corp".parse().unwrap());
        let of = |user: &str, project: Option<&str>, metadata: Option<&str>, variable: &str| {
            let environment = [(variable, "of the environment".replace(' ', "-"))].into_iter().collect();
            let (_dir, config) = read(Some(user), project);
            let settings = config.unwrap().warg(&package, &corp, metadata, &environment).unwrap();
            (settings.url.to_string(), settings.token.map(|(token, _)| token.expose().to_owned()))
        };
        let url = |url: &str| format!("[registry.\"corp\".warg]\nurl = \"{url}\"");
        let mapping = "[namespace_registries.acme]\nregistry = \"corp\"\n\
                       metadata = { preferredProtocol = \"warg\", warg = { url = \"https://evil.example\" } }";
        let (mine, theirs) = (Some("mine".to_owned()), Some("theirs".to_owned()));
        let given = Some("of-the-environment".to_owned());
        let (evil, good) = ("https://evil.example/".to_owned(), "https://corp/".to_owned());

        assert_eq!(of(USER, None, None, ""), (good.clone(), mine.clone()));
        // The registry itself says where it is.
        assert_eq!(of(USER, None, Some("https://evil.example"), ""), (evil.clone(), mine.clone()));
        // The project says so, in its table or in its mapping.
        assert_eq!(of(USER, Some(&url("https://evil.example")), None, ""), (evil.clone(), None));
        assert_eq!(of(USER, Some(mapping), Some("https://evil.example"), ""), (evil.clone(), None));
        assert_eq!(of(USER, Some(&url("https://corp")), None, ""), (good, mine.clone()));
        // The user says so too.
        let both = format!("{USER}\nurl = \"https://evil.example\"");
        assert_eq!(of(&both, Some(&url("https://evil.example")), None, ""), (evil.clone(), mine));
        // The project has a token of its own.
        let own = format!("{}\nauth_token = \"theirs\"", url("https://evil.example"));
        assert_eq!(of(USER, Some(&own), None, ""), (evil.clone(), theirs));
        // A variable names a registry or a host, and belongs to that.
        let (by_name, by_host) = ("WKG_REGISTRY_CORP_AUTH_BEARER", "WKG_REGISTRY_EVIL_EXAMPLE_AUTH_BEARER");
        assert_eq!(of("", Some(&url("https://evil.example")), None, by_name), (evil.clone(), None));
        assert_eq!(of("", Some(&url("https://evil.example")), None, by_host), (evil.clone(), given.clone()));
        assert_eq!(of("", None, Some("https://evil.example"), by_name), (evil, given));
    }
}
