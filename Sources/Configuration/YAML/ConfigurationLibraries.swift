import CYAML

/// The library that reads YAML.
package enum ConfigurationLibraries {
    /// The version that is loaded.
    package static var yaml: String { String(cString: yaml_get_version_string()) }
}
